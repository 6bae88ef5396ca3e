//! `events` into schedules.

use std::collections::BTreeSet;

use super::error::Problem;
use super::schema;
use super::tree::{Node, Value};
use super::written::Given;
use super::{Origin, Schedule};

/// One schedule for every expression of every event.
pub(super) fn schedules(events: &Given, problems: &mut Vec<Problem>) -> Vec<Schedule> {
    let mut schedules = Vec::new();
    let mut names = BTreeSet::new();
    for event in events.node.items() {
        let at = events.origin.at_line(event.line);
        for schedule in event_schedules(event, &at, problems) {
            // A written name has been checked already; one that comes from the function has not.
            if let Err(message) = schema::schedule_name(&schedule.name) {
                problems.push(Problem::new(&at, format!("{message}; give the event a `name` of its own")));
            }
            if !names.insert(schedule.name.clone()) {
                let message = format!("a second schedule is named `{}`; give one of the two events a `name` of its own", schedule.name);
                problems.push(Problem::new(&at, message));
            }
            schedules.push(schedule);
        }
    }
    schedules
}

fn event_schedules(event: &Node, at: &Origin, problems: &mut Vec<Problem>) -> Vec<Schedule> {
    let text = |key| event.get(key).and_then(Node::as_text).map(str::to_owned);
    let function = text("function").unwrap_or_default();
    let several: Vec<String> =
        event.get("expressions").map_or_else(Vec::new, |node| node.items().iter().filter_map(Node::as_text).map(str::to_owned).collect());
    let expressions = match (text("expression"), several.as_slice()) {
        (Some(_), [_, ..]) => {
            problems.push(Problem::new(at, format!("the event of `{function}` has both `expression` and `expressions`; keep one")));
            return Vec::new();
        }
        (None, []) => {
            problems.push(Problem::new(at, format!("the event of `{function}` needs an `expression`, such as `rate(1 hour)`")));
            return Vec::new();
        }
        (Some(one), []) => vec![one],
        (None, _) => several,
    };
    let name = text("name").unwrap_or_else(|| function.clone());
    let kwargs = match event.get("kwargs").map(Node::to_json) {
        Some(serde_json::Value::Object(kwargs)) => kwargs,
        _ => serde_json::Map::new(),
    };
    let every_region = event.get("every_region").is_some_and(|node| node.value == Value::Bool(true));
    let enabled = event.get("enabled").is_none_or(|node| node.value == Value::Bool(true));
    let named = expressions.into_iter().enumerate().map(|(index, expression)| {
        let name = if index == 0 { name.clone() } else { format!("{name}-{}", index + 1) };
        (name, expression)
    });
    named
        .map(|(name, expression)| Schedule {
            name,
            function: function.clone(),
            expression,
            kwargs: kwargs.clone(),
            description: text("description"),
            enabled,
            every_region,
        })
        .collect()
}
