//! What becomes of front doors over time: other ones, ones that a killed run left, ones that go.

use expect_test::expect;
use serde_json::{Value, json};

use super::Stage;
use crate::support::aws::Fault;

const DOORS: [&str; 3] = ["", "apigateway_version = \"v2\"\n", "function_url_enabled = true\n"];

/// Another front door comes first, and the old one goes last, with its permission.
#[test]
fn the_front_door_can_be_changed() {
    let fresh = DOORS.map(|settings| {
        let stage = Stage::new("door", settings);
        stage.deploy();
        let there = doors(&stage);
        stage.undeploy();
        there
    });
    let stage = Stage::new("door", DOORS[0]);
    stage.deploy();
    for to in [1, 2, 0] {
        stage.settings(DOORS[to]);
        stage.deploy();
        let calls = stage.calls();
        let position =
            |part: &str| calls.iter().position(|call| call.operation.starts_with(part)).unwrap_or_else(|| panic!("{part}: {calls:#?}"));
        assert!(position("AddPermission") < position("RemovePermission") && position("RemovePermission") < position("Delete"));
        assert_eq!(doors(&stage), fresh[to]);
    }
}

/// What there is of front doors.
fn doors(stage: &Stage) -> Value {
    let all = stage.inventory();
    let function = &all["functions"][0];
    json!({ "policy": function["policies"], "urls": function["urls"], "rest": all["rest_apis"], "http": all["http_apis"] })
}

/// An import that AWS carried out and whose answer was lost is made again by the SDK.
#[test]
fn an_api_that_was_made_twice_is_there_once() {
    for (settings, call, kind) in [(DOORS[0], "apigateway:ImportRestApi", "rest_apis"), (DOORS[1], "apigatewayv2:CreateApi", "http_apis")] {
        let stage = Stage::new("twice", settings);
        stage.aws.fault(Fault::reset_after().on(call).times(1));
        // `run` would forget the fault.
        stage.project.zappa(["deploy"]).expect_code(0);
        assert_eq!(stage.calls().iter().filter(|made| made.name() == call).count(), 2);
        assert_eq!(stage.inventory()[kind].as_array().map(Vec::len), Some(1), "{}", stage.names());
        stage.undeploy();
    }
}

/// Wherever a run is killed, the next one ends where an undisturbed one ends, with one API.
#[test]
fn a_killed_run_is_taken_up() {
    for settings in DOORS {
        let stage = Stage::new("broken-off", settings);
        stage.deploy();
        let whole = doors(&stage);
        let made: Vec<usize> = stage.calls().iter().filter(|call| call.method != "GET").map(|call| call.number).collect();
        let mut killed = 0;
        for count in made {
            stage.undeploy();
            // Not all runs make the same number of calls: the last may be the end of this one.
            killed += usize::from(stage.aws.killed_after(count, stage.project.command(["deploy"])).is_none());
            stage.run(&["deploy"]).expect_code(0);
            assert_eq!(doors(&stage), whole, "killed after {count}");
        }
        assert!(killed > 1, "{killed}");
    }
}

#[test]
fn a_door_that_somebody_took_away_comes_back() {
    for (settings, script) in [
        (
            DOORS[0],
            "c = boto3.client('apigateway'); [c.delete_rest_api(restApiId=a['id']) for a in c.get_rest_apis()['items'] if a['name'] == 'gone-dev']",
        ),
        (
            DOORS[1],
            "c = boto3.client('apigatewayv2'); [c.delete_api(ApiId=a['ApiId']) for a in c.get_apis()['Items'] if a['Name'] == 'gone-dev']",
        ),
        (DOORS[2], "boto3.client('lambda').delete_function_url_config(FunctionName='gone-dev', Qualifier='live')"),
    ] {
        let stage = Stage::new("gone", settings);
        stage.deploy();
        let whole = doors(&stage);
        assert!(stage.aws.python(&format!("import boto3; {script}")).status().unwrap().success());
        assert_ne!(doors(&stage), whole);
        stage.deploy();
        assert_eq!(doors(&stage), whole);
        stage.undeploy();
    }
}

#[test]
fn an_undeployed_stage_leaves_nothing() {
    for settings in ["api_key_required = true\n", DOORS[1], DOORS[2]] {
        let stage = Stage::new("undeployed", settings);
        stage.deploy();
        stage.undeploy();
    }
}

/// Somebody else's function decides: it has to be opened to the API, and where that is not ours to do, somebody is told.
#[test]
fn another_function_that_decides_is_opened_to_the_api() {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:opened";
    let stage = Stage::new("guarded", &format!("authorizer = {{ arn = \"{function}\" }}\n"));
    stage.guard("opened");
    stage.deploy();
    let about_guard = || stage.calls().into_iter().filter(|call| call.path.contains("opened")).collect::<Vec<_>>();
    let [opened] = &about_guard()[..] else { panic!("{:#?}", stage.calls()) };
    let statement = opened.json();
    let source = statement["SourceArn"].as_str().unwrap();
    let id = source.strip_prefix("arn:aws:execute-api:eu-west-1:123456789012:").unwrap().strip_suffix("/authorizers/*").unwrap();
    assert_eq!(statement["StatementId"], format!("zappa-authorizer-guarded-dev-{id}"));
    stage.undeploy();
    let [closed] = &about_guard()[..] else { panic!("{:#?}", stage.calls()) };
    assert_eq!((closed.operation.as_str(), closed.status), ("RemovePermission", Some(204)));

    stage.settings(&format!("authorizer = {{ arn = \"{}\" }}\n", function.replace("opened", "elsewhere")));
    let outcome = stage.run(&["deploy"]).expect_code(1);
    expect![[r#"
        error: there is no `arn:aws:lambda:eu-west-1:123456789012:function:elsewhere` (`lambda:AddPermission`)
          Caused by: Function not found: arn:aws:lambda:eu-west-1:123456789012:function:elsewhere (ResourceNotFoundException
    "#]]
    .assert_eq(&stage.refusal(&outcome));
}
