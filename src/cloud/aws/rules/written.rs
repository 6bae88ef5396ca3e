//! How a schedule is written as a rule and its target, and read from them again.
//!
//! A rule's description says which schedule of which stage it is: a rule's name may be cut, and a listing of rules has no tags that would tell it from one
//! that somebody else has named in the same way.
//!
//! ```text
//! nightly: calls `shop.tasks.nightly` [zappa shop/prod]
//! ```

use aws_sdk_eventbridge::types::{InputTransformer, Rule, RuleState, Target};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::super::AwsError;
use super::super::names::{Names, Place};
use crate::cloud::ScheduleSpec;
use crate::model::LIVE;
use crate::schedule::{Occasion, event, input_of, is_bare, rule_name};

/// The target of every rule of ours.
const TARGET: &str = "live";
/// `RuleDescription` of the EventBridge API.
const MAX_DESCRIPTION: usize = 512;
/// `TargetInput` and `TransformerInput` of the EventBridge API.
const MAX_INPUT: usize = 8192;
/// What is known only when a rule fires: placeholder, and where in EventBridge's own event it is.
const FILLED_IN: [(&str, &str); 2] = [("id", "$.id"), ("time", "$.time")];

/// A schedule as EventBridge is told of it.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) rule: String,
    pub(super) spec: ScheduleSpec,
    pub(super) description: String,
    pub(super) state: RuleState,
    pub(super) target: Target,
}

impl Written {
    /// Fails on what EventBridge cannot do.
    pub(super) fn new(names: &Names, place: &Place, spec: &ScheduleSpec) -> Result<Self, AwsError> {
        let refused = |problem: String| AwsError::Schedule { schedule: spec.name.clone(), problem };
        let description = format!("{}: {}{}", spec.name, spec.description, marker(names));
        let length = description.chars().count();
        if length > MAX_DESCRIPTION {
            let excess = length - MAX_DESCRIPTION;
            return Err(refused(format!("its description is {excess} characters longer than EventBridge takes")));
        }
        Ok(Self {
            rule: rule_name(&names.function, &spec.name),
            spec: spec.clone(),
            description,
            state: if spec.enabled { RuleState::Enabled } else { RuleState::Disabled },
            target: target(names, place, spec).map_err(refused)?,
        })
    }
}

/// The schedule of a rule, its input apart; `None` if the rule is not the stage's.
pub(super) fn read(names: &Names, rule: &Rule) -> Option<ScheduleSpec> {
    let (name, description) = rule.description()?.strip_suffix(&marker(names))?.split_once(": ")?;
    (rule.name() == Some(&rule_name(&names.function, name))).then(|| ScheduleSpec {
        name: name.to_owned(),
        expression: rule.schedule_expression().unwrap_or_default().to_owned(),
        input: Value::Null,
        description: description.to_owned(),
        enabled: rule.state() != Some(&RuleState::Disabled),
    })
}

/// What a rule with these targets sends to `live`; null if that is nothing of ours.
pub(super) fn read_input(names: &Names, targets: &[Target]) -> Value {
    let live = format!(":function:{}:{LIVE}", names.function);
    let Some(target) = targets.iter().find(|target| target.id() == TARGET && target.arn().ends_with(&live)) else { return Value::Null };
    let json = match (target.input(), target.input_transformer()) {
        (Some(input), _) => return serde_json::from_str(input).unwrap_or_default(),
        (None, Some(transformer)) => FILLED_IN
            .iter()
            .fold(transformer.input_template().to_owned(), |template, (name, _)| template.replace(&format!("<{name}>"), "null")),
        (None, None) => return Value::Null,
    };
    serde_json::from_str(&json).map(input_of).unwrap_or_default()
}

fn marker(names: &Names) -> String {
    format!(" [zappa {}/{}]", names.id.project, names.id.stage)
}

/// Sends to `live` what the emulator sends to it (see [`crate::schedule::event`]).
fn target(names: &Names, place: &Place, spec: &ScheduleSpec) -> Result<Target, String> {
    let target = Target::builder().id(TARGET).arn(place.live_arn(names));
    let input = spec.input.to_string();
    let (sent, target) = if is_bare(&spec.input) {
        (input.clone(), target.input(input))
    } else if input.contains(['<', '>']) {
        // "The characters < and > cannot be escaped" (EventBridge User Guide, "Transforming Target Input").
        return Err("its `kwargs` hold `<` or `>`, which EventBridge takes for the marks of its own placeholders".to_owned());
    } else {
        let template = template(names, place, spec);
        let paths = FILLED_IN.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect();
        let transformer = InputTransformer::builder().set_input_paths_map(Some(paths)).input_template(&template).build();
        (template, target.input_transformer(transformer.map_err(|error| error.to_string())?))
    };
    if sent.len() > MAX_INPUT {
        return Err(format!("its event has {} bytes, and EventBridge takes {MAX_INPUT}; give it shorter `kwargs`", sent.len()));
    }
    target.build().map_err(|error| error.to_string())
}

/// The event with placeholders for what is not known yet. They stand without quotes: EventBridge puts JSON in their places.
fn template(names: &Names, place: &Place, spec: &ScheduleSpec) -> String {
    let Place { partition, region, account } = place;
    let occasion = Occasion {
        id: Uuid::nil(),
        time: Timestamp::UNIX_EPOCH,
        partition,
        account,
        region,
        function_name: &names.function,
        name: &spec.name,
    };
    let mut event = event(&spec.input, &occasion);
    let placeholder = |name: &str| format!("<{name}>");
    for (name, _) in FILLED_IN {
        event[name] = Value::from(placeholder(name));
    }
    FILLED_IN
        .iter()
        .fold(event.to_string(), |template, (name, _)| template.replace(&format!("\"{}\"", placeholder(name)), &placeholder(name)))
}
