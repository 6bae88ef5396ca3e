//! The same behaviours on both targets: whatever a user sees of a stage does not depend on where it lives.

use serde_json::{Value, json};

use crate::support::aws::Aws;
use crate::support::{Outcome, TestProject};

const APP: &str = include_str!("../fixtures/apps/plain/app.py");

/// One stage, on one of the targets.
struct Stage {
    /// Kept for as long as the stage is.
    _aws: Option<Aws>,
    project: TestProject,
    target: &'static str,
    /// Of the project: all tests share one AWS.
    name: &'static str,
}

impl Stage {
    fn on(target: &'static str, name: &'static str) -> Self {
        let aws = (target == "aws").then(Aws::apart);
        let project = TestProject::new().file("app.py", APP).file("requirements.txt", "");
        let project = match &aws {
            Some(aws) => aws.project(project),
            None => project,
        };
        let stage = Self { _aws: aws, project, target, name };
        stage.settings("");
        stage
    }

    fn settings(&self, settings: &str) {
        let Self { target, name, .. } = self;
        let head =
            format!("[dev]\ntarget = \"{target}\"\nproject_name = \"{name}\"\napp_function = \"app.app\"\naws_region = \"eu-west-1\"\n");
        self.project.write("zappa_settings.toml", head + settings);
    }

    fn edit(&self, version: &str) {
        self.project.write("app.py", APP.replace("\"one\"", &format!("\"{version}\"")));
    }

    fn run(&self, args: &[&str]) -> Outcome {
        self.project.zappa(args)
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        self.run(&args).expect_code(0).json()
    }

    /// What the live version says it is.
    #[track_caller]
    fn version(&self) -> Value {
        self.json(&["invoke", "app.version"])["result"]["version"].clone()
    }

    #[track_caller]
    fn live(&self) -> Value {
        self.json(&["status"])["live"].clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.project.command(["undeploy", "--yes", "--quiet", "--remove-logs"]).output();
    }
}

fn on_both(name: &'static str, behaviour: fn(&Stage)) {
    for target in ["local", "aws"] {
        behaviour(&Stage::on(target, name));
    }
}

#[test]
fn a_stage_is_released_updated_rolled_back_and_taken_down() {
    on_both("contract", |stage| {
        assert_eq!(stage.run(&["status"]).code, 2, "nothing is there");
        assert_eq!(stage.run(&["update"]).code, 2, "nothing is there to update");
        let planned = stage.json(&["deploy", "--dry-run"]);
        assert_eq!((&planned["release"], &planned["live"]), (&json!("created"), &Value::Null));
        assert_eq!(stage.run(&["status"]).code, 2, "a dry run makes nothing");

        let first = stage.json(&["deploy"]);
        assert_eq!((&first["version"], &first["live"], &first["route"]), (&json!(1), &json!("created"), &json!("created")));
        assert_eq!(first["first_request"]["status"], 200);
        assert_eq!(stage.version(), "one");

        let again = stage.json(&["deploy"]);
        assert_eq!((&again["version"], &again["release"], &again["live"]), (&json!(1), &json!("unchanged"), &json!("unchanged")));
        assert_eq!(again["url"], first["url"]);

        stage.edit("two");
        let update = stage.json(&["update"]);
        assert_eq!((&update["version"], &update["previous"], &update["url"]), (&json!(2), &json!(1), &first["url"]));
        assert_eq!(stage.version(), "two");

        stage.settings("environment_variables = { GREETING = \"hello\" }\n");
        let planned = stage.json(&["update", "--dry-run"]);
        assert_eq!((&planned["release"], &planned["changes"]), (&json!("created"), &json!(["environment_variables"])));
        assert_eq!(stage.json(&["status"])["drift"], json!(["environment_variables"]));
        assert_eq!(stage.json(&["update"])["version"], 3);
        assert_eq!(stage.json(&["status"])["drift"], json!([]));

        assert_eq!(stage.json(&["rollback", "-n", "2"]), json!({ "function_name": "contract-dev", "from": 3, "to": 1 }));
        assert_eq!((stage.live(), stage.version()), (json!(1), json!("one")));
        assert_eq!(stage.run(&["rollback"]).code, 2, "there is nothing before the first");
        assert_eq!(stage.run(&["rollback", "--to", "9"]).code, 2, "there is no such version");
        assert_eq!(stage.json(&["rollback", "--to", "3"])["to"], 3);

        let gone = stage.json(&["undeploy", "--yes"]);
        assert!(gone["removed"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("function `contract-dev`")));
        assert_eq!(stage.run(&["status"]).code, 2);
        assert_eq!(stage.json(&["undeploy", "--yes"])["removed"], json!([]), "it can be repeated");
    });
}

#[test]
fn a_version_that_is_not_well_does_not_serve() {
    on_both("unwell", |stage| {
        stage.settings("environment_variables = { BROKEN = \"1\" }\n");
        let failed = stage.run(&["deploy"]).expect_code(1);
        assert!(failed.stderr.contains("the app is broken"), "{}", failed.stderr);
        assert_eq!(stage.live(), Value::Null);
        stage.settings("");
        let first = stage.json(&["deploy"]);
        assert_eq!((&first["live"], &first["previous"]), (&json!("created"), &Value::Null));
        let live = first["version"].clone();

        stage.settings("environment_variables = { BROKEN = \"1\" }\n");
        let failed = stage.run(&["update"]).expect_code(1);
        assert!(failed.stderr.contains(&format!("version {live} goes on serving")), "{}", failed.stderr);
        assert_eq!((stage.live(), stage.version()), (live, json!("one")));
        stage.settings("touch = false\nenvironment_variables = { BROKEN = \"1\" }\n");
        assert_eq!(stage.json(&["update"])["live"], "updated", "who does not ask gets what is there");
    });
}

#[test]
fn functions_are_called_by_name_and_events_and_schedules_by_hand() {
    on_both("called", |stage| {
        stage.settings(
            "events = [{ function = \"app.nightly\", name = \"nightly\", expression = \"cron(0 3 * * ? *)\", kwargs = { depth = 2 } }]\n",
        );
        stage.json(&["deploy"]);
        let called = stage.json(&["invoke", "app.version", "--payload", "{\"given\": 7}"]);
        assert_eq!(called["result"], json!({ "version": "one", "given": 7 }));
        assert!(called["log"].as_str().unwrap().contains("asked for the version"));
        let failed = stage.run(&["invoke", "app.fail", "--json"]).expect_code(1).json();
        assert_eq!((&failed["function_error"], &failed["result"]["errorType"]), (&json!("Unhandled"), &json!("ValueError")));
        assert_eq!(stage.json(&["invoke", "--schedule", "nightly"])["result"], json!({ "depth": 2 }));
        assert_eq!(stage.run(&["invoke", "--schedule", "nihgtly"]).code, 2);
        assert_eq!(stage.run(&["invoke", "--qualifier", "7", "app.version"]).code, 2, "there is no such version");
    });
}

#[test]
fn schedules_come_and_go_without_a_release() {
    on_both("scheduled", |stage| {
        let names = |found: &Value| -> Vec<String> {
            found["schedules"].as_array().unwrap().iter().map(|schedule| schedule["name"].as_str().unwrap().to_owned()).collect()
        };
        let nightly = "events = [{ function = \"app.nightly\", name = \"nightly\", expression = \"cron(0 3 * * ? *)\" }]\n";
        stage.json(&["deploy"]);
        assert_eq!(names(&stage.json(&["status"])), ["zappa-keep-warm"]);
        stage.settings(nightly);
        let made = stage.json(&["schedule"]);
        assert_eq!(made["outcome"], "updated");
        let mut all = names(&made);
        all.sort();
        assert_eq!(all, ["nightly", "zappa-keep-warm"]);
        assert_eq!(stage.json(&["schedule"])["outcome"], "unchanged");
        // The bundle says which function a schedule calls; the schedule itself is there already.
        let update = stage.json(&["update"]);
        assert_eq!((&update["version"], &update["schedules"]), (&json!(2), &json!("unchanged")));
        stage.json(&["unschedule"]);
        assert_eq!(names(&stage.json(&["status"])), [""; 0]);
        assert_eq!(stage.json(&["schedule", "--dry-run"])["created"], json!(["zappa-keep-warm", "nightly"]));
        let back = stage.json(&["deploy"]);
        assert_eq!((&back["release"], &back["schedules"]), (&json!("unchanged"), &json!("created")));
        assert_eq!(stage.live(), 2);
    });
}

#[test]
fn versions_beyond_the_retained_ones_go_and_never_the_live_one() {
    on_both("retained", |stage| {
        stage.settings("num_retained_versions = 2\n");
        stage.json(&["deploy"]);
        stage.edit("two");
        let second = stage.json(&["update"]);
        assert_eq!((&second["version"], &second["pruned"]), (&json!(2), &json!([])));
        stage.edit("three");
        assert_eq!(stage.json(&["update"])["pruned"], json!([1]));
        stage.json(&["rollback"]);
        stage.edit("four");
        assert_eq!(stage.json(&["update"])["pruned"], json!([2]));
        let releases = stage.json(&["status"])["releases"].clone();
        let versions: Vec<&Value> = releases.as_array().unwrap().iter().map(|release| &release["version"]).collect();
        assert_eq!(versions, [&json!(3), &json!(4)]);
    });
}
