//! What AWS takes its time for, and apps that are not well.

use super::scenario::{CODE, CONFIGURATION, DEPLOY, assert_same, found};
use crate::aws_deploy::stage::Stage;
use crate::support::aws::Fault;

/// Of the environment, of the credentials, and what a signature begins with.
const SECRETS: [&str; 3] = ["hunter2", "wJalrXUtnFEMI", "AWS4-HMAC"];

#[test]
fn a_new_role_is_waited_for() {
    let (undisturbed, _) = DEPLOY.stage();
    DEPLOY.run(&undisturbed).expect_code(0);
    let (stage, _) = DEPLOY.stage();
    let message = "The role defined for the function cannot be assumed by Lambda.";
    stage.aws.clear();
    stage.aws.fault(Fault::error(400, "InvalidParameterValueException", message).on("lambda:CreateFunction").times(2));
    stage.project.zappa(["deploy"]).expect_code(0);
    assert_eq!(stage.aws.calls().iter().filter(|call| call.operation == "CreateFunction").count(), 3);
    assert_same(&found(&stage), &found(&undisturbed), "a role that cannot be assumed at once");
}

#[test]
fn functions_that_are_not_ready_are_waited_for() {
    for scenario in [DEPLOY, CODE, CONFIGURATION] {
        let (undisturbed, _) = scenario.stage();
        scenario.run(&undisturbed).expect_code(0);
        let (stage, _) = scenario.stage();
        stage.aws.proxy.slow_states();
        scenario.run(&stage).expect_code(0);
        assert_same(&found(&stage), &found(&undisturbed), scenario.name);
    }
}

#[test]
fn an_unhealthy_update_does_not_serve() {
    let (stage, before) = CODE.stage();
    let live = |stage: &Stage| stage.inventory()["functions"][0]["aliases"][0]["FunctionVersion"].clone();
    let keep_warm = "keep_warm_expression = \"rate(5 minutes)\"\n";
    stage.settings(&format!("{keep_warm}environment_variables = {{ BROKEN = \"hunter2\" }}\n"));
    let refused = stage.run(&["update", "-vv"]).expect_code(1);
    for word in ["version 2 is not healthy", "RuntimeError: the app is broken", "app.py", "version 1 goes on serving"] {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
    tells_no_secret(&refused.stdout, &refused.stderr);
    let now = found(&stage);
    assert_eq!(now["functions"][0]["aliases"], before["functions"][0]["aliases"]);
    assert_eq!((&now["rest_apis"], &now["rules"]), (&before["rest_apis"], &before["rules"]));
    // Asked again, it is no better.
    stage.run(&["update"]).expect_code(1);
    let unasked = stage.run(&["update", "--no-check", "-vv"]).expect_code(0);
    tells_no_secret(&unasked.stdout, &unasked.stderr);
    assert_eq!(live(&stage), "2");
    stage.settings(keep_warm);
    stage.run(&["update"]).expect_code(0);
    assert_eq!(live(&stage), "3");
}

#[test]
fn an_unhealthy_first_release_is_not_live() {
    let (stage, _) = DEPLOY.stage();
    stage.settings("environment_variables = { BROKEN = \"hunter2\" }\n");
    let refused = stage.run(&["deploy", "-vv"]).expect_code(1);
    assert!(
        refused.stderr.contains("RuntimeError: the app is broken") && refused.stderr.contains("nothing is live yet"),
        "{}",
        refused.stderr
    );
    tells_no_secret(&refused.stdout, &refused.stderr);
    let now = stage.inventory();
    assert_eq!((now.get("rest_apis"), now.get("rules")), (None, None), "{now:#}");
    assert_eq!(stage.run(&["rollback"]).code, 2);
    stage.settings("");
    let report = stage.json(&["deploy"]);
    assert_eq!((&report["version"], &report["live"]), (&serde_json::json!(2), &serde_json::json!("created")));
    assert!(stage.inventory()["rest_apis"].is_array());
}

#[test]
fn no_output_tells_a_secret() {
    let (stage, _) = CODE.stage();
    stage.settings("environment_variables = { PASSWORD = \"hunter2\" }\n");
    let update = stage.run(&["update", "-vv"]).expect_code(0);
    assert!(update.stderr.contains("lambda:UpdateFunctionCode"), "the calls are told: {}", update.stderr);
    tells_no_secret(&update.stdout, &update.stderr);
    for fault in [Fault::denied(), Fault::error(400, "InvalidParameterValueException", "no")] {
        for call in ["lambda:UpdateFunctionConfiguration", "lambda:PublishVersion", "lambda:UpdateAlias"] {
            stage.settings(&format!("environment_variables = {{ PASSWORD = \"hunter2 {call}\" }}\n"));
            stage.aws.clear();
            stage.aws.fault(fault.clone().on(call));
            let failed = stage.project.zappa(["update", "-vv"]);
            assert_eq!(failed.code, 1, "{}", failed.stderr);
            tells_no_secret(&failed.stdout, &failed.stderr);
        }
    }
}

#[track_caller]
fn tells_no_secret(stdout: &str, stderr: &str) {
    for secret in SECRETS {
        assert!(!stdout.contains(secret) && !stderr.contains(secret), "`{secret}` in\n{stdout}\n{stderr}");
    }
}
