//! `invoke` and `manage`: call something in the deployed function, by name.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::OperationError;
use crate::cloud::{Cloud, Invocation};
use crate::model::{StageId, Version};

/// What to call.
#[derive(Debug, Clone)]
pub enum Call {
    /// `module.function`, which gets an event.
    Function(String),
    /// Python source, where the stage allows it.
    Source(String),
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
}

/// Calls a function of the project.
pub async fn invoke(
    cloud: &dyn Cloud,
    id: &StageId,
    call: Call,
    payload: Option<&str>,
    version: Option<Version>,
) -> Result<InvokeReport, OperationError> {
    let mut event = match payload.map(serde_json::from_str::<Value>) {
        None => Map::new(),
        Some(Ok(Value::Object(map))) => map,
        Some(Ok(_)) => return Err(OperationError::Payload { source: None }),
        Some(Err(error)) => return Err(OperationError::Payload { source: Some(error) }),
    };
    let (key, text) = match call {
        Call::Function(name) => ("command", name),
        Call::Source(source) => ("raw_command", source),
    };
    event.insert(key.to_owned(), Value::String(text));
    let answer = cloud.invoke(id, version, Bytes::from(Value::Object(event).to_string())).await?;
    Ok(InvokeReport { result: parse(id, &answer)?, function_error: answer.function_error, log: answer.log_tail })
}

/// What came of a management command.
#[derive(Debug, Serialize)]
pub struct ManageReport {
    /// Exit status of the command.
    pub status: u8,
    /// What it printed.
    pub output: String,
}

/// The shim's answer to a management command (see `shim/zappa/management.py`).
#[derive(Debug, Deserialize)]
struct Managed {
    status: i64,
    output: String,
}

/// Runs a Django management command; `command` is its name and arguments, passed on as they are.
pub async fn manage(cloud: &dyn Cloud, id: &StageId, command: &[String]) -> Result<ManageReport, OperationError> {
    let event = json!({ "manage": command });
    let answer = cloud.invoke(id, None, Bytes::from(event.to_string())).await?;
    if answer.function_error.is_some() {
        let failure = parse(id, &answer)?;
        let text = |key| failure.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let output = format!("{}{}: {}\n", answer.log_tail, text("errorType"), text("errorMessage"));
        return Ok(ManageReport { status: 1, output });
    }
    let managed: Managed = serde_json::from_slice(&answer.payload)
        .map_err(|source| OperationError::UnexpectedAnswer { function: id.function_name(), source })?;
    // Exit statuses are a byte; anything else is a failure all the same.
    Ok(ManageReport { status: u8::try_from(managed.status).unwrap_or(1), output: managed.output })
}

fn parse(id: &StageId, answer: &Invocation) -> Result<Value, OperationError> {
    serde_json::from_slice(&answer.payload).map_err(|source| OperationError::UnexpectedAnswer { function: id.function_name(), source })
}
