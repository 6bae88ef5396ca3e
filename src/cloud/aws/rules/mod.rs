//! Schedules as rules of EventBridge: one rule for each, with `live` as its only target.
//!
//! Rules, and not EventBridge Scheduler: those need a role that may call the function, and a rule needs none.

mod written;

use std::collections::BTreeMap;

use aws_sdk_eventbridge::types::{Rule, Tag, Target};
use jiff::Timestamp;

use super::AwsError;
use super::classify::{failed, found};
use super::connect::Clients;
use super::names::{Names, Place};
use super::permission::{self, INVOKE_FUNCTION, Statement};
use super::together::together;
use crate::cloud::{Removed, ScheduleSpec, Scheduled};
use crate::model::Outcome;
use crate::schedule::{Expression, rule_name, rule_prefix};
use written::Written;

/// The statement that lets every rule of the stage call it: one for all, since a policy has room for some dozens only (20 KB).
const STATEMENT: &str = "zappa-schedules";
const ABSENT: &[&str] = &["ResourceNotFoundException"];

/// What shall fire, and what is known of what does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Change<'a> {
    pub(super) wanted: &'a [ScheduleSpec],
    /// From [`list`] or [`inspect`].
    pub(super) known: &'a [Scheduled],
    /// Whether it was [`inspect`].
    pub(super) inputs_known: bool,
    /// For rules that are made; those that are there keep theirs.
    pub(super) tags: &'a BTreeMap<String, String>,
}

/// The stage's schedules, without what they send: one call.
pub(super) async fn list(clients: &Clients, names: &Names) -> Result<Vec<Scheduled>, AwsError> {
    let rules = rules(clients, names).await?;
    let now = Timestamp::now();
    let scheduled = |spec: ScheduleSpec| Scheduled { next_run: next_run(&spec, now), spec, last_run: None };
    Ok(rules.iter().filter_map(|rule| written::read(names, rule)).map(scheduled).collect())
}

/// As [`list`], with what they send: one more call for each.
pub(super) async fn inspect(clients: &Clients, names: &Names) -> Result<Vec<Scheduled>, AwsError> {
    let listed = list(clients, names).await?;
    let mut inspected = together(listed.into_iter().map(|mut scheduled| {
        let (clients, names) = (clients.clone(), names.clone());
        async move {
            let targets = targets(&clients, &rule_name(&names.function, &scheduled.spec.name)).await?;
            scheduled.spec.input = written::read_input(&names, &targets);
            Ok(scheduled)
        }
    }))
    .await?;
    inspected.sort_by(|one, other| one.spec.name.cmp(&other.spec.name));
    Ok(inspected)
}

/// Makes exactly the wanted schedules. What stays never disappears in between, and what goes does so only when everything else is there.
pub(super) async fn sync(clients: &Clients, names: &Names, place: &Place, change: Change<'_>) -> Result<Outcome, AwsError> {
    let Change { wanted, known, inputs_known, tags } = change;
    // All of it before the first call, so that nothing is left half done because of what can be seen beforehand.
    let written = wanted.iter().map(|spec| Written::new(names, place, spec)).collect::<Result<Vec<_>, _>>()?;
    let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect::<Result<Vec<_>, _>>();
    let tags = tags.map_err(|error| AwsError::Schedule { schedule: names.function.clone(), problem: error.to_string() })?;
    let made = together(written.into_iter().map(|written| {
        let there = known.iter().find(|scheduled| scheduled.spec.name == written.spec.name).map(|scheduled| scheduled.spec.clone());
        ensure(clients.clone(), names.clone(), Step { written, there, inputs_known, tags: tags.clone() })
    }));
    let permitted = async {
        if wanted.is_empty() { Ok(Outcome::Unchanged) } else { permission::ensure(clients, names, &statement(place, names)).await }
    };
    let (made, permitted) = tokio::join!(made, permitted);
    let (mut outcomes, permitted) = (made?, permitted?);
    outcomes.push(permitted);

    let gone: Vec<String> = known
        .iter()
        .filter(|scheduled| wanted.iter().all(|spec| spec.name != scheduled.spec.name))
        .map(|scheduled| rule_name(&names.function, &scheduled.spec.name))
        .collect();
    let removed = !gone.is_empty();
    together(gone.into_iter().map(|rule| remove(clients.clone(), rule))).await?;
    if removed && wanted.is_empty() {
        permission::remove(clients, names, STATEMENT).await?;
    }
    Ok(match outcomes.iter().all(|outcome| *outcome == Outcome::Unchanged) && !removed {
        true => Outcome::Unchanged,
        false if known.is_empty() => Outcome::Created,
        false => Outcome::Updated,
    })
}

/// Removes every rule of the stage, or says which there are. The permission goes with the function.
pub(super) async fn remove_all(clients: &Clients, names: &Names, dry_run: bool) -> Result<Removed, AwsError> {
    let rules: Vec<String> = list(clients, names).await?.iter().map(|scheduled| rule_name(&names.function, &scheduled.spec.name)).collect();
    if !dry_run {
        together(rules.clone().into_iter().map(|rule| remove(clients.clone(), rule))).await?;
    }
    Ok(rules.into_iter().map(|rule| format!("rule `{rule}`")).collect())
}

/// When a rule fires next. When a rate began to be counted is EventBridge's secret.
fn next_run(spec: &ScheduleSpec, now: Timestamp) -> Option<String> {
    match spec.expression.parse().ok()? {
        Expression::Rate(_) => None,
        other => other.next_after(now, now).map(|next| next.to_string()),
    }
}

fn statement(place: &Place, names: &Names) -> Statement<'static> {
    Statement {
        id: STATEMENT,
        principal: "events.amazonaws.com",
        action: INVOKE_FUNCTION,
        source_arn: Some(place.arn("events", &format!("rule/{}*", rule_prefix(&names.function)))),
        ..Statement::default()
    }
}

/// One schedule to see to.
struct Step {
    written: Written,
    /// What is known of it.
    there: Option<ScheduleSpec>,
    inputs_known: bool,
    tags: Vec<Tag>,
}

async fn ensure(clients: Clients, names: Names, step: Step) -> Result<Outcome, AwsError> {
    let Step { written: Written { rule, spec, description, state, target }, there, inputs_known, tags } = step;
    let same = there.as_ref().is_some_and(|there| {
        let ScheduleSpec { name: _, expression, input: _, description, enabled } = there;
        (expression, description, enabled) == (&spec.expression, &spec.description, &spec.enabled)
    });
    if !same {
        let request = clients.events.put_rule().name(&rule).schedule_expression(&spec.expression).state(state).description(description);
        // Of a rule that is there they would be ignored.
        let request = request.set_tags(there.is_none().then_some(tags));
        request.send().await.map_err(failed("events:PutRule", &rule))?;
    }
    let input = match &there {
        Some(there) if inputs_known => Some(there.input.clone()),
        Some(_) => Some(written::read_input(&names, &targets(&clients, &rule).await?)),
        None => None,
    };
    let sends = input.is_some_and(|input| input == spec.input);
    if !sends {
        put_target(&clients, &rule, target).await?;
    }
    Ok(match there {
        None => Outcome::Created,
        Some(_) if same && sends => Outcome::Unchanged,
        Some(_) => Outcome::Updated,
    })
}

async fn put_target(clients: &Clients, rule: &str, target: Target) -> Result<(), AwsError> {
    let action = "events:PutTargets";
    let answer = clients.events.put_targets().rule(rule).targets(target).send().await.map_err(failed(action, rule))?;
    match answer.failed_entries() {
        [] => Ok(()),
        [entry, ..] => Err(entry_failed(action, rule, (entry.error_code(), entry.error_message()))),
    }
}

/// EventBridge refuses to delete a rule that has targets, whoever put them there.
async fn remove(clients: Clients, rule: String) -> Result<(), AwsError> {
    let action = "events:RemoveTargets";
    let ids: Vec<String> = targets(&clients, &rule).await?.iter().map(|target| target.id().to_owned()).collect();
    if !ids.is_empty() {
        let answer = clients.events.remove_targets().rule(&rule).set_ids(Some(ids)).send().await;
        let answer = found(answer, ABSENT).map_err(failed(action, &rule))?;
        if let Some([entry, ..]) = answer.as_ref().map(|answer| answer.failed_entries()) {
            return Err(entry_failed(action, &rule, (entry.error_code(), entry.error_message())));
        }
    }
    let answer = clients.events.delete_rule().name(&rule).send().await;
    found(answer, ABSENT).map_err(failed("events:DeleteRule", &rule))?;
    Ok(())
}

/// What stands in an answer that says 200.
fn entry_failed(action: &'static str, rule: &str, (code, message): (Option<&str>, Option<&str>)) -> AwsError {
    AwsError::refused(action, rule, code.unwrap_or_default(), message.unwrap_or("no reason given"))
}

/// All rules whose names begin as the stage's do.
async fn rules(clients: &Clients, names: &Names) -> Result<Vec<Rule>, AwsError> {
    let prefix = rule_prefix(&names.function);
    let mut rules = Vec::new();
    let mut token = None;
    loop {
        let answer = clients.events.list_rules().name_prefix(&prefix).set_next_token(token).send().await;
        let answer = answer.map_err(failed("events:ListRules", format!("{prefix}*")))?;
        rules.extend(answer.rules.unwrap_or_default());
        token = answer.next_token;
        if token.is_none() {
            return Ok(rules);
        }
    }
}

/// The targets of a rule; none if it is not there.
async fn targets(clients: &Clients, rule: &str) -> Result<Vec<Target>, AwsError> {
    let mut targets = Vec::new();
    let mut token = None;
    loop {
        let answer = clients.events.list_targets_by_rule().rule(rule).set_next_token(token).send().await;
        let answer = found(answer, ABSENT).map_err(failed("events:ListTargetsByRule", rule))?;
        let Some(answer) = answer else { return Ok(targets) };
        targets.extend(answer.targets.unwrap_or_default());
        token = answer.next_token;
        if token.is_none() {
            return Ok(targets);
        }
    }
}
