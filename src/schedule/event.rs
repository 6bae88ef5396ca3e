//! The event of a schedule, as EventBridge hands it to Lambda.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::rule_name;

/// What the input of keep-warm says; the handler answers it before it looks at anything else.
const KEEP_WARM: &str = "keep-warm";

/// The keys of the envelope.
const ENVELOPE: [&str; 9] = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];

/// One firing.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The event's.
    pub id: Uuid,
    /// When it was to be.
    pub time: Timestamp,
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// 12 digits.
    pub account: &'a str,
    /// Where the rule is.
    pub region: &'a str,
    /// The function that is called.
    pub function_name: &'a str,
    /// The schedule.
    pub name: &'a str,
}

/// Whether an input is sent as it is, without an envelope.
#[must_use]
pub fn is_bare(input: &Value) -> bool {
    input.as_object().is_none_or(|input| input.get("zappa").is_some_and(|marker| marker == KEEP_WARM))
}

/// EventBridge's envelope with the schedule's `input` merged into it; keep-warm's input is sent as it is.
#[must_use]
pub fn event(input: &Value, occasion: &Occasion<'_>) -> Value {
    if is_bare(input) {
        return input.clone();
    }
    let Occasion { id, time, partition, account, region, function_name, name } = occasion;
    let rule = rule_name(function_name, name);
    let mut event = json!({
        "version": "0",
        "id": id.to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [format!("arn:{partition}:events:{region}:{account}:rule/{rule}")],
        "detail": {},
    });
    if let (Value::Object(event), Value::Object(input)) = (&mut event, input) {
        event.extend(input.clone());
    }
    event
}

/// The input of an event that [`event`] has made.
#[must_use]
pub fn input_of(event: Value) -> Value {
    match event {
        Value::Object(event) => event.into_iter().filter(|(key, _)| !ENVELOPE.contains(&key.as_str())).collect(),
        other => other,
    }
}
