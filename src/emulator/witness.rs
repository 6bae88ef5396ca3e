//! What whoever runs an emulator in the foreground wants to know while it happens: every request with its answer, every line of the log.

use std::time::Duration;

use serde::Serialize;

/// Is told, from the tasks that serve: it must hand on and return, never wait.
pub trait Witness: Send + Sync {
    /// A request was answered.
    fn answered(&self, access: Access);
    /// A line went to the log.
    fn logged(&self, line: LogLine);
}

/// One request at the front door and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct Access {
    /// As it came.
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// Of the answer.
    pub status: u16,
    /// Bytes of the answer's body.
    pub size: usize,
    /// From the head of the request to the answer, in milliseconds.
    #[serde(rename = "duration_ms", serialize_with = "milliseconds")]
    pub duration: Duration,
    /// What the function did for it; `None`: it was not called, or not waited for.
    #[serde(flatten)]
    pub run: Option<Run>,
}

/// One run of the function.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Run {
    /// Of the init that the request had to wait for, in milliseconds; `None`: the sandbox was warm.
    #[serde(rename = "init_ms", serialize_with = "optional_milliseconds")]
    pub init: Option<Duration>,
    /// The most memory that the sandbox has ever had, where the system tells.
    #[serde(rename = "max_memory_mb")]
    pub memory_mb: Option<u64>,
}

/// One line of the log.
#[derive(Debug, Clone, Serialize)]
pub struct LogLine {
    /// The request it belongs to; `None` during init and between requests.
    pub request_id: Option<String>,
    /// Who wrote it.
    pub by: Writer,
    /// Without its end.
    pub text: String,
}

/// Who writes to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Writer {
    /// The app, or the runtime client on its behalf.
    Function,
    /// `START`, `END`, `REPORT`…
    Platform,
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    // Microseconds are as much as was measured.
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
}

fn optional_milliseconds<S: serde::Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => milliseconds(duration, serializer),
        None => serializer.serialize_none(),
    }
}
