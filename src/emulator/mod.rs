//! Lambda and its front doors on this machine: HTTP (`front`) → event (`gateway`) → queue (`dispatch`) → a child process (`sandbox`) that speaks
//! to our Runtime API (`runtime_api`) through AWS's own `awslambdaric` → response.
//!
//! Knows nothing of state directories or settings: whoever drives it (`cloud::local`) says which versions exist and where `live` points.

mod accept;
mod caller;
pub mod control;
mod dispatch;
mod environment;
mod family;
mod front;
mod import_time;
mod isolation;
mod live;
pub mod log;
mod memory;
mod output;
mod platform;
mod process;
mod report;
pub mod ric;
mod runtime_api;
mod sandbox;
mod seat;
mod witness;

pub use import_time::{Imported, Module, Raised, measure as measure_imports};
pub use live::Live;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::family::end_strays;

use self::dispatch::{Call, Pool, Services};
use self::front::Front;
use self::process::Spawner;
pub use self::witness::{Access, LogLine, Run, Witness, Writer};
use crate::cloud::{Invocation, LastError};
use crate::hint::Hint;
use crate::model::{Cors, FrontDoor, Version};

/// One published version, ready to run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FunctionConfig {
    /// Name of the function.
    pub function_name: String,
    /// Its number.
    pub version: Version,
    /// ARN without qualifier.
    pub function_arn: String,
    /// 12 digits.
    pub account_id: String,
    /// `AWS_REGION` of the process.
    pub region: String,
    /// The unpacked, read-only task root.
    pub code: PathBuf,
    /// The unpacked, read-only layer: what is at `/opt`.
    pub layer: Option<PathBuf>,
    /// `module.function`.
    pub handler: String,
    /// An interpreter that can import `awslambdaric` (see `ric`).
    pub python: PathBuf,
    /// `python3.11`
    pub runtime: String,
    /// The stage's variables.
    pub environment: BTreeMap<String, String>,
    /// MB. Over it, the sandbox is killed.
    pub memory_mb: u32,
    /// MB of `/tmp`, where that can be the sandbox's own (see [`SandboxStatus::own_tmp`]).
    pub ephemeral_storage_mb: u32,
    /// Function timeout.
    pub timeout: Duration,
    /// How many sandboxes may run at once. 0 switches the function off, as in Lambda.
    pub concurrency: usize,
    /// Directory for the sandboxes' own `/tmp`s.
    pub scratch: PathBuf,
    /// Where its log lines go.
    pub log_file: PathBuf,
}

/// A front door to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RouteConfig {
    /// The function that it calls, always at `live`.
    pub function_name: String,
    /// Name of the API's stage.
    pub stage: String,
    /// Which kind.
    pub front_door: FrontDoor,
    /// Whether REST has `*/*` among its binary media types.
    pub binary_support: bool,
    /// What it tells scripts of other origins by itself.
    pub cors: Option<Cors>,
    /// Port to listen on; `None`: any free one.
    pub port: Option<u16>,
}

/// What `status` tells of a running function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FunctionStatus {
    /// Address of the front door, if open.
    pub address: Option<SocketAddr>,
    /// Where `live` points.
    pub live: Option<Version>,
    /// Its sandboxes.
    pub sandboxes: Vec<SandboxStatus>,
    /// The last invocation that failed.
    pub last_error: Option<LastError>,
}

/// One sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SandboxStatus {
    /// Process id.
    pub pid: u32,
    /// Which version it runs.
    pub version: Version,
    /// `starting`, `idle`, `busy`.
    pub state: String,
    /// Requests served.
    pub requests: u64,
    /// Memory that the process has now, in MB, where the system tells.
    pub memory_mb: Option<u64>,
    /// The most that it has had.
    pub peak_memory_mb: Option<u64>,
    /// Whether `/tmp` is the sandbox's own and limited in size. Else `TMPDIR` names its directory, without a limit: the kernel does not permit
    /// mounts, or the code or the interpreter lies below `/tmp` itself.
    #[serde(default)]
    pub own_tmp: bool,
}

/// Why the emulator did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// No such function or version was put.
    #[error("the emulator has no version {version:?} of `{function_name}`")]
    UnknownFunction {
        /// Name of the function.
        function_name: String,
        /// The version; `None` for `live`.
        version: Option<Version>,
    },
    /// All sandboxes are busy and no more may be started.
    #[error("{}", throttled(function_name, *limit))]
    Throttled {
        /// Name of the function.
        function_name: String,
        /// The limit.
        limit: usize,
    },
    /// The event is larger than Lambda takes.
    #[error("an event of {size} bytes is over Lambda's limit of {limit}")]
    PayloadTooLarge {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// The port is taken or not allowed.
    #[error("could not listen on 127.0.0.1:{port}")]
    Listen {
        /// The port, 0 for any.
        port: u16,
        /// The reason.
        source: std::io::Error,
    },
}

fn throttled(function_name: &str, limit: usize) -> String {
    match limit {
        0 => format!("`{function_name}` is switched off: it may have no sandbox"),
        _ => format!("all {limit} sandboxes of `{function_name}` are busy"),
    }
}

impl Hint for EmulatorError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownFunction { .. } => vec!["`zappa deploy` puts it up".to_owned()],
            Self::Throttled { .. } => vec!["`lambda_concurrency` in the settings is the number of sandboxes".to_owned()],
            Self::PayloadTooLarge { .. } => Vec::new(),
            Self::Listen { .. } => vec!["choose another port with `--port`, or leave it out for a free one".to_owned()],
        }
    }

    fn is_input(&self) -> bool {
        matches!(self, Self::PayloadTooLarge { .. })
    }
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;
/// Makes ids for requests, traces and log streams.
pub type Ids = Arc<dyn Fn() -> uuid::Uuid + Send + Sync>;

/// What an emulator takes from outside, and Lambda's own waiting times.
#[derive(Clone)]
pub struct Options {
    /// The wall clock.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Ids,
    /// How long an idle sandbox is kept.
    pub idle_for: Duration,
    /// How long the first init of a sandbox may take; after that it is repeated within the function's timeout.
    pub init_limit: Duration,
    /// How long front doors wait for a function; `None`: as long as they do on AWS.
    pub gateway_limit: Option<Duration>,
    /// How many bytes a log file may have before a new one is begun; the one before is kept.
    pub log_limit: u64,
    /// Who is told of requests and log lines as they happen.
    pub witness: Option<Arc<dyn Witness>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(jiff::Timestamp::now),
            ids: Arc::new(uuid::Uuid::new_v4),
            idle_for: Duration::from_secs(300),
            init_limit: Duration::from_secs(10),
            gateway_limit: None,
            log_limit: 10_000_000,
            witness: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("idle_for", &self.idle_for).field("init_limit", &self.init_limit).finish_non_exhaustive()
    }
}

/// A running emulator. Cheap to clone; all clones are the same one. When the last one is dropped, or the asynchronous runtime that it was used in
/// ends, every sandbox is killed; [`Emulator::shutdown`] is the orderly way.
#[derive(Clone)]
pub struct Emulator {
    shared: Arc<Shared>,
}

struct Shared {
    services: Arc<Services>,
    functions: Mutex<BTreeMap<String, Arc<Function>>>,
}

struct Function {
    pool: Arc<Pool>,
    /// Held while it is opened or changed: two at once would fight for the port.
    front: tokio::sync::Mutex<Option<Front>>,
    address: Mutex<Option<SocketAddr>>,
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("functions", &self.shared.functions().keys()).finish()
    }
}

impl Default for Emulator {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn functions(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Function>>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Emulator {
    /// An emulator without functions.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    /// As [`Emulator::new`], with another clock, other ids or other waiting times.
    #[must_use]
    pub fn with(options: Options) -> Self {
        let services = Arc::new(Services { options, spawner: Spawner::new() });
        Self { shared: Arc::new(Shared { services, functions: Mutex::default() }) }
    }

    fn find(&self, function_name: &str, version: Option<Version>) -> Result<Arc<Function>, EmulatorError> {
        let found = self.shared.functions().get(function_name).cloned();
        found.ok_or_else(|| EmulatorError::UnknownFunction { function_name: function_name.to_owned(), version })
    }

    /// Makes a version known. Starts nothing.
    pub async fn put_version(&self, config: FunctionConfig) {
        let mut functions = self.shared.functions();
        let function = functions.entry(config.function_name.clone()).or_insert_with(|| {
            let pool = Pool::new(&config.function_name, self.shared.services.clone());
            Arc::new(Function { pool, front: tokio::sync::Mutex::new(None), address: Mutex::new(None) })
        });
        function.pool.put_version(config);
    }

    /// Forgets a version; its sandboxes end when their request is done.
    pub async fn remove_version(&self, function_name: &str, version: Version) {
        if let Ok(function) = self.find(function_name, Some(version)) {
            function.pool.remove_version(version);
        }
    }

    /// Waits until nothing of a version runs any more. A version that is live or known can come back to life; one that was removed cannot.
    pub async fn drained(&self, function_name: &str, version: Version) {
        if let Ok(function) = self.find(function_name, Some(version)) {
            function.pool.drained(version).await;
        }
    }

    /// The versions that are known.
    pub async fn versions(&self, function_name: &str) -> Vec<Version> {
        self.find(function_name, None).map(|function| function.pool.versions()).unwrap_or_default()
    }

    /// Points `live` at a version; the next request goes there, requests in flight end where they are, idle sandboxes of other versions are stopped.
    pub async fn set_live(&self, function_name: &str, version: Version) -> Result<(), EmulatorError> {
        self.find(function_name, Some(version))?.pool.set_live(version)
    }

    /// Opens the front door, or changes it; the address stays if the port does.
    pub async fn open_route(&self, config: RouteConfig) -> Result<SocketAddr, EmulatorError> {
        let function = self.find(&config.function_name, None)?;
        let mut front = function.front.lock().await;
        if let Some(open) = front.as_ref().filter(|open| open.serves(&config)) {
            open.change(config);
            return Ok(open.address);
        }
        let opened = Front::open(config, &function.pool, self.shared.services.options.clone()).await?;
        let address = opened.address;
        let previous = front.replace(opened);
        function.set_address(Some(address));
        if let Some(previous) = previous {
            // Whoever is being served there is served to the end.
            tokio::spawn(previous.close(Duration::MAX));
        }
        Ok(address)
    }

    /// Closes the front door and stops everything of the function.
    pub async fn remove_function(&self, function_name: &str) {
        let function = self.shared.functions().remove(function_name);
        if let Some(function) = function {
            function.close(Duration::ZERO).await;
        }
    }

    /// Calls a version (`None`: `live`) and waits. If the caller stops waiting, the function's run goes on.
    pub async fn invoke(&self, function_name: &str, version: Option<Version>, payload: Bytes) -> Result<Invocation, EmulatorError> {
        self.invoke_live(function_name, version, payload, None).await
    }

    /// As [`Emulator::invoke`]; what the function writes meanwhile also goes to `live`.
    pub async fn invoke_live(
        &self,
        function_name: &str,
        version: Option<Version>,
        payload: Bytes,
        live: Option<Live>,
    ) -> Result<Invocation, EmulatorError> {
        let function = self.find(function_name, version)?;
        let options = &self.shared.services.options;
        let trace_id = front::new_trace_id((options.clock)().as_second(), (options.ids)());
        function.pool.invoke(Call { version, payload, trace_id, live, ahead: false }).await
    }

    /// Starts a sandbox of a version ahead of need and has it answer `payload`, which the limit on sandboxes does not hold up: as the old version's
    /// end, the new one takes their place.
    pub async fn warm(&self, function_name: &str, version: Version, payload: Bytes) -> Result<Invocation, EmulatorError> {
        let function = self.find(function_name, Some(version))?;
        let options = &self.shared.services.options;
        let trace_id = front::new_trace_id((options.clock)().as_second(), (options.ids)());
        function.pool.invoke(Call { version: Some(version), payload, trace_id, live: None, ahead: true }).await
    }

    /// How a function is doing.
    pub async fn status(&self, function_name: &str) -> Option<FunctionStatus> {
        let function = self.find(function_name, None).ok()?;
        let (live, sandboxes) = function.pool.status();
        let last_error = function.pool.last_error();
        let address = *function.address.lock().unwrap_or_else(PoisonError::into_inner);
        Some(FunctionStatus { address, live, sandboxes, last_error })
    }

    /// Closes every front door, lets requests in flight end within `grace`, then kills what is left. No process remains.
    pub async fn shutdown(&self, grace: Duration) {
        let functions = std::mem::take(&mut *self.shared.functions());
        let closing: Vec<_> = functions.into_values().map(|function| tokio::spawn(async move { function.close(grace).await })).collect();
        for task in closing {
            let _ = task.await;
        }
    }
}

impl Function {
    fn set_address(&self, address: Option<SocketAddr>) {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    async fn close(&self, grace: Duration) {
        let front = self.front.lock().await.take();
        self.set_address(None);
        // Both at once: the front door's connections wait for the sandboxes, and a killed sandbox is an answer too.
        let front = async {
            if let Some(front) = front {
                front.close(grace + ANSWER).await;
            }
        };
        tokio::join!(front, self.pool.close(grace));
    }
}

/// How long a connection may take to carry an answer that is there.
const ANSWER: Duration = Duration::from_millis(500);
