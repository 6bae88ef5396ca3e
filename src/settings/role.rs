//! The execution role, and the policies that the settings name by file.

use std::path::Path;

use serde_json::Value;

use super::error::Problem;
use super::remaining::Remaining;
use super::tree::Node;
use super::written::Given;
use crate::model::RoleSettings;

/// The role; policy files are relative to `directory`.
pub(super) fn role(rest: &mut Remaining, directory: &Path, problems: &mut Vec<Problem>) -> RoleSettings {
    let arn = rest.text("role_arn");
    let manage = rest.truth("manage_roles") && arn.is_none();
    RoleSettings {
        name: rest.text("role_name"),
        manage,
        assume_policy: policy("assume_policy", rest, directory, problems),
        attach_policy: policy("attach_policy", rest, directory, problems),
        extra_permissions: statements(&rest.given("extra_permissions"), problems),
        arn,
    }
}

/// The content of the policy file that `key` names.
pub(super) fn policy(key: &'static str, rest: &mut Remaining, directory: &Path, problems: &mut Vec<Problem>) -> Option<Value> {
    let given = rest.given(key);
    let name = given.node.as_text().filter(|name| !name.is_empty())?;
    match read(&directory.join(name)) {
        Ok(policy) => Some(policy),
        Err(message) => {
            problems.push(Problem::new(&given.origin, format!("`{key}`: {message}")));
            None
        }
    }
}

fn read(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("could not read `{shown}`: {error}"))?;
    // The place inside is part of what the parser says.
    let policy: Value = serde_json::from_str(&text).map_err(|error| format!("`{shown}` is not valid JSON: {error}"))?;
    match policy.get("Statement") {
        Some(Value::Array(_) | Value::Object(_)) => Ok(policy),
        _ => Err(format!("`{shown}` is not a policy: an object with `Statement`")),
    }
}

fn statements(given: &Given, problems: &mut Vec<Problem>) -> Vec<Value> {
    let items = given.node.items();
    for (index, statement) in items.iter().enumerate() {
        if let Err(message) = check(statement) {
            let place = given.origin.at_line(statement.line);
            problems.push(Problem::new(&place, format!("`extra_permissions[{index}]` {message}")));
        }
    }
    items.iter().map(Node::to_json).collect()
}

/// The grammar of the IAM JSON policy language, as far as every statement has to have it.
fn check(statement: &Node) -> Result<(), String> {
    match statement.get("Effect").and_then(Node::as_text) {
        Some("Allow" | "Deny") => {}
        _ => return Err("needs an `Effect`: \"Allow\" or \"Deny\"".to_owned()),
    }
    for (one, other) in [("Action", "NotAction"), ("Resource", "NotResource")] {
        if statement.get(one).is_some() == statement.get(other).is_some() {
            return Err(format!("needs either `{one}` or `{other}`"));
        }
    }
    Ok(())
}
