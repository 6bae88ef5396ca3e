//! Calls of the function, and what its log tail tells of them.

use std::time::Duration;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::LogType;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::classify::{code, failed};
use super::connect::{Clients, once};
use super::names::Names;
use super::retries::Pauses;
use super::stage::{ABSENT, CONFLICT};
use crate::cloud::{CloudError, Invocation};
use crate::model::{LIVE, Version};

/// For how long a version that is still being made ready is asked again.
const READY: Duration = Duration::from_secs(120);

/// Calls a version, or `live`, and waits for the answer.
pub(super) async fn invoke(clients: &Clients, names: &Names, version: Option<Version>, payload: Bytes) -> Result<Invocation, CloudError> {
    let qualifier = version.map_or_else(|| LIVE.to_owned(), |version| version.to_string());
    let deadline = tokio::time::Instant::now() + READY;
    let mut pauses = Pauses::new(Duration::from_millis(250), Duration::from_secs(4));
    let answer = loop {
        let request = clients.lambda.invoke().function_name(&names.function).qualifier(&qualifier).log_type(LogType::Tail);
        match request.payload(Blob::new(payload.to_vec())).customize().config_override(once()).send().await {
            Ok(answer) => break answer,
            Err(error) if code(&error) == ABSENT => {
                let function = names.function.clone();
                return Err(match version {
                    Some(version) => CloudError::NoSuchVersion { function, version },
                    None => CloudError::NotDeployed { function },
                });
            }
            // "The operation cannot be performed at this time. The function is currently in the following state: Pending"
            Err(error) if code(&error) == CONFLICT && tokio::time::Instant::now() < deadline => {
                pauses.pause().await;
            }
            Err(error) => return Err(failed("lambda:InvokeFunction", format!("{}:{qualifier}", names.function))(error).into()),
        }
    };
    let log_tail = answer.log_result().and_then(|log| STANDARD.decode(log).ok()).unwrap_or_default();
    let log_tail = String::from_utf8_lossy(&log_tail).into_owned();
    let report = Report::find(&log_tail);
    Ok(Invocation {
        payload: answer.payload().map(|payload| Bytes::copy_from_slice(payload.as_ref())).unwrap_or_default(),
        function_error: answer.function_error().map(str::to_owned),
        init_duration: report.milliseconds("Init Duration").or_else(|| report.milliseconds("Restore Duration")),
        duration: report.milliseconds("Duration"),
        memory_mb: report.value("Max Memory Used").and_then(|text| text.strip_suffix(" MB")?.parse().ok()),
        log_tail,
    })
}

/// `REPORT RequestId: …\tDuration: 1.23 ms\tBilled Duration: 2 ms\t…`
struct Report<'a>(&'a str);

impl<'a> Report<'a> {
    fn find(log: &'a str) -> Self {
        Self(log.lines().rev().find(|line| line.starts_with("REPORT RequestId: ")).unwrap_or_default())
    }

    fn value(&self, name: &str) -> Option<&'a str> {
        self.0.split('\t').find_map(|part| part.strip_prefix(name)?.strip_prefix(": "))
    }

    fn milliseconds(&self, name: &str) -> Option<Duration> {
        let value: f64 = self.value(name)?.strip_suffix(" ms")?.parse().ok()?;
        Duration::try_from_secs_f64(value / 1000.0).ok()
    }
}
