//! A stage that lives as long as the command that serves it: an emulator in this very process and a directory of its own beside the state of what is
//! deployed, which it never touches. Versions are put up one after the other, each only once its init is done.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

use super::function::{Place, function_config};
use super::state::StateDirectory;
use super::{LocalError, code};
use crate::cloud::{FunctionSpec, RouteSpec};
use crate::emulator::{Emulator, Options, RouteConfig, Witness};
use crate::model::{StageId, Version};

/// How the directories of such stages begin.
const PREFIX: &str = "serve-";
/// Kept locked by whoever serves from the directory.
const LOCK: &str = "lock";
/// What the shim answers without touching anything (`shim/zappa/handler.py`): init is over.
const PING: &[u8] = br#"{"zappa":"keep-warm"}"#;

/// One version to put up.
#[derive(Debug, Clone)]
pub struct Release {
    /// The function.
    pub function: FunctionSpec,
    /// Its task root, inside [`Foreground::directory`]: it is removed when nothing runs in it any more.
    pub code: PathBuf,
    /// An interpreter with the runtime client.
    pub python: PathBuf,
    /// `AWS_REGION`
    pub region: String,
    /// How many sandboxes there may be.
    pub concurrency: Option<u32>,
}

/// A version that did not survive its init.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Refused {
    /// The exception's type, or Lambda's word for how the process ended.
    pub error_type: String,
    /// What it says.
    pub error_message: String,
}

impl Default for Refused {
    fn default() -> Self {
        Self { error_type: "Runtime.Unknown".to_owned(), error_message: "init failed".to_owned() }
    }
}

/// A stage in the foreground.
#[derive(Debug)]
pub struct Foreground {
    emulator: Emulator,
    id: StageId,
    state: PathBuf,
    directory: PathBuf,
    lock: File,
    next: Version,
    live: Option<Version>,
}

impl Foreground {
    /// Makes a directory in the state directory, and takes away what killed runs have left there.
    pub fn open(state: &Path, id: &StageId, witness: Arc<dyn Witness>) -> Result<Self, LocalError> {
        StateDirectory::new(state).create()?;
        remove_leftovers(state);
        let write = |source| LocalError::Write { path: state.to_owned(), source };
        let prefix = format!("{PREFIX}{}-", std::process::id());
        let directory = tempfile::Builder::new().prefix(&prefix).tempdir_in(state).map_err(write)?;
        let lock = File::create(directory.path().join(LOCK)).map_err(write)?;
        lock.lock().map_err(write)?;
        let emulator = Emulator::with(Options { witness: Some(witness), ..Options::default() });
        Ok(Self { emulator, id: id.clone(), state: state.to_owned(), directory: directory.keep(), lock, next: 1, live: None })
    }

    /// Where it keeps everything; gone when it is closed.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The version that serves.
    #[must_use]
    pub fn live(&self) -> Option<Version> {
        self.live
    }

    /// Makes a version known, and returns its number. Nothing of it runs yet.
    pub async fn put(&mut self, release: &Release) -> Version {
        let version = self.next;
        self.next += 1;
        let place = Place {
            region: release.region.clone(),
            code: release.code.clone(),
            layer: None,
            fetched: None,
            python: release.python.clone(),
            scratch: self.directory.join("tmp"),
            log_file: self.directory.join("function.log"),
            concurrency: release.concurrency,
        };
        self.emulator.put_version(function_config(self.id.function_name(), version, &release.function, place)).await;
        version
    }

    /// Opens the front door, or changes it. A version has to be known.
    pub async fn route(&self, route: &RouteSpec) -> Result<SocketAddr, LocalError> {
        let config = RouteConfig {
            function_name: self.id.function_name(),
            stage: self.id.stage.clone(),
            front_door: route.front_door,
            binary_support: route.binary_support,
            cors: route.cors.clone(),
            port: route.port,
        };
        Ok(self.emulator.open_route(config).await?)
    }

    /// Starts a sandbox of a version and, once its init is done, has the version serve: requests in flight end where they are, later ones find the
    /// new sandbox waiting. A version that fails changes nothing.
    pub async fn promote(&mut self, version: Version) -> Result<Result<Option<Duration>, Refused>, LocalError> {
        let function_name = self.id.function_name();
        let answer = self.emulator.warm(&function_name, version, Bytes::from_static(PING)).await?;
        if answer.function_error.is_some() {
            self.emulator.remove_version(&function_name, version).await;
            return Ok(Err(serde_json::from_slice(&answer.payload).unwrap_or_default()));
        }
        self.emulator.set_live(&function_name, version).await?;
        if let Some(previous) = self.live.replace(version) {
            self.emulator.remove_version(&function_name, previous).await;
        }
        Ok(Ok(answer.init_duration))
    }

    /// Removes the task root of a version that serves no more, when the last request in it has ended.
    pub fn discard(&self, version: Version, code: PathBuf) {
        let (emulator, function_name) = (self.emulator.clone(), self.id.function_name());
        tokio::spawn(async move {
            emulator.drained(&function_name, version).await;
            let _ = tokio::task::spawn_blocking(move || code::remove(&code)).await;
        });
    }

    /// Lets requests in flight end within `grace`, ends everything, and leaves nothing behind.
    pub async fn close(self, grace: Duration) -> Result<(), LocalError> {
        self.emulator.shutdown(grace).await;
        drop(self.lock);
        let directory = self.directory.clone();
        let removed = tokio::task::spawn_blocking(move || remove(&directory, &self.state)).await.map_err(|_| LocalError::StartAborted)?;
        removed.map_err(|source| LocalError::Write { path: self.directory, source })
    }

    /// For a process that ends at once: what [`Foreground::close`] would remove, and the state directory that it is in.
    #[must_use]
    pub fn leftovers(&self) -> (PathBuf, PathBuf) {
        (self.directory.clone(), self.state.clone())
    }
}

/// Removes the directory of a stage in the foreground, and the state directory around it if nothing else is in that.
pub fn remove(directory: &Path, state: &Path) -> io::Result<()> {
    // Somebody else may be removing parts of it right now.
    let mut result = code::remove(directory);
    if directory.exists() {
        result = code::remove(directory);
    }
    let furniture = |entry: fs::DirEntry| entry.file_name() == ".gitignore";
    if fs::read_dir(state)?.flatten().all(furniture) {
        let _ = fs::remove_file(state.join(".gitignore"));
        let _ = fs::remove_dir(state);
    }
    result
}

/// Directories of processes that were killed: nobody holds their lock.
fn remove_leftovers(state: &Path) {
    let Ok(entries) = fs::read_dir(state) else { return };
    for path in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)).map(|entry| entry.path()) {
        if File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let _ = code::remove(&path);
        }
    }
}
