//! How an invocation ended, in Lambda's words: the payload that the caller gets and the platform's lines in the log.

use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::FunctionConfig;
use super::platform;
use super::runtime_api::Failure;
use crate::cloud::LastError;

const OUT_OF_MEMORY: &str = "Runtime.OutOfMemory";

/// The end of one invocation, or of a process.
pub(super) enum Ending {
    /// The handler returned.
    Returned(Bytes),
    /// The handler, or the import of its module, raised.
    Raised(Failure),
    /// Lambda itself says that it failed.
    Platform {
        /// `Runtime.ExitError`
        error_type: &'static str,
        /// What `REPORT` calls it.
        reported: &'static str,
        /// Without the request's id.
        message: String,
        /// Whether Lambda puts `RequestId: … Error: ` before the message.
        prefixed: bool,
    },
    /// The function's timeout, in seconds, was over.
    TimedOut(f64),
}

impl Ending {
    pub(super) fn returned(body: Bytes) -> Self {
        Self::Returned(body)
    }

    pub(super) fn raised(failure: Failure) -> Self {
        Self::Raised(failure)
    }

    pub(super) fn platform(error_type: &'static str, message: String) -> Self {
        Self::Platform { error_type, reported: error_type, message, prefixed: true }
    }

    /// An answer that Lambda does not pass on.
    pub(super) fn refused(error_type: &'static str, message: &str) -> Self {
        Self::Platform { error_type, reported: error_type, message: message.to_owned(), prefixed: false }
    }

    /// The process ended although nobody asked it to.
    pub(super) fn exit(status: Option<ExitStatus>) -> Self {
        let reason = match status {
            Some(status) if status.success() => "Runtime exited without providing a reason".to_owned(),
            Some(status) => format!("Runtime exited with error: {}", describe(status)),
            None => "Runtime exited with error".to_owned(),
        };
        Self::platform("Runtime.ExitError", reason)
    }

    /// We killed the process for reasons of our own.
    pub(super) fn killed() -> Self {
        Self::platform("Runtime.ExitError", "Runtime exited with error: signal: killed".to_owned())
    }

    /// As [`Self::killed`], but `REPORT` knows better.
    pub(super) fn out_of_memory() -> Self {
        let message = "Runtime exited with error: signal: killed".to_owned();
        Self::Platform { error_type: "Runtime.ExitError", reported: OUT_OF_MEMORY, message, prefixed: true }
    }

    pub(super) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Platform { reported, .. } if *reported == OUT_OF_MEMORY)
    }

    pub(super) fn timed_out(timeout: Duration) -> Self {
        Self::TimedOut(timeout.as_secs_f64())
    }

    pub(super) fn failed(&self) -> bool {
        !matches!(self, Self::Returned(_))
    }

    /// What `status` tells of it, if it is a failure.
    pub(super) fn failure(&self, request: &str, now: Timestamp) -> Option<LastError> {
        if !self.failed() {
            return None;
        }
        let payload: serde_json::Value = serde_json::from_slice(&self.payload(request)).unwrap_or_default();
        let text = |key: &str| payload.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
        Some(LastError {
            time: format!("{now:.3}"),
            request_id: request.to_owned(),
            // The caller is not told, the log is, and so is whoever looks at the status.
            error_type: if self.is_out_of_memory() { OUT_OF_MEMORY } else { text("errorType") }.to_owned(),
            message: text("errorMessage").lines().next().unwrap_or_default().to_owned(),
        })
    }

    /// What the caller gets.
    pub(super) fn payload(&self, request: &str) -> Bytes {
        let (error_type, message) = match self {
            Self::Returned(body) | Self::Raised(Failure { body, .. }) => return body.clone(),
            Self::Platform { error_type, message, prefixed: true, .. } => (*error_type, format!("RequestId: {request} Error: {message}")),
            Self::Platform { error_type, message, prefixed: false, .. } => (*error_type, message.clone()),
            Self::TimedOut(seconds) => {
                ("Sandbox.Timedout", format!("RequestId: {request} Error: Task timed out after {seconds:.2} seconds"))
            }
        };
        serde_json::json!({ "errorType": error_type, "errorMessage": message }).to_string().into()
    }

    /// What the log says before `END`. What a handler raised, the runtime client has written itself.
    pub(super) fn lines(&self, request: &str) -> Vec<String> {
        match self {
            Self::Returned(_) | Self::Raised(_) => Vec::new(),
            Self::Platform { error_type, message, .. } => vec![format!("RequestId: {request} Error: {message}"), (*error_type).to_owned()],
            Self::TimedOut(seconds) => vec![format!("{request} Task timed out after {seconds:.2} seconds")],
        }
    }

    /// `Status` in reports.
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Returned(_) => "success",
            Self::Raised(_) | Self::Platform { .. } => "error",
            Self::TimedOut(_) => "timeout",
        }
    }

    /// `Error Type` in reports.
    pub(super) fn error_type(&self) -> Option<&str> {
        match self {
            Self::Raised(failure) => Some(&failure.error_type),
            Self::Platform { reported, .. } => Some(reported),
            Self::Returned(_) | Self::TimedOut(_) => None,
        }
    }
}

/// `exit status 1`, `signal: killed`, as Lambda (a Go program) puts it.
fn describe(status: ExitStatus) -> String {
    if let Some(code) = status.code() {
        return format!("exit status {code}");
    }
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            1 => "hangup",
            2 => "interrupt",
            3 => "quit",
            4 => "illegal instruction",
            6 => "aborted",
            7 | 10 => "bus error",
            8 => "floating point exception",
            9 => "killed",
            11 => "segmentation fault",
            13 => "broken pipe",
            15 => "terminated",
            _ => return format!("signal: signal {signal}"),
        };
        return format!("signal: {name}");
    }
    status.to_string()
}

/// What was measured of one invocation.
pub(super) struct Measured {
    pub(super) duration: Duration,
    /// Of the init that this invocation waited for.
    pub(super) init: Option<Duration>,
    pub(super) memory_mb: Option<u64>,
}

/// Whether the stage wants its log as JSON. In Lambda that is a setting of the function, which shows as this variable; here it is the variable.
fn json(config: &FunctionConfig) -> bool {
    config.environment.get("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"))
}

pub(super) fn init_start(config: &FunctionConfig, now: Timestamp) -> Vec<String> {
    if json(config) {
        return vec![platform::init_start(config, now)];
    }
    vec![format!("INIT_START Runtime Version: {}", runtime_version(config))]
}

pub(super) fn init_report(config: &FunctionConfig, duration: Duration, phase: &str, ending: &Ending, now: Timestamp) -> Vec<String> {
    if json(config) {
        return vec![platform::init_report(duration, phase, ending, now)];
    }
    let error_type = ending.error_type().map(|name| format!("\tError Type: {name}")).unwrap_or_default();
    let (duration, status) = (milliseconds(duration), ending.status());
    vec![format!("INIT_REPORT Init Duration: {duration:.2} ms\tPhase: {phase}\tStatus: {status}{error_type}")]
}

pub(super) fn start(request: &str, config: &FunctionConfig, now: Timestamp) -> Vec<String> {
    if json(config) {
        return vec![platform::start(request, config, now)];
    }
    vec![format!("START RequestId: {request} Version: {}", config.version)]
}

/// Everything that the log gets at the end of a request.
pub(super) fn end(request: &str, config: &FunctionConfig, ending: &Ending, measured: &Measured, now: Timestamp) -> Vec<String> {
    if json(config) {
        return platform::end(request, config, ending, measured, now);
    }
    let mut lines = ending.lines(request);
    lines.push(format!("END RequestId: {request}"));
    let mut report = format!(
        "REPORT RequestId: {request}\tDuration: {:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {} MB",
        milliseconds(measured.duration),
        measured.billed(),
        config.memory_mb
    );
    let optional = [
        measured.memory_mb.map(|memory| format!("\tMax Memory Used: {memory} MB")),
        measured.init.map(|init| format!("\tInit Duration: {:.2} ms", milliseconds(init))),
        match ending {
            Ending::TimedOut(_) => Some("\tStatus: timeout".to_owned()),
            Ending::Platform { reported, .. } => Some(format!("\tStatus: error\tError Type: {reported}")),
            Ending::Returned(_) | Ending::Raised(_) => None,
        },
    ];
    report.extend(optional.into_iter().flatten());
    lines.push(report);
    lines
}

impl Measured {
    /// Milliseconds. Since August 2025 init is billed for every function.
    pub(super) fn billed(&self) -> f64 {
        (milliseconds(self.duration) + self.init.map(milliseconds).unwrap_or_default()).ceil()
    }
}

/// `python:3.11`
pub(super) fn runtime_version(config: &FunctionConfig) -> String {
    config.runtime.replacen("python", "python:", 1)
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// `2026/11/24/[7]<32 hex digits>`: one stream per sandbox.
pub(super) fn log_stream(config: &FunctionConfig, now: Timestamp, id: Uuid) -> String {
    format!("{}[{}]{}", now.strftime("%Y/%m/%d/"), config.version, id.simple())
}
