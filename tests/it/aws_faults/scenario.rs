//! The commands that are disturbed: from what state, and to which.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::aws_deploy::stage::Stage;
use crate::support::Outcome;

/// Schedules that are there from the beginning.
const SCHEDULED: &str = "keep_warm_expression = \"rate(5 minutes)\"\n";

/// A command, and what comes before it.
#[derive(Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Makes a stage what it is before the command.
    before: fn(&Stage),
    /// Makes the project what the command shall deploy.
    edit: fn(&Stage),
    pub(super) command: &'static [&'static str],
}

pub(super) const DEPLOY: Scenario = Scenario {
    name: "first",
    before: |_| {},
    edit: |stage| {
        stage.settings(SCHEDULED);
        stage.depend("1.0");
    },
    command: &["deploy"],
};
pub(super) const CODE: Scenario = Scenario { name: "code", before: deployed, edit: |stage| stage.version("two"), command: &["update"] };
pub(super) const CONFIGURATION: Scenario = Scenario {
    name: "configuration",
    before: deployed,
    edit: |stage| stage.settings(&format!("{SCHEDULED}memory_size = 1024\nenvironment_variables = {{ MODE = \"other\" }}\n")),
    command: &["update"],
};
/// With the version before goes the layer that only that one used.
pub(super) const DEPENDENCIES: Scenario = Scenario {
    name: "dependencies",
    before: |stage| {
        stage.depend("1.0");
        stage.settings(&format!("{SCHEDULED}num_retained_versions = 1\n"));
        stage.run(&["deploy"]).expect_code(0);
    },
    edit: |stage| {
        stage.depend("2.0");
        stage.version("two");
    },
    command: &["update"],
};
/// From a layer to what is fetched: another policy of the role, a bucket, and no layer any more.
pub(super) const FETCHED: Scenario = Scenario {
    name: "fetched",
    before: DEPENDENCIES.before,
    edit: |stage| stage.settings(&format!("{SCHEDULED}num_retained_versions = 1\nslim_handler = true\n")),
    command: &["update"],
};
pub(super) const SCHEDULE: Scenario = Scenario {
    name: "schedule",
    before: |stage| {
        stage.settings(&format!("{SCHEDULED}{}{}", event("stays", "rate(1 hour)"), event("goes", "rate(2 hours)")));
        stage.run(&["deploy"]).expect_code(0);
    },
    edit: |stage| {
        let other = SCHEDULED.replace('5', "6");
        stage.settings(&format!("{other}{}{}", event("stays", "rate(1 hour)"), event("comes", "cron(0 3 * * ? *)")));
    },
    command: &["update"],
};
pub(super) const FRONT_DOOR: Scenario = Scenario {
    name: "door",
    before: deployed,
    edit: |stage| stage.settings(&format!("{SCHEDULED}apigateway_version = \"v2\"\n")),
    command: &["update"],
};
pub(super) const ROLLBACK: Scenario = Scenario {
    name: "rollback",
    before: |stage| {
        deployed(stage);
        stage.version("two");
        stage.run(&["update"]).expect_code(0);
    },
    edit: |_| {},
    command: &["rollback", "--to", "1"],
};
pub(super) const UNDEPLOY: Scenario = Scenario {
    name: "undeploy",
    before: |stage| {
        stage.depend("1.0");
        deployed(stage);
    },
    edit: |_| {},
    command: &["undeploy", "--yes", "--remove-logs"],
};

fn deployed(stage: &Stage) {
    stage.settings(SCHEDULED);
    stage.run(&["deploy"]).expect_code(0);
}

fn event(name: &str, expression: &str) -> String {
    format!("[[dev.events]]\nname = \"{name}\"\nfunction = \"app.task\"\nexpression = \"{expression}\"\n")
}

impl Scenario {
    /// A stage of its own that is ready for the command, and what exists of it.
    pub(super) fn stage(&self) -> (Stage, Value) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let stage = Stage::apart(&format!("{}{}", self.name, COUNT.fetch_add(1, Ordering::Relaxed)), "");
        (self.before)(&stage);
        let before = found(&stage);
        (self.edit)(&stage);
        (stage, before)
    }

    /// The command, undisturbed.
    pub(super) fn run(&self, stage: &Stage) -> Outcome {
        stage.run(self.command)
    }

    /// Whether something served before and has to go on.
    pub(super) fn serves_throughout(&self) -> bool {
        ![DEPLOY.name, UNDEPLOY.name].contains(&self.name)
    }
}

/// What exists, without what is allowed to differ: names, and deployments of a REST API that no stage shows any more.
pub(super) fn found(stage: &Stage) -> Value {
    let mut found = plain(stage.inventory(), stage.name.trim_end_matches("-dev"), &mut Vec::new());
    for function in list_mut(&mut found, "functions") {
        if let Some(versions) = function.get_mut("versions").and_then(Value::as_array_mut) {
            versions.sort_by_key(|version| version["Version"].as_str().map(str::to_owned));
        }
    }
    for api in list_mut(&mut found, "rest_apis") {
        let shown = api["stages"].as_array().map_or(0, Vec::len);
        if let Some(deployments) = api.get_mut("deployments").and_then(Value::as_array_mut) {
            deployments.truncate(shown);
        }
    }
    found
}

/// Without the project's name, and what is made of it: hashes of code, and of the documents that REST APIs are made of.
fn plain(found: Value, project: &str, codes: &mut Vec<String>) -> Value {
    match found {
        Value::Object(members) => {
            let member = |(key, value): (String, Value)| match value {
                Value::String(code) if key == "CodeSha256" => {
                    let index = codes.iter().position(|known| *known == code).unwrap_or_else(|| {
                        codes.push(code);
                        codes.len() - 1
                    });
                    (key, json!(format!("[code {index}]")))
                }
                // A fingerprint of what has the account and the name in it.
                Value::String(_) if key == "zappa:bucket" => (key, json!("[set up]")),
                Value::String(text) if key == "description" && text.len() == 18 && text.starts_with("zappa ") => (key, json!("[document]")),
                value => (key, plain(value, project, codes)),
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(|value| plain(value, project, codes)).collect()),
        Value::String(text) => Value::String(text.replace(project, "[project]")),
        other => other,
    }
}

fn list_mut<'a>(found: &'a mut Value, kind: &str) -> Vec<&'a mut Value> {
    found.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten().collect()
}

fn list<'a>(found: &'a Value, kind: &str) -> Vec<&'a Value> {
    found.get(kind).and_then(Value::as_array).into_iter().flatten().collect()
}

/// Fails unless requests and schedules that were served before are served still, by the version of before or by that of after.
#[track_caller]
pub(super) fn assert_serves(now: &Value, before: &Value, after: &Value, what: &str) {
    let live = |found: &Value| found["functions"][0]["aliases"][0]["FunctionVersion"].clone();
    assert!([live(before), live(after)].contains(&live(now)), "{what}: live is at {}\n{now:#}", live(now));
    let versions = list(&now["functions"][0], "versions");
    assert!(versions.iter().any(|version| version["Version"] == live(now)), "{what}: there is no version {}\n{now:#}", live(now));
    let statements = now["functions"][0]["policies"]["live"]["Statement"].to_string();
    let rest = list(now, "rest_apis")
        .iter()
        .any(|api| api["stages"].is_array() && api["resources"].to_string().contains(":live") && statements.contains("zappa-rest-api"));
    let http = list(now, "http_apis").iter().any(|api| {
        let complete = ["stages", "routes", "integrations"].iter().all(|part| api[*part].is_array());
        complete && statements.contains("zappa-http-api")
    });
    assert!(rest || http, "{what}: there is no way in\n{now:#}");
    let name = |rule: &&Value| rule["Name"].clone();
    let wanted: Vec<Value> = list(after, "rules").iter().map(name).collect();
    for rule in list(before, "rules").iter().filter(|rule| wanted.contains(&rule["Name"])) {
        let there = list(now, "rules").into_iter().find(|there| there["Name"] == rule["Name"]);
        let targets = there.map(|there| there["targets"][0]["Arn"].to_string()).unwrap_or_default();
        assert!(targets.contains(":live"), "{what}: the rule {} calls nothing\n{now:#}", rule["Name"]);
    }
    assert!(statements.contains("zappa-schedules"), "{what}: rules may not call it\n{now:#}");
}

/// Fails unless the same exists as after a run that nobody has disturbed.
#[track_caller]
pub(super) fn assert_same(now: &Value, undisturbed: &Value, what: &str) {
    if now != undisturbed {
        let mut differences = Vec::new();
        differ("", undisturbed, now, &mut differences);
        panic!("{what}: something else exists than after an undisturbed run:\n{}", differences.join("\n"));
    }
}

fn differ(path: &str, wanted: &Value, now: &Value, differences: &mut Vec<String>) {
    match (wanted, now) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let value = |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or(json!(null));
                differ(&format!("{path}/{key}"), &value(one), &value(other), differences);
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                differ(&format!("{path}/{index}"), one, other, differences);
            }
        }
        (one, other) if one != other => differences.push(format!("{path}\n  wanted {one}\n  found  {other}")),
        _ => {}
    }
}
