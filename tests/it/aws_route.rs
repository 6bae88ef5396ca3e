//! The front door on AWS: which documents and calls the settings come to, and what then exists. Everything else of a deployment is left out here.

mod http_api;
mod life;
mod rest;
mod url;

use serde_json::Value;

use crate::support::aws::{Aws, Call, models};
use crate::support::{Outcome, TestProject};

const APP: &str = r#"
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def check(event, context):
    return {"isAuthorized": True}
"#;

/// Somebody else's function.
const GUARD: &str = r#"
import boto3, io, zipfile

archive = io.BytesIO()
zipfile.ZipFile(archive, "w").writestr("guard.py", "")
role = boto3.client("iam").create_role(RoleName=guard, AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": []}')["Role"]["Arn"]
boto3.client("lambda").create_function(
    FunctionName=guard, Runtime="python3.12", Handler="guard.check", Role=role, Code={"ZipFile": archive.getvalue()}
)
"#;

/// A stage `dev` with a front door, in an AWS of its own.
struct Stage {
    aws: Aws,
    project: TestProject,
    name: &'static str,
}

impl Stage {
    fn new(name: &'static str, settings: &str) -> Self {
        let aws = Aws::new();
        let project = aws.project(TestProject::new().file("app.py", APP).file("requirements.txt", ""));
        let stage = Self { aws, project, name };
        stage.settings(settings);
        stage
    }

    fn settings(&self, settings: &str) {
        let name = self.name;
        self.project.write("zappa_settings.toml", format!("[dev]\nproject_name = \"{name}\"\napp_function = \"app.app\"\n{settings}"));
    }

    fn run(&self, args: &[&str]) -> Outcome {
        self.aws.clear();
        self.project.zappa(args)
    }

    /// Puts it up, with every call held against AWS's own models.
    #[track_caller]
    fn deploy(&self) -> Value {
        let report = self.run(&["deploy", "--json"]).expect_code(0).json();
        models::validate(&self.aws.calls());
        report
    }

    /// The calls about front doors since the last command began.
    fn calls(&self) -> Vec<Call> {
        let ours =
            |call: &Call| call.service.starts_with("apigateway") || call.operation.contains("Url") || call.operation.contains("Permission");
        // Schedules have permissions of their own.
        let gateway = |call: &Call| !String::from_utf8_lossy(&call.body).contains("events.amazonaws.com");
        self.aws.calls().into_iter().filter(|call| ours(call) && gateway(call)).collect()
    }

    /// Their names, sorted: which of them overlap is for `aws_deploy` to say.
    fn names(&self) -> String {
        let mut names: Vec<String> = self.calls().iter().map(Call::name).collect();
        names.sort();
        names.join("\n")
    }

    /// The body of the last call of this name.
    #[track_caller]
    fn body(&self, name: &str) -> Value {
        let calls = self.calls();
        let call = calls.iter().rfind(|call| call.name() == name);
        call.unwrap_or_else(|| panic!("no `{name}` among {:?}", calls.iter().map(Call::name).collect::<Vec<_>>())).json()
    }

    /// Sorted: the SDK writes maps (tags) in any order.
    #[track_caller]
    fn pretty(&self, name: &str) -> String {
        let mut body = self.body(name);
        body.sort_all_objects();
        serde_json::to_string_pretty(&body).unwrap()
    }

    /// Somebody else's function, for authorizers.
    fn guard(&self, name: &str) {
        let script = format!("guard = '{name}'\n{GUARD}");
        assert!(self.aws.python(&script).status().unwrap().success());
    }

    /// What a failed run said of its failure, without AWS's number for the request.
    fn refusal(&self, outcome: &Outcome) -> String {
        let text = self.project.filter(&outcome.stderr);
        let (_, error) = text.split_once("error: ").unwrap();
        let plain: Vec<&str> = error.lines().map(|line| line.split_once(", request ").map_or(line, |(before, _)| before)).collect();
        format!("error: {}\n", plain.join("\n"))
    }

    /// Takes it down; nothing may be left.
    #[track_caller]
    fn undeploy(&self) {
        self.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
        assert_eq!(self.inventory(), serde_json::json!({}));
    }

    fn inventory(&self) -> Value {
        self.aws.inventory(&format!("{}-dev", self.name))
    }
}
