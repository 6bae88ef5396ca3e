//! Schedules on AWS: rules of EventBridge, what they send, and which calls a change takes.

use expect_test::expect;
use serde_json::{Value, json};

use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Call, Fault, models};

const MIRROR: &str = "\n\ndef mirror(event, context):\n    return event\n";

fn event(name: &str, expression: &str, more: &str) -> String {
    format!("[[dev.events]]\nfunction = \"app.mirror\"\nname = \"{name}\"\nexpression = \"{expression}\"\n{more}\n")
}

fn stage(name: &str, events: &str) -> Stage {
    let stage = Stage::new(name, &format!("keep_warm = false\n{events}"));
    let app = std::fs::read_to_string(stage.project.root().join("app.py")).unwrap();
    stage.project.write("app.py", app + MIRROR);
    stage
}

fn settings(stage: &Stage, events: &str) {
    stage.settings(&format!("keep_warm = false\n{events}"));
}

/// The calls of the last run that are about rules and who may call, each with what it is about.
fn calls(stage: &Stage) -> Vec<String> {
    let calls = stage.aws.calls();
    models::validate(&calls);
    let relevant = |call: &&Call| call.service == "events" || call.operation.ends_with("Permission");
    let about = |call: &Call| {
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let rule = ["Rule", "Name", "NamePrefix", "StatementId"].iter().find_map(|key| body[*key].as_str()).unwrap_or_default().to_owned();
        format!("{} {rule}", call.name()).trim_end().to_owned()
    };
    let mut calls: Vec<String> = calls.iter().filter(relevant).map(about).collect();
    calls.sort();
    calls
}

/// What boto3 prints of an expression over `events`, its client.
fn asked(stage: &Stage, expression: &str) -> Value {
    let script = format!("import boto3, json\nevents = boto3.client('events')\nprint(json.dumps({expression}, default=str))");
    let output = stage.aws.python(&script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn keep_warm_is_three_calls() {
    let stage = Stage::new("warm", "");
    stage.json(&["deploy"]);
    let expected = ["events:ListRules warm-dev.", "events:PutRule warm-dev.zappa-keep-warm", "events:PutTargets warm-dev.zappa-keep-warm"];
    let calls = calls(&stage);
    assert!(expected.iter().all(|call| calls.contains(&(*call).to_owned())), "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("events:Put")).count(), 2, "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call.ends_with("zappa-schedules")).count(), 1, "{calls:#?}");
    let target = asked(&stage, "events.list_targets_by_rule(Rule='warm-dev.zappa-keep-warm')['Targets']");
    assert_eq!(
        target,
        json!([{ "Id": "live", "Arn": "arn:aws:lambda:eu-west-1:123456789012:function:warm-dev:live", "Input": "{\"zappa\":\"keep-warm\"}" }])
    );
    let rule = asked(&stage, "events.describe_rule(Name='warm-dev.zappa-keep-warm')");
    assert_eq!(
        (&rule["Description"], &rule["ScheduleExpression"], &rule["State"]),
        (&json!("zappa-keep-warm: keeps one sandbox warm [zappa warm/dev]"), &json!("rate(4 minutes)"), &json!("ENABLED"))
    );
}

#[test]
fn a_rule_sends_what_the_emulator_sends() {
    let events =
        event("nightly", "cron(0 3 * * ? *)", "kwargs = { text = \"a \\\"b\\\" \\\\ ü\", depth = 3 }\ndescription = \"every: night\"");
    let stage = stage("sends", &events);
    stage.json(&["deploy"]);
    let target = asked(&stage, "events.list_targets_by_rule(Rule='sends-dev.nightly')['Targets'][0]");
    assert_eq!(target["InputTransformer"]["InputPathsMap"], json!({ "id": "$.id", "time": "$.time" }));
    let template = target["InputTransformer"]["InputTemplate"].as_str().unwrap();
    // As EventBridge fills it in: JSON in the places of placeholders that stand without quotes.
    let sent = template.replacen("<id>", "\"an id\"", 1).replacen("<time>", "\"a time\"", 1);
    let sent: Value = serde_json::from_str(&sent).unwrap_or_else(|error| panic!("{error}: {sent}"));
    let mut fired = stage.json(&["invoke", "dev", "--schedule", "nightly"])["result"].clone();
    assert!(fired["id"].as_str().is_some_and(|id| id.len() == 36) && fired["time"].is_string(), "{fired}");
    fired["id"] = json!("an id");
    fired["time"] = json!("a time");
    assert_eq!(fired, sent);
    assert_eq!(sent["resources"], json!(["arn:aws:events:eu-west-1:123456789012:rule/sends-dev.nightly"]));
    assert_eq!((&sent["kwargs"]["text"], &sent["kwargs"]["depth"]), (&json!("a \"b\" \\ ü"), &json!(3)));

    let status = stage.json(&["status"])["schedules"][0].clone();
    assert_eq!(
        (&status["name"], &status["description"], &status["input"]["kwargs"]["depth"]),
        (&json!("nightly"), &json!("every: night"), &json!(3))
    );
    assert!(status["next_run"].as_str().unwrap().ends_with("T03:00:00Z"), "{status}");
}

#[test]
fn status_shows_a_stage_at_a_glance() {
    let stage = stage("glance", &event("one", "rate(1 hour)", ""));
    stage.json(&["deploy"]);
    stage.version("two");
    stage.json(&["update", "--no-check"]);
    stage.settings("keep_warm = false\nmemory_size = 1024\n");
    let said = stage.run(&["status"]).expect_code(0).stdout;
    // The id of an API is given by AWS.
    let id = said.split("https://").nth(1).unwrap().split('.').next().unwrap().to_owned();
    let plain = |word: &str| match word {
        _ if word.parse::<jiff::Timestamp>().is_ok() => "TIME".to_owned(),
        _ if word.contains('.') && word.parse::<f64>().is_ok() => "SIZE".to_owned(),
        _ if word.starts_with("python3.") => "PYTHON,".to_owned(),
        _ => word.replace(&id, "API-ID"),
    };
    let said: Vec<String> = said.split(' ').map(plain).collect();
    expect![[r#"
        glance-dev

          live        version 2
          url         https://API-ID.execute-api.eu-west-1.amazonaws.com/dev/
          front door  REST API
          runtime     PYTHON, 512 MB, 30 s
          arn         arn:aws:lambda:eu-west-1:123456789012:function:glance-dev
          account     123456789012, eu-west-1
          role        glance-dev-ZappaLambdaExecutionRole
          api         API-ID
          differs     from the settings in memory_size, schedules; a deployment brings it up to date

          releases
                 2  TIME  SIZE kB  ← live
                 1  TIME  SIZE kB

          schedules
          one  rate(1 hour)  enabled
    "#]]
    .assert_eq(&said.join(" "));
}

#[test]
fn only_what_differs_is_touched() {
    let first = event("one", "rate(1 hour)", "kwargs = { depth = 1 }") + &event("two", "cron(0 3 * * ? *)", "");
    let stage = stage("differs", &first);
    stage.json(&["deploy"]);
    let same = stage.json(&["schedule"]);
    assert_eq!(same["outcome"], "unchanged");
    expect![[r#"
        [
            "events:ListRules differs-dev.",
        ]
    "#]]
    .assert_debug_eq(&calls(&stage));

    settings(&stage, &(event("one", "rate(1 hour)", "kwargs = { depth = 2 }") + &event("two", "cron(0 4 * * ? *)", "")));
    let planned = stage.json(&["schedule", "--dry-run"]);
    assert_eq!((&planned["updated"], &planned["removed"]), (&json!(["one", "two"]), &json!([])));
    assert!(calls(&stage).iter().all(|call| call.starts_with("events:List")), "{:#?}", calls(&stage));
    assert_eq!(stage.json(&["schedule"])["outcome"], "updated");
    let changed: Vec<String> = calls(&stage).into_iter().filter(|call| !call.starts_with("events:List")).collect();
    assert!(changed.contains(&"events:PutTargets differs-dev.one".to_owned()), "what it sends: {changed:#?}");
    assert!(changed.contains(&"events:PutRule differs-dev.two".to_owned()), "when it fires: {changed:#?}");
    assert_eq!(changed.iter().filter(|call| call.starts_with("events:")).count(), 2, "{changed:#?}");

    settings(&stage, &(event("one", "rate(1 hour)", "kwargs = { depth = 2 }") + &event("three", "rate(2 days)", "enabled = false")));
    let said = stage.run(&["schedule"]).expect_code(0).stdout;
    assert!(said.contains("one    rate(1 hour)  enabled\n") && said.contains("three  rate(2 days)  disabled\n"), "{said}");
    let order: Vec<String> = stage.aws.calls().iter().map(Call::name).filter(|name| name.starts_with("events:")).collect();
    let position = |name: &str| order.iter().position(|call| call == name).unwrap();
    assert!(position("events:PutTargets") < position("events:RemoveTargets"), "what goes goes last: {order:#?}");
    assert!(position("events:RemoveTargets") < position("events:DeleteRule"), "{order:#?}");
    assert!(!calls(&stage).iter().any(|call| call.starts_with("events:Put") && call.ends_with(".one")), "what stays is left alone");
}

#[test]
fn rules_of_others_are_left_alone() {
    let stage = stage("mine", &event("one", "rate(1 hour)", ""));
    stage.json(&["deploy"]);
    for (name, description) in
        [("mine-dev.other", "of somebody"), ("mine-dev.two", "two: x [zappa other/dev]"), ("mine-dev-eu.one", "one: x")]
    {
        let put = format!("events.put_rule(Name='{name}', ScheduleExpression='rate(1 day)', Description='{description}')");
        asked(&stage, &put);
    }
    // A second target that somebody has put on a rule of ours keeps it from being deleted.
    asked(&stage, "events.put_targets(Rule='mine-dev.one', Targets=[{'Id': 'mine', 'Arn': 'arn:aws:sqs:eu-west-1:123456789012:queue'}])");
    let names = |stage: &Stage| asked(stage, "sorted(rule['Name'] for rule in events.list_rules(NamePrefix='mine-dev')['Rules'])");
    assert_eq!(stage.json(&["status"])["schedules"].as_array().unwrap().len(), 1);
    let planned = stage.json(&["unschedule", "--dry-run"]);
    assert_eq!(planned["removed"], json!(["one"]));
    assert_eq!(stage.json(&["unschedule"])["removed"], json!(["one"]));
    assert_eq!(names(&stage), json!(["mine-dev-eu.one", "mine-dev.other", "mine-dev.two"]));
    let permission = calls(&stage).into_iter().filter(|call| call.starts_with("lambda:")).collect::<Vec<_>>();
    assert_eq!(permission, ["lambda:RemovePermission"]);
    for name in ["mine-dev-eu.one", "mine-dev.other", "mine-dev.two"] {
        asked(&stage, &format!("events.delete_rule(Name='{name}')"));
    }
}

#[test]
fn a_run_that_failed_half_way_is_finished_by_the_next() {
    let stage = stage("half", &(event("one", "rate(1 hour)", "") + &event("two", "rate(2 hours)", "")));
    stage.aws.fault(Fault::denied().on("events:PutTargets"));
    let failed = stage.project.zappa(["deploy"]).expect_code(1);
    assert!(failed.stderr.contains("events:PutTargets"), "{}", failed.stderr);
    let before = stage.json(&["deploy"]);
    assert_eq!(before["schedules"], "updated");
    for name in ["one", "two"] {
        let targets = asked(&stage, &format!("events.list_targets_by_rule(Rule='half-dev.{name}')['Targets']"));
        assert_eq!(targets.as_array().unwrap().len(), 1);
    }
    assert_eq!(stage.json(&["deploy"])["schedules"], "unchanged");
}

#[test]
fn an_undeployment_is_foretold() {
    let stage = stage("foretold", &event("one", "rate(1 hour)", ""));
    stage.json(&["deploy"]);
    let planned = stage.json(&["undeploy", "--dry-run"]);
    let reads = ["Get", "List", "Head", "Describe"];
    let wrote: Vec<String> = stage.aws.calls().iter().map(Call::name).collect();
    assert!(wrote.iter().all(|name| reads.iter().any(|read| name.split(':').nth(1).unwrap().starts_with(read))), "{wrote:#?}");
    let done = stage.json(&["undeploy", "--yes"]);
    assert_eq!(planned["removed"], done["removed"]);
    assert!(done["removed"].as_array().unwrap().contains(&json!("rule `foretold-dev.one`")), "{done}");
    assert_eq!(stage.json(&["undeploy", "--dry-run", "--remove-logs"])["removed"], json!(["log group `/aws/lambda/foretold-dev`"]));
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory(), json!({}));
}
