//! `invoke` and `manage`: call something in the deployed function, by name.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::OperationError;
use super::schedule::event_of;
use crate::cloud::{Cloud, Invocation, LogKind, OutputSink};
use crate::model::{StageId, Version};

/// Lambda hands no more of the log to whoever calls a function.
const LOG_TAIL: usize = 4096;

/// What to call.
#[derive(Debug, Clone)]
pub enum Call {
    /// `module.function`, which gets an event.
    Function(String),
    /// Python source, where the stage allows it.
    Source(String),
    /// Whatever takes this event, which is JSON and sent as it is.
    Event(Bytes),
    /// The function of the deployed schedule of this name.
    Schedule(String),
}

/// A call to make.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Of what.
    pub call: Call,
    /// A JSON object: the event that a function or source gets.
    pub payload: Option<&'a str>,
    /// In which version; `None`: `live`.
    pub version: Option<Version>,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct InvokeReport {
    /// The function's result, or Lambda's error object.
    pub result: Value,
    /// Lambda's `FunctionError`, if it failed.
    pub function_error: Option<String>,
    /// What it wrote.
    pub log: String,
    /// Exit status: of source that ran, else whether the function failed.
    #[serde(skip)]
    pub status: u8,
    /// What can be done about a failure.
    #[serde(skip)]
    pub hints: Vec<String>,
}

impl InvokeReport {
    /// What the function itself wrote, without the platform's lines.
    #[must_use]
    pub fn said(&self) -> String {
        said(&self.log)
    }

    /// Whether [`Self::said`] is only the end of it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        is_cut(&self.log)
    }

    /// What source printed, if this is its result.
    #[must_use]
    pub fn printed(&self) -> Option<&str> {
        (self.result.get("zappa")? == "ran").then(|| self.result.get("output")?.as_str()).flatten()
    }
}

/// What the function itself wrote, without the platform's lines.
fn said(log: &str) -> String {
    let lines = log.split(['\n', '\r']).filter(|line| LogKind::of(line) == LogKind::Function);
    lines.collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

fn is_cut(log: &str) -> bool {
    log.len() >= LOG_TAIL
}

/// Calls a function of the project. `output` is told what it writes while it runs, where the target can tell.
pub async fn invoke(
    cloud: &dyn Cloud,
    id: &StageId,
    request: Request<'_>,
    output: Option<OutputSink<'_>>,
) -> Result<InvokeReport, OperationError> {
    let Request { call, payload, version } = request;
    let is_source = matches!(call, Call::Source(_));
    let event = match call {
        Call::Function(name) => with_payload(payload, "command", name)?,
        Call::Source(source) => with_payload(payload, "raw_command", source)?,
        Call::Event(event) => event,
        Call::Schedule(name) => Bytes::from(event_of(cloud, id, &name).await?.to_string()),
    };
    let answer = cloud.invoke(id, version, event, output).await?;
    let result = parse(id, &answer)?;
    let status = match (&answer.function_error, result.get("status").and_then(Value::as_i64)) {
        (Some(_), _) => 1,
        (None, Some(status)) if is_source => exit_status(status),
        _ => 0,
    };
    let hints = if answer.function_error.is_some() { hints(&result) } else { Vec::new() };
    Ok(InvokeReport { result, function_error: answer.function_error, log: answer.log_tail, status, hints })
}

/// The payload, with `text` in it under `key`.
fn with_payload(payload: Option<&str>, key: &str, text: String) -> Result<Bytes, OperationError> {
    let mut event = match payload.map(serde_json::from_str::<Value>) {
        None => Map::new(),
        Some(Ok(Value::Object(map))) => map,
        Some(Ok(_)) => return Err(OperationError::Payload { source: None }),
        Some(Err(error)) => return Err(OperationError::Payload { source: Some(error) }),
    };
    event.insert(key.to_owned(), Value::String(text));
    Ok(Bytes::from(Value::Object(event).to_string()))
}

/// What came of a management command.
#[derive(Debug, Serialize)]
pub struct ManageReport {
    /// Exit status of the command.
    pub status: u8,
    /// What it printed.
    pub output: String,
    /// Why it did not come to its end, in Lambda's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether that is only the end of it.
    #[serde(skip)]
    pub is_cut: bool,
    /// What can be done about that.
    #[serde(skip)]
    pub hints: Vec<String>,
}

/// The shim's answer to a management command (see `shim/zappa/management.py`).
#[derive(Debug, Deserialize)]
struct Managed {
    status: i64,
    output: String,
}

/// Runs a Django management command; `command` is its name and arguments, passed on as they are. `output` is told what it prints while it runs,
/// where the target can tell.
pub async fn manage(
    cloud: &dyn Cloud,
    id: &StageId,
    command: &[String],
    output: Option<OutputSink<'_>>,
) -> Result<ManageReport, OperationError> {
    let event = json!({ "manage": command });
    let answer = cloud.invoke(id, None, Bytes::from(event.to_string()), output).await?;
    if answer.function_error.is_some() {
        let failure = parse(id, &answer)?;
        let text = |key| failure.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let error = format!("{}: {}", text("errorType"), text("errorMessage"));
        let (output, is_cut) = (said(&answer.log_tail), is_cut(&answer.log_tail));
        return Ok(ManageReport { status: 1, output, error: Some(error), is_cut, hints: hints(&failure) });
    }
    let managed: Managed = serde_json::from_slice(&answer.payload)
        .map_err(|source| OperationError::UnexpectedAnswer { function: id.function_name(), source })?;
    Ok(ManageReport { status: exit_status(managed.status), output: managed.output, error: None, is_cut: false, hints: Vec::new() })
}

/// Exit statuses are a byte; anything else is a failure all the same.
fn exit_status(status: i64) -> u8 {
    u8::try_from(status).unwrap_or(1)
}

/// What can be done about a failure of the function.
fn hints(failure: &Value) -> Vec<String> {
    let text = |key| failure.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("errorType") == "Sandbox.Timedout" || text("errorMessage").contains("Task timed out after ") {
        return vec![
            "`timeout_seconds` in the settings is how long a run may take, 900 at most; deploy the stage after changing it".to_owned(),
        ];
    }
    Vec::new()
}

fn parse(id: &StageId, answer: &Invocation) -> Result<Value, OperationError> {
    serde_json::from_slice(&answer.payload).map_err(|source| OperationError::UnexpectedAnswer { function: id.function_name(), source })
}
