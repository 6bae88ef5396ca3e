//! Requests as AWS would judge them: `models/validate.py` holds each against botocore's service models and the limits that AWS documents beside them.

use std::io::Write as _;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

use super::Call;
use crate::support::project::repository;
use crate::support::python::aws_interpreter;

/// Fails the test if AWS would refuse one of the calls, and says which and why.
#[track_caller]
pub(crate) fn validate(calls: &[Call]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for call in calls {
        writeln!(file, "{}", line(call)).unwrap();
    }
    let output = python("validate.py").arg(file.path()).output().unwrap();
    assert!(
        output.status.success(),
        "AWS would not take these requests:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn line(call: &Call) -> Value {
    let headers: Map<String, Value> = call.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "service": call.service,
        "operation": call.operation,
        "method": call.method,
        "path": call.path,
        "headers": headers,
        "body": BASE64.encode(&call.body),
    })
}

/// A script that knows the models.
pub(crate) fn python(script: &str) -> Command {
    let mut command = Command::new(aws_interpreter());
    command.arg("-B").arg(repository().join("tests/support/aws/models").join(script));
    command
}
