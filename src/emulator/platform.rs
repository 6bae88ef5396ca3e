//! The platform's log events as JSON, for functions with `AWS_LAMBDA_LOG_FORMAT=JSON`: those of Lambda's telemetry schema that it writes at its
//! default level (`INFO`). What a text log says in `END` and in the lines before it, these say in `platform.runtimeDone` and `platform.report`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::FunctionConfig;
use super::report::{Ending, Measured, milliseconds, runtime_version};

pub(super) fn init_start(config: &FunctionConfig, now: Timestamp) -> String {
    let record = json!({
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": runtime_version(config),
        "functionName": config.function_name,
        "functionVersion": config.version.to_string(),
        "instanceMaxMemory": u64::from(config.memory_mb) * 1024 * 1024,
    });
    event("platform.initStart", &record, now)
}

pub(super) fn init_report(duration: Duration, phase: &str, ending: &Ending, now: Timestamp) -> String {
    let mut record = Map::new();
    record.insert("initializationType".to_owned(), "on-demand".into());
    record.insert("phase".to_owned(), phase.into());
    how(&mut record, ending);
    record.insert("metrics".to_owned(), json!({ "durationMs": rounded(duration) }));
    event("platform.initReport", &record.into(), now)
}

pub(super) fn start(request: &str, config: &FunctionConfig, now: Timestamp) -> String {
    event("platform.start", &json!({ "requestId": request, "version": config.version.to_string() }), now)
}

pub(super) fn end(request: &str, config: &FunctionConfig, ending: &Ending, measured: &Measured, now: Timestamp) -> Vec<String> {
    let mut events = Vec::new();
    // That all went well is said at `DEBUG` only.
    if ending.failed() {
        let mut record = Map::new();
        record.insert("requestId".to_owned(), request.into());
        how(&mut record, ending);
        record.insert("metrics".to_owned(), json!({ "durationMs": rounded(measured.duration) }));
        events.push(event("platform.runtimeDone", &record.into(), now));
    }
    let mut metrics = json!({
        "durationMs": rounded(measured.duration),
        "billedDurationMs": measured.billed(),
        "memorySizeMB": config.memory_mb,
    });
    if let Some(memory) = measured.memory_mb {
        metrics["maxMemoryUsedMB"] = memory.into();
    }
    if let Some(init) = measured.init {
        metrics["initDurationMs"] = rounded(init).into();
    }
    let mut record = Map::new();
    record.insert("requestId".to_owned(), request.into());
    record.insert("metrics".to_owned(), metrics);
    how(&mut record, ending);
    events.push(event("platform.report", &record.into(), now));
    events
}

fn how(record: &mut Map<String, Value>, ending: &Ending) {
    record.insert("status".to_owned(), ending.status().into());
    if let Some(error_type) = ending.error_type() {
        record.insert("errorType".to_owned(), error_type.into());
    }
}

fn event(kind: &str, record: &Value, now: Timestamp) -> String {
    json!({ "time": format!("{now:.3}"), "type": kind, "record": record }).to_string()
}

/// Milliseconds, to the microsecond.
fn rounded(duration: Duration) -> f64 {
    (milliseconds(duration) * 1000.0).round() / 1000.0
}
