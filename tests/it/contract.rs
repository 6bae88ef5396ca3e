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

    /// Has the app depend on something that says it is this version.
    fn depend(&self, version: &str) {
        self.project.install("greeting", version, &format!("VERSION = {version:?}\n"));
    }

    /// An app that says what it depends on, and where that is.
    fn edit_dependent(&self, version: &str) {
        let app = APP.replace("\"one\"", &format!("\"{version}\"")).replace("import os\n", "import os\n\nimport greeting\n");
        let said = "{\"version\": VERSION, \"greeting\": greeting.VERSION, \"file\": greeting.__file__, ";
        self.project.write("app.py", app.replace("{\"version\": VERSION, ", said));
    }

    /// Hashes of the dependencies of all versions, the oldest first.
    #[track_caller]
    fn dependencies(&self) -> Vec<Value> {
        self.json(&["status"])["releases"].as_array().unwrap().iter().map(|release| release["dependencies_sha256"].clone()).collect()
    }

    /// How many archives of dependencies the target has.
    fn kept(&self) -> usize {
        match &self._aws {
            Some(aws) => {
                let found = aws.inventory(&format!("{}-dev", self.name));
                let objects =
                    found["buckets"].as_array().into_iter().flatten().flat_map(|bucket| bucket["objects"].as_array().into_iter().flatten());
                let fetched = objects.filter(|key| key.as_str().unwrap().starts_with("zappa-dependencies/")).count();
                fetched + found["layers"].as_array().map_or(0, Vec::len)
            }
            None => {
                let directory = self.project.root().join(format!(".zappa/{}-dev/dependencies", self.name));
                std::fs::read_dir(directory).map_or(0, Iterator::count)
            }
        }
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
fn dependencies_are_a_layer_that_changes_when_they_do() {
    on_both("layered", |stage| {
        stage.settings("num_retained_versions = 3\n");
        stage.edit_dependent("one");
        stage.depend("1.0");
        let first = stage.json(&["deploy"]);
        let roles: Vec<&Value> = first["bundle"]["archives"].as_array().unwrap().iter().map(|archive| &archive["role"]).collect();
        assert_eq!(roles, ["app", "dependencies"]);
        let said = stage.json(&["invoke", "app.version"])["result"].clone();
        assert_eq!((&said["version"], &said["greeting"]), (&json!("one"), &json!("1.0")));
        let again = stage.json(&["deploy"]);
        assert_eq!((&again["release"], &again["version"]), (&json!("unchanged"), &json!(1)));

        stage.edit_dependent("two");
        assert_eq!(stage.json(&["update", "--dry-run"])["changes"], json!(["code"]));
        assert_eq!(stage.json(&["update"])["version"], 2);
        let used = stage.dependencies();
        assert!(used[0].is_string() && used[0] == used[1] && stage.kept() == 1, "{used:?}");

        stage.depend("2.0");
        assert_eq!(stage.json(&["update", "--dry-run"])["changes"], json!(["dependencies"]));
        assert_eq!(stage.json(&["update"])["version"], 3);
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "2.0");
        let used = stage.dependencies();
        assert!(used[1] != used[2] && stage.kept() == 2, "{used:?}");

        stage.json(&["rollback"]);
        let said = stage.json(&["invoke", "app.version"])["result"].clone();
        assert_eq!((&said["version"], &said["greeting"]), (&json!("two"), &json!("1.0")));

        stage.depend("3.0");
        stage.edit_dependent("four");
        assert_eq!(stage.json(&["update", "--dry-run"])["changes"], json!(["code", "dependencies"]));
        assert_eq!(stage.json(&["update"])["pruned"], json!([1]));
        assert_eq!(stage.kept(), 3, "version 2 uses the first one still");
        stage.edit_dependent("five");
        assert_eq!(stage.json(&["update"])["pruned"], json!([2]));
        assert_eq!(stage.kept(), 2);

        stage.settings("num_retained_versions = 3\ndependencies_layer = false\n");
        assert_eq!(stage.json(&["update", "--dry-run"])["changes"], json!(["code", "dependencies"]));
        let together = stage.json(&["update"]);
        assert_eq!(together["bundle"]["archives"].as_array().unwrap().len(), 1);
        assert_eq!(stage.dependencies().last(), Some(&Value::Null));
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "3.0");
        stage.settings("num_retained_versions = 3\n");
        stage.json(&["update"]);
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "3.0");

        let planned = stage.json(&["undeploy", "--dry-run"]);
        let gone = stage.json(&["undeploy", "--yes"]);
        assert_eq!(planned["removed"], gone["removed"]);
        if stage.target == "aws" {
            assert!(gone["removed"].to_string().contains("layer `layered-dev-dependencies` with one version"), "{gone}");
        }
        assert_eq!(stage.kept(), 0);
    });
}

#[test]
fn dependencies_are_fetched_where_they_are_too_large_for_a_layer() {
    on_both("fetched", |stage| {
        let slim = "num_retained_versions = 2\nslim_handler = true\n";
        stage.settings(slim);
        stage.edit_dependent("one");
        stage.depend("1.0");
        let first = stage.json(&["deploy"]);
        assert_eq!(first["bundle"]["archives"].as_array().unwrap().len(), 2);
        let said = stage.json(&["invoke", "app.version"])["result"].clone();
        assert_eq!((&said["version"], &said["greeting"]), (&json!("one"), &json!("1.0")));
        assert!(said["file"].as_str().unwrap().ends_with("/dependencies/greeting.py"), "{said}");
        assert_eq!(stage.json(&["deploy"])["release"], "unchanged");
        assert_eq!(stage.json(&["status"])["drift"], json!([]), "the variable is none of the user's");

        stage.edit_dependent("two");
        stage.depend("2.0");
        assert_eq!(stage.json(&["update", "--dry-run"])["changes"], json!(["code", "dependencies"]));
        assert_eq!((stage.json(&["update"])["version"].clone(), stage.kept()), (json!(2), 2));
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "2.0");
        stage.json(&["rollback"]);
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "1.0");

        // What a version fetches stays for as long as the version does.
        stage.settings("num_retained_versions = 2\n");
        stage.json(&["update"]);
        let said = stage.json(&["invoke", "app.version"])["result"].clone();
        assert!(said["file"].as_str().unwrap().ends_with("/python/greeting.py") && stage.kept() == 2, "{said}");
        stage.json(&["rollback"]);
        assert_eq!(stage.json(&["invoke", "app.version"])["result"]["greeting"], "2.0");
        stage.settings(slim);
        stage.depend("3.0");
        stage.json(&["update"]);
        assert_eq!((stage.json(&["invoke", "app.version"])["result"]["greeting"].clone(), stage.kept()), (json!("3.0"), 2));
        stage.json(&["undeploy", "--yes"]);
        assert_eq!(stage.kept(), 0);
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
