//! Runs that meet on one stage, and runs that are broken off.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::scenario::{CODE, DEPLOY, ROLLBACK, assert_same, found};
use crate::aws_deploy::stage::Stage;
use crate::support::Outcome;
use crate::support::aws::Aws;

/// A run that is held up at one of its calls.
struct Held {
    run: Child,
    go_on: Sender<()>,
}

impl Held {
    /// Starts a command and waits until it has asked for its n-th call.
    fn at(call: usize, stage: &Stage, args: &[&str]) -> Self {
        let (arrived, has_arrived): (Sender<()>, Receiver<()>) = channel();
        let (go_on, may_go_on) = channel();
        stage.aws.clear();
        stage.aws.proxy.before_nth(call, move || {
            arrived.send(()).unwrap();
            let _ = may_go_on.recv();
        });
        let run = stage.project.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        has_arrived.recv().unwrap();
        Self { run, go_on }
    }

    fn end(self) -> Outcome {
        let _ = self.go_on.send(());
        outcome(self.run)
    }
}

fn outcome(run: Child) -> Outcome {
    let output = run.wait_with_output().unwrap();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The same project's command, through another proxy.
fn beside(stage: &Stage, other: &Aws, args: &[&str]) -> Command {
    let mut command = stage.project.command(args);
    command.envs(other.variables()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn live(stage: &Stage) -> String {
    let found = stage.inventory();
    let alias = &found["functions"][0]["aliases"][0];
    assert!(!alias["Description"].as_str().unwrap().contains("lock="), "{alias}");
    alias["FunctionVersion"].as_str().unwrap().to_owned()
}

#[test]
fn a_second_run_is_refused_or_waits() {
    let (stage, _) = CODE.stage();
    // Beyond the call that takes the lock.
    let first = Held::at(7, &stage, &["update"]);
    let other = stage.aws.beside();
    stage.version("three");
    for args in [&["update"][..], &["undeploy", "--yes"], &["unschedule"]] {
        let refused = outcome(beside(&stage, &other, args).spawn().unwrap()).expect_code(1);
        let text = &refused.stderr;
        assert!(text.contains("another run is at work on stage `dev`") && text.contains("process ") && text.contains("--wait"), "{text}");
    }
    let mut waiting = beside(&stage, &other, &["update", "--wait"]).spawn().unwrap();
    let mut said = BufReader::new(waiting.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains("waiting for another run") {
        assert_ne!(said.read_line(&mut text).unwrap(), 0, "{text}");
    }
    other.clear();
    first.end().expect_code(0);
    std::io::copy(&mut said, &mut std::io::sink()).unwrap();
    assert!(waiting.wait().unwrap().success());
    assert_eq!(live(&stage), "3");
}

#[test]
fn of_two_first_deployments_one_is_refused() {
    let (undisturbed, _) = DEPLOY.stage();
    DEPLOY.run(&undisturbed).expect_code(0);
    let (stage, _) = DEPLOY.stage();
    // Both have found that there is nothing.
    let first = Held::at(9, &stage, &["deploy"]);
    outcome(beside(&stage, &stage.aws.beside(), &["deploy"]).spawn().unwrap()).expect_code(0);
    let refused = first.end().expect_code(1);
    assert!(refused.stderr.contains("another run has changed stage `dev`") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_same(&found(&stage), &found(&undisturbed), "two at once");
    DEPLOY.run(&stage).expect_code(0);
    assert_same(&found(&stage), &found(&undisturbed), "and run again");
}

#[test]
fn of_two_first_deployments_one_waits_if_it_is_told_to() {
    let (undisturbed, _) = DEPLOY.stage();
    DEPLOY.run(&undisturbed).expect_code(0);
    let (stage, _) = DEPLOY.stage();
    // At the layer: what is made of it twice is used once.
    let first = Held::at(8, &stage, &["deploy", "--wait", "--json"]);
    outcome(beside(&stage, &stage.aws.beside(), &["deploy"]).spawn().unwrap()).expect_code(0);
    let waited = first.end().expect_code(0).json();
    assert_eq!((&waited["version"], &waited["release"]), (&serde_json::json!(1), &serde_json::json!("unchanged")));
    assert_same(&found(&stage), &found(&undisturbed), "two at once");
}

#[test]
fn a_lock_holds_as_long_as_it_says() {
    let (stage, _) = ROLLBACK.stage();
    stage.version("three");
    let lock = |until: &str| {
        let script = format!(
            "import boto3\n\
             api, alias = boto3.client('lambda'), {{'FunctionName': '{}', 'Name': 'live'}}\n\
             kept = api.get_alias(**alias)['Description'].split(' lock=')[0]\n\
             api.update_alias(**alias, Description=kept + ' lock=0a1b2c3d@{until} by jane@elsewhere 4711 deadbeef')\n",
            stage.name
        );
        assert!(stage.aws.python(&script).status().unwrap().success());
    };
    lock("2999-01-01T00:00:00Z");
    for args in [&["update"][..], &["rollback"], &["undeploy", "--yes"], &["unschedule"]] {
        let refused = stage.run(args).expect_code(1);
        assert!(refused.stderr.contains("jane@elsewhere, process 4711, until 00:00:00 UTC"), "{}", refused.stderr);
    }
    lock("2020-01-01T00:00:00Z");
    stage.run(&["update"]).expect_code(0);
    assert_eq!(live(&stage), "3");
    lock("2020-01-01T00:00:00Z");
    stage.run(&["rollback"]).expect_code(0);
    assert_eq!(live(&stage), "2");
}

#[test]
fn what_a_dead_run_has_changed_is_changed_back() {
    let (stage, before) = CODE.stage();
    stage.version("one");
    let settings = |more: &str| stage.settings(&format!("keep_warm_expression = \"rate(5 minutes)\"\n{more}"));
    let tagged = "tags = { team = \"shop\" }\n";
    settings(tagged);
    // To its last call but one: everything is changed, and nothing written down.
    let (model, _) = CODE.stage();
    model.version("one");
    model.settings(&format!("keep_warm_expression = \"rate(5 minutes)\"\n{tagged}"));
    model.run(&["update"]).expect_code(0);
    let calls = model.aws.calls().len() - 1;
    assert!(stage.aws.killed_after(calls, stage.project.command(["update"])).is_none());
    assert_eq!(stage.inventory()["functions"][0]["tags"]["team"], "shop");
    settings("");
    stage.run(&["update"]).expect_code(0);
    let mut now = found(&stage);
    // A role keeps tags: others may have given them.
    now["roles"] = before["roles"].clone();
    assert_same(&now, &before, "changed, killed and changed back");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_is_finished_by_the_next() {
    let (undisturbed, _) = CODE.stage();
    CODE.run(&undisturbed).expect_code(0);
    let (stage, _) = CODE.stage();
    let held = Held::at(8, &stage, &["update"]);
    assert!(Command::new("kill").args(["-INT", &held.run.id().to_string()]).status().unwrap().success());
    let Held { run, go_on } = held;
    let interrupted = outcome(run);
    drop(go_on);
    assert_eq!(interrupted.code, 130, "{}", interrupted.stderr);
    assert!(interrupted.stderr.contains("running the command again finishes"), "{}", interrupted.stderr);
    CODE.run(&stage).expect_code(0);
    assert_same(&found(&stage), &found(&undisturbed), "interrupted");
}
