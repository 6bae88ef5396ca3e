//! What goes wrong in one region, and the runs after that.

use super::{HOME, REGIONS, count, grow, live, several, table};
use crate::aws_deploy::stage::Stage;
use crate::support::aws::Fault;

const OTHER: &str = "us-east-1";
/// App and dependencies.
const ARCHIVES: usize = 2;

/// Nothing is left to be done, and nothing is half done.
#[track_caller]
fn assert_settled(stage: &Stage) {
    let again = table(stage, 0, &["deploy", "--no-check"]);
    assert_eq!(again.matches(" unchanged ").count(), 3, "{again}");
    for region in REGIONS {
        let found = stage.aws.inventory_in(&stage.name, region);
        assert_eq!(found["functions"].as_array().unwrap().len(), 1, "{region}: {found}");
        assert_eq!(live(stage, region), found["functions"][0]["versions"].as_array().map_or(0, Vec::len).to_string(), "{region}");
    }
    table(stage, 0, &["undeploy", "--yes", "--remove-logs"]);
    for region in REGIONS {
        assert_eq!(stage.aws.inventory_in(&stage.name, region), serde_json::json!({}), "{region}");
    }
}

/// Deploys with a fault, then without.
#[track_caller]
fn assert_alone(stage: &Stage, fault: Fault, failed: &str) {
    grow(stage);
    stage.aws.clear();
    stage.aws.fault(fault);
    let report = stage.project.zappa(["deploy", "--no-check", "--json"]);
    let code = report.code;
    let rows = super::rows(&report.json());
    for row in rows.lines().filter(|row| !row.starts_with(failed)) {
        assert!(row.ends_with(" created 1"), "{rows}");
    }
    assert!(rows.contains(&format!("{failed} failed\n")), "{rows}");
    assert_eq!(code, 1);
    assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), ARCHIVES, "{rows}");
    let again = table(stage, 0, &["deploy", "--no-check"]);
    assert!(again.contains(&format!("{failed} created 1\n")), "{again}");
    assert_eq!(again.matches(" unchanged 1\n").count(), 2, "{again}");
    assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), 0, "sent a second time");
    assert_settled(stage);
}

#[test]
fn a_region_that_denies() {
    assert_alone(&several("denied", ""), Fault::denied().on("lambda:CreateFunction").in_region(OTHER), OTHER);
}

#[test]
fn a_home_that_denies() {
    assert_alone(&several("denied-home", ""), Fault::denied().on("lambda").in_region(HOME), HOME);
}

#[test]
fn a_region_whose_bucket_name_is_taken() {
    let taken = Fault::error(409, "BucketAlreadyExists", "The requested bucket name is not available").on("s3:CreateBucket");
    assert_alone(&several("taken", ""), taken.clone().in_region(OTHER), OTHER);
    assert_alone(&several("taken-home", ""), taken.in_region(HOME), HOME);
}

#[test]
fn a_region_that_throttles_takes_longer_and_gets_there() {
    let stage = several("throttled", "");
    grow(&stage);
    stage.aws.fault(Fault::throttle().in_region(OTHER).times(6));
    assert_eq!(
        super::rows(&stage.project.zappa(["deploy", "--no-check", "--json"]).expect_code(0).json()),
        "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 created 1\n"
    );
    assert_settled(&stage);
}

#[test]
fn a_region_that_hangs_holds_nobody_up() {
    let stage = several("hanging", "");
    grow(&stage);
    // It is given up after half a minute and asked again.
    stage.aws.fault(Fault::hang().on("lambda:GetAlias").in_region(HOME).times(1));
    assert_eq!(
        super::rows(&stage.project.zappa(["deploy", "--no-check", "--json"]).expect_code(0).json()),
        "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 created 1\n"
    );
    let calls = stage.aws.calls();
    let hung: Vec<usize> =
        calls.iter().filter(|call| call.name() == "lambda:GetAlias" && call.region == HOME).map(|call| call.number).collect();
    let others = calls.iter().filter(|call| call.region != HOME && call.service == "lambda").map(|call| call.number).max().unwrap();
    assert!(others < hung[1], "the others waited: {hung:?}, {others}");
    assert_eq!((count(&calls, "s3:PutObject"), count(&calls, "s3:CopyObject")), (ARCHIVES, 2 * ARCHIVES));
    assert_settled(&stage);
}

#[test]
fn a_region_that_is_not_enabled_is_skipped() {
    let stage = several("closed", "");
    let closed = || {
        Fault::error(403, "UnrecognizedClientException", "The security token included in the request is invalid")
            .in_region("ap-southeast-2")
    };
    stage.aws.fault(closed());
    let report = stage.project.zappa(["deploy", "--no-check", "--json"]).expect_code(0).json();
    assert_eq!(super::rows(&report), "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 skipped\n");
    assert_eq!(report["regions"][2]["cause"][0], "AWS does not know these credentials");
    let calls = stage.aws.calls();
    let made: Vec<String> = calls
        .iter()
        .filter(|call| call.region == "ap-southeast-2" && ["POST", "PUT"].contains(&call.method.as_str()))
        .map(super::Call::name)
        .filter(|name| !name.starts_with("events:List"))
        .collect();
    assert_eq!(made, Vec::<String>::new());
    // Nowhere at all is another matter.
    stage.aws.clear();
    stage.aws.fault(Fault::error(403, "UnrecognizedClientException", "The security token included in the request is invalid"));
    let report = stage.project.zappa(["deploy", "--no-check", "--json"]).expect_code(1).json();
    assert_eq!(super::rows(&report), "eu-west-1 failed\nus-east-1 failed\nap-southeast-2 failed\n");
    // Its role goes with the regions that there are.
    stage.aws.clear();
    stage.aws.fault(closed());
    let report = stage.project.zappa(["undeploy", "--yes", "--remove-logs", "--json"]).expect_code(0).json();
    assert_eq!(super::rows(&report), "eu-west-1 removed\nus-east-1 removed\nap-southeast-2 skipped\n");
    assert_eq!(report["shared"], serde_json::json!(["role `closed-dev-ZappaLambdaExecutionRole`"]));
}

#[test]
fn a_run_that_is_killed_is_finished_by_the_next() {
    for calls in [12, 40, 75] {
        let stage = several(&format!("killed-{calls}"), "");
        grow(&stage);
        let killed = stage.aws.killed_after(calls, stage.project.command(["deploy", "--no-check"]));
        assert!(killed.is_none(), "it ended by itself: {}", killed.unwrap().stderr);
        let again = table(&stage, 0, &["deploy", "--no-check"]);
        assert!(!again.contains("failed"), "{again}");
        assert!(count(&stage.aws.calls(), "s3:PutObject") <= ARCHIVES);
        assert_settled(&stage);
    }
}

#[test]
fn all_or_none() {
    let stage = several("atomic", "");
    let refused = || Fault::denied().on("lambda:UpdateFunctionCode").in_region(OTHER);
    // Of a first deployment, nothing is live.
    stage.aws.fault(Fault::denied().on("lambda:CreateFunction").in_region(OTHER));
    let report = stage.project.zappa(["deploy", "--atomic", "--no-check", "--json"]).expect_code(1).json();
    assert_eq!(super::rows(&report), "eu-west-1 held_back\nus-east-1 failed\nap-southeast-2 held_back\n");
    assert_eq!([live(&stage, HOME), live(&stage, "ap-southeast-2")], ["nothing", "nothing"]);
    assert_eq!(
        table(&stage, 0, &["deploy", "--atomic", "--no-check"]),
        "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 created 1\n"
    );
    stage.version("two");
    stage.aws.clear();
    stage.aws.fault(refused());
    let report = stage.project.zappa(["deploy", "--atomic", "--no-check", "--json"]).expect_code(1).json();
    assert_eq!(super::rows(&report), "eu-west-1 held_back 1\nus-east-1 failed\nap-southeast-2 held_back 1\n");
    assert_eq!(REGIONS.map(|region| live(&stage, region)), ["1", "1", "1"]);
    assert_eq!(
        table(&stage, 0, &["deploy", "--atomic", "--no-check"]),
        "eu-west-1 updated 2\nus-east-1 updated 2\nap-southeast-2 updated 2\n"
    );
    assert_eq!(REGIONS.map(|region| live(&stage, region)), ["2", "2", "2"]);
}
