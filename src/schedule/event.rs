//! The event of a schedule, as EventBridge hands it to Lambda.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What the input of keep-warm says; the handler answers it before it looks at anything else.
const KEEP_WARM: &str = "keep-warm";

/// One firing.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The event's.
    pub id: Uuid,
    /// When it was to be.
    pub time: Timestamp,
    /// 12 digits.
    pub account: &'a str,
    /// Where the rule is.
    pub region: &'a str,
    /// The function that is called.
    pub function_name: &'a str,
    /// The schedule.
    pub name: &'a str,
}

/// EventBridge's envelope with the schedule's `input` merged into it; keep-warm's input is sent as it is.
#[must_use]
pub fn event(input: &Value, occasion: &Occasion<'_>) -> Value {
    let Value::Object(input) = input else { return input.clone() };
    if input.get("zappa").is_some_and(|marker| marker == KEEP_WARM) {
        return Value::Object(input.clone());
    }
    let Occasion { id, time, account, region, function_name, name } = occasion;
    let envelope = json!({
        "version": "0",
        "id": id.to_string(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [format!("arn:aws:events:{region}:{account}:rule/{function_name}-{name}")],
        "detail": {},
    });
    let mut merged: Map<String, Value> = match envelope {
        Value::Object(envelope) => envelope,
        _ => Map::new(),
    };
    merged.extend(input.clone());
    Value::Object(merged)
}
