//! Lambda and its front doors on this machine: HTTP (`front`) → event (`gateway`) → queue (`dispatch`) → a child process (`sandbox`) that speaks
//! to our Runtime API (`runtime_api`) through AWS's own `awslambdaric` → response.
//!
//! Knows nothing of state directories or settings: whoever drives it (`cloud::local`) says which versions exist and where `live` points.

pub mod control;
pub mod ric;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::cloud::Invocation;
use crate::model::{FrontDoor, Version};

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
    /// `module.function`.
    pub handler: String,
    /// An interpreter that can import `awslambdaric` (see `ric`).
    pub python: PathBuf,
    /// `python3.11`
    pub runtime: String,
    /// The stage's variables.
    pub environment: BTreeMap<String, String>,
    /// MB.
    pub memory_mb: u32,
    /// Function timeout.
    pub timeout: Duration,
    /// How many sandboxes may run at once.
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
    #[error("all {limit} sandboxes of `{function_name}` are busy")]
    Throttled {
        /// Name of the function.
        function_name: String,
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

/// A running emulator. Cheap to clone; all clones are the same one.
#[derive(Debug, Clone)]
pub struct Emulator;

impl Emulator {
    /// An emulator without functions.
    pub fn new() -> Self {
        todo!()
    }

    /// Makes a version known. Starts nothing.
    pub async fn put_version(&self, config: FunctionConfig) {
        let _ = config;
        todo!()
    }

    /// Forgets a version; its sandboxes end when their request is done.
    pub async fn remove_version(&self, function_name: &str, version: Version) {
        let _ = (function_name, version);
        todo!()
    }

    /// Points `live` at a version; the next request goes there, requests in flight end where they are, idle sandboxes of other versions are stopped.
    pub async fn set_live(&self, function_name: &str, version: Version) -> Result<(), EmulatorError> {
        let _ = (function_name, version);
        todo!()
    }

    /// Opens the front door, or changes it; the address stays if the port does.
    pub async fn open_route(&self, config: RouteConfig) -> Result<SocketAddr, EmulatorError> {
        let _ = config;
        todo!()
    }

    /// Closes the front door and stops everything of the function.
    pub async fn remove_function(&self, function_name: &str) {
        let _ = function_name;
        todo!()
    }

    /// Calls a version (`None`: `live`) and waits.
    pub async fn invoke(&self, function_name: &str, version: Option<Version>, payload: Bytes) -> Result<Invocation, EmulatorError> {
        let _ = (function_name, version, payload);
        todo!()
    }

    /// The versions that are known.
    pub async fn versions(&self, function_name: &str) -> Vec<Version> {
        let _ = function_name;
        todo!()
    }

    /// How a function is doing.
    pub async fn status(&self, function_name: &str) -> Option<FunctionStatus> {
        let _ = function_name;
        todo!()
    }

    /// Closes every front door, lets requests in flight end within `grace`, then kills what is left. No process remains.
    pub async fn shutdown(&self, grace: Duration) {
        let _ = grace;
        todo!()
    }
}
