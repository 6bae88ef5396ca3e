//! The seam between what is wanted (`ops`) and where it happens: `trait Cloud`, with one adapter for AWS and one for this machine.
//!
//! Every `ensure_*` looks first, writes only what differs and can be repeated: a run that was killed anywhere is finished by the next one.
//! Callers never ask which adapter they hold.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::hint::Hint;
use crate::model::{Architecture, Cors, FrontDoor, Outcome, Runtime, StageId, Target, Version};
use crate::observe::Observer;

pub mod local;
mod logs;

pub use logs::{LogEvent, LogKind, LogPage, LogPosition, LogQuery, LogSink};

/// What a function shall be, as far as a version freezes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionSpec {
    /// `pythonX.Y`.
    pub runtime: Runtime,
    /// Instruction set.
    pub architecture: Architecture,
    /// `module.function`.
    pub handler: String,
    /// MB.
    pub memory_mb: u32,
    /// Function timeout in seconds.
    pub timeout_seconds: u32,
    /// MB of `/tmp`.
    pub ephemeral_storage_mb: u32,
    /// Free text.
    pub description: String,
    /// Environment variables of the process. Never printed.
    pub environment: BTreeMap<String, String>,
    /// Reserved concurrency.
    pub concurrency: Option<u32>,
    /// Tags beside the ones by which a deployment is found again.
    pub tags: BTreeMap<String, String>,
}

/// One archive to hand over.
#[derive(Debug, Clone)]
pub struct CodeSpec {
    /// The zip file on this machine.
    pub path: PathBuf,
    /// Base64 of its SHA-256.
    pub code_sha256: String,
    /// Bytes.
    pub size: u64,
}

/// Code that the target has got, to be used by [`Cloud::ensure_version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRef {
    /// Base64 of the archive's SHA-256.
    pub code_sha256: String,
    /// Bytes of the archive.
    pub code_size: u64,
    /// Where the adapter put it, in its own terms.
    pub location: String,
}

/// What stands before the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Which kind.
    pub front_door: FrontDoor,
    /// Whether bodies that are not text pass unharmed.
    pub binary_support: bool,
    /// What it tells scripts of other origins by itself.
    pub cors: Option<Cors>,
    /// Port wanted for a local URL.
    pub port: Option<u16>,
}

/// A route as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Which kind.
    pub front_door: FrontDoor,
    /// Where it answers, with a slash at the end.
    pub url: String,
}

/// Something that fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Unique within the stage.
    pub name: String,
    /// `rate(...)`, `cron(...)` or `at(...)`.
    pub expression: String,
    /// The event that the function gets.
    pub input: serde_json::Value,
    /// Free text.
    pub description: String,
    /// Whether it fires.
    pub enabled: bool,
}

/// A schedule as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Scheduled {
    /// What was asked for.
    #[serde(flatten)]
    pub spec: ScheduleSpec,
    /// When it fires next, in RFC 3339, as far as that is known.
    pub next_run: Option<String>,
    /// Its last run, as far as the target tells.
    pub last_run: Option<ScheduledRun>,
}

/// One run of a schedule.
#[derive(Debug, Clone, Serialize)]
pub struct ScheduledRun {
    /// When it began, in RFC 3339.
    pub started: String,
    /// From 1; more if earlier attempts failed.
    pub attempt: u32,
    /// `running`, `succeeded` or `failed`.
    pub result: String,
    /// What it failed with.
    pub error: Option<String>,
    /// When it is tried again, in RFC 3339.
    pub retry: Option<String>,
}

/// A release: one published version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its number.
    pub version: Version,
    /// Base64 of the archive's SHA-256.
    pub code_sha256: String,
    /// Bytes of the archive.
    pub code_size: u64,
    /// RFC 3339, UTC.
    pub created: String,
}

/// A stage as it is at the target now.
#[derive(Debug, Clone, Serialize)]
pub struct Deployment {
    /// Name of the function.
    pub function_name: String,
    /// Its ARN, without qualifier.
    pub function_arn: String,
    /// Where `live` points; `None` if the first deployment has not got that far.
    pub live: Option<Version>,
    /// Oldest first.
    pub releases: Vec<Release>,
    /// The configuration that `live` serves with.
    #[serde(skip)]
    pub function: Option<FunctionSpec>,
    /// The front door, if there is one.
    pub route: Option<Route>,
    /// What fires.
    pub schedules: Vec<Scheduled>,
    /// What runs it, where that is a process of ours and it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Host>,
    /// The sandboxes there are, where the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandboxes: Option<Vec<Sandbox>>,
    /// The last invocation that failed, where the target tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<LastError>,
    /// More that the adapter has to tell, for `status`: label → text.
    pub facts: Vec<(String, String)>,
}

/// The process that serves a stage.
#[derive(Debug, Clone, Serialize)]
pub struct Host {
    /// Its id.
    pub pid: u32,
    /// How long it has been running.
    pub uptime_seconds: u64,
}

/// One execution environment of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Process id.
    pub pid: u32,
    /// Which version it runs.
    pub version: Version,
    /// `starting`, `idle`, `busy`.
    pub state: String,
    /// Requests served.
    pub requests: u64,
    /// Memory that it has now, in MB, where the system tells.
    pub memory_mb: Option<u64>,
    /// The most that it has had.
    pub peak_memory_mb: Option<u64>,
}

/// An invocation that failed, in Lambda's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastError {
    /// RFC 3339, UTC.
    pub time: String,
    /// Which request.
    pub request_id: String,
    /// `ValueError`, `Runtime.ExitError`, `Sandbox.Timedout`…
    pub error_type: String,
    /// The first line of its message.
    pub message: String,
}

/// The answer of one synchronous invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// What the function returned, or its error object.
    pub payload: Bytes,
    /// Lambda's `FunctionError` (`Unhandled`), if it failed.
    pub function_error: Option<String>,
    /// What the function wrote while it ran (on AWS the last 4 KB).
    pub log_tail: String,
    /// Set when this call had to start a sandbox.
    pub init_duration: Option<Duration>,
    /// The handler's own time.
    pub duration: Option<Duration>,
    /// The most memory that the sandbox has ever had, where the target tells.
    pub memory_mb: Option<u64>,
}

/// Takes what a function writes while it runs, as bytes and as soon as it is there.
pub type OutputSink<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// A stage's lock: nobody else changes the stage until it is dropped.
pub trait StageLock: Send {}

/// What a removal did away with, one line each.
pub type Removed = Vec<String>;

/// Where stages live.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Which target this is, for messages only.
    fn target(&self) -> Target;

    /// The stage as it is, or `None` if nothing of it exists.
    async fn find(&self, id: &StageId) -> Result<Option<Deployment>, CloudError>;

    /// Keeps other runs off the stage. With `wait`, waits for a running one (telling `observer`) instead of refusing.
    async fn lock(&self, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<Box<dyn StageLock>, CloudError>;

    /// Whatever must be there before a function can be (role, log group, runtime).
    async fn ensure_prerequisites(&self, id: &StageId, function: &FunctionSpec, observer: &dyn Observer) -> Result<Outcome, CloudError>;

    /// Hands the archive over, unless the target has the same bytes already.
    async fn put_code(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<CodeRef, CloudError>;

    /// A published version with exactly this code and configuration: the newest one if it is that already, else a new one. Nothing is live yet.
    async fn ensure_version(
        &self,
        id: &StageId,
        function: &FunctionSpec,
        code: &CodeRef,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Version), CloudError>;

    /// Points `live` at a version.
    async fn move_live(&self, id: &StageId, version: Version) -> Result<Outcome, CloudError>;

    /// A front door of this kind, pointing at `live`.
    async fn ensure_route(&self, id: &StageId, route: &RouteSpec, observer: &dyn Observer) -> Result<(Outcome, Route), CloudError>;

    /// Exactly these schedules, pointing at `live`.
    async fn sync_schedules(&self, id: &StageId, schedules: &[ScheduleSpec]) -> Result<Outcome, CloudError>;

    /// Removes the oldest versions beyond `keep`, never one that an alias uses.
    async fn prune_versions(&self, id: &StageId, keep: u32) -> Result<Vec<Version>, CloudError>;

    /// Calls a version, or `live` if `None`, and waits for the answer. A target that can tell what the function writes meanwhile (and nothing of
    /// the platform's) tells `output`; one that cannot never calls it. If the caller stops waiting, the function's run goes on.
    async fn invoke(
        &self,
        id: &StageId,
        version: Option<Version>,
        payload: Bytes,
        output: Option<OutputSink<'_>>,
    ) -> Result<Invocation, CloudError>;

    /// Hands to `sink` the events that `query` wants of what has been logged up to now. A log that does not exist yet has none.
    async fn logs(&self, id: &StageId, query: &LogQuery, sink: LogSink<'_>) -> Result<LogPage, CloudError>;

    /// Removes the stage altogether. On a stage that is not there it does nothing.
    async fn remove(&self, id: &StageId, remove_logs: bool, observer: &dyn Observer) -> Result<Removed, CloudError>;
}

/// Why a target did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Somebody else is at work on the stage.
    #[error("another run is at work on stage `{stage}` (process {holder})")]
    Locked {
        /// The stage.
        stage: String,
        /// Whoever holds the lock.
        holder: String,
    },
    /// There is no such version.
    #[error("version {version} of `{function}` does not exist")]
    NoSuchVersion {
        /// The function.
        function: String,
        /// What was asked for.
        version: Version,
    },
    /// Nothing of the stage exists.
    #[error("`{function}` is not deployed")]
    NotDeployed {
        /// The function.
        function: String,
    },
    /// The target failed in its own way.
    #[error(transparent)]
    Target(TargetFailure),
}

/// What adapters raise: an error that knows its hints.
pub trait TargetError: std::error::Error + Hint + Send + Sync {}

/// An adapter's error, whichever adapter's it is.
#[derive(Debug)]
pub struct TargetFailure(Box<dyn TargetError>);

impl std::fmt::Display for TargetFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TargetFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: TargetError + 'static> From<E> for CloudError {
    fn from(error: E) -> Self {
        Self::Target(TargetFailure(Box::new(error)))
    }
}

impl Hint for CloudError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Locked { .. } => vec!["wait for it to end, or pass `--wait`".to_owned()],
            Self::NoSuchVersion { .. } => vec!["`zappa status` lists the versions that exist".to_owned()],
            Self::NotDeployed { .. } => vec!["`zappa deploy` puts it up".to_owned()],
            Self::Target(error) => error.0.hints(),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::NoSuchVersion { .. } | Self::NotDeployed { .. } => true,
            Self::Locked { .. } => false,
            Self::Target(error) => error.0.is_input(),
        }
    }
}
