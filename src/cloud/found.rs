//! What there is of a stage, as the adapters find it.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{DomainState, Fingerprints, FunctionSpec, ScheduleSpec};
use crate::model::{FrontDoor, Version};

/// A route as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// Which kind.
    pub front_door: FrontDoor,
    /// Where it answers, with a slash at the end.
    pub url: String,
    /// The port, where it is one of this machine.
    #[serde(skip)]
    pub port: Option<u16>,
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
    /// Base64 of the SHA-256 of the dependencies' archive, where they travel by themselves.
    #[serde(default)]
    pub dependencies_sha256: Option<String>,
    /// RFC 3339, UTC.
    pub created: String,
}

/// The releases of a stage.
#[derive(Debug, Clone)]
pub struct Releases {
    /// Where `live` points.
    pub live: Option<Version>,
    /// All that there are, oldest first.
    pub all: Vec<Release>,
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
    /// What the last deployment put in place beside the versions. `None`: it did not come to its end, or what it left does not hold any more, so that
    /// everything has to be looked at again.
    #[serde(skip)]
    pub applied: Option<Fingerprints>,
    /// The domain of the settings, where it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainState>,
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
