//! What goes wrong in one region, and the runs after that.

use std::collections::BTreeSet;

use super::{HOME, REGIONS, SEVERAL, count, grow, live, objects, several, table};
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

/// Deploys with a fault, then without. Of so many archives the region that `failed` wants the next time.
#[track_caller]
fn assert_alone(stage: &Stage, fault: Fault, (failed, wanted): (&str, usize)) {
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
    // What the failed one will copy stays, and nothing else.
    assert_eq!(left(stage), wanted);
    let again = table(stage, 0, &["deploy", "--no-check"]);
    assert!(again.contains(&format!("{failed} created 1\n")), "{again}");
    assert_eq!(again.matches(" unchanged 1\n").count(), 2, "{again}");
    assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), 0, "sent a second time");
    assert_eq!(left(stage), 0);
    assert_settled(stage);
}

/// How many archives there are in all buckets.
fn left(stage: &Stage) -> usize {
    REGIONS.iter().map(|region| objects(stage, region).len()).sum()
}

#[test]
fn a_region_that_denies() {
    assert_alone(&several("denied", ""), Fault::denied().on("lambda:CreateFunction").in_region(OTHER), (OTHER, 1));
}

#[test]
fn a_home_that_denies() {
    assert_alone(&several("denied-home", ""), Fault::denied().on("lambda").in_region(HOME), (HOME, ARCHIVES));
}

#[test]
fn a_region_whose_bucket_name_is_taken() {
    let taken = Fault::error(409, "BucketAlreadyExists", "The requested bucket name is not available").on("s3:CreateBucket");
    assert_alone(&several("taken", ""), taken.clone().in_region(OTHER), (OTHER, ARCHIVES));
    assert_alone(&several("taken-home", ""), taken.in_region(HOME), (HOME, ARCHIVES));
}

#[test]
fn a_region_that_throttles_takes_longer_and_gets_there() {
    let stage = several("throttled", "delete_s3_zip = false\n");
    grow(&stage);
    stage.aws.fault(Fault::throttle().in_region(OTHER).times(6));
    assert_eq!(
        super::rows(&stage.project.zappa(["deploy", "--no-check", "--json"]).expect_code(0).json()),
        "eu-west-1 created 1\nus-east-1 created 1\nap-southeast-2 created 1\n"
    );
    assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), ARCHIVES);
    assert_eq!(left(&stage), 3 * ARCHIVES, "they are to stay");
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
    assert_eq!(made(&stage, "ap-southeast-2"), Vec::<String>::new());
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

/// What was made in a region, or changed.
fn made(stage: &Stage, region: &str) -> Vec<String> {
    let calls = stage.aws.calls();
    let writes = calls.iter().filter(|call| call.region == region && ["POST", "PUT"].contains(&call.method.as_str()));
    // Services with one path only ask by POST, too.
    writes.map(super::Call::name).filter(|name| !name.starts_with("events:List") && !name.starts_with("sts:")).collect()
}

#[test]
fn what_a_region_lacks_is_found_out_before_anything_is_made() {
    let stage = several("lacking", "");
    let lack = || {
        stage.aws.clear();
        stage.aws.fault(Fault::error(404, "UnknownOperationException", "").on("apigateway").in_region(OTHER));
        let runtimes = "Value at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: [python3.9]";
        let runtime = Fault::error(400, "InvalidParameterValueException", runtimes).on("lambda:ListLayerVersions");
        // After the question what layers there are.
        stage.aws.fault(runtime.in_region("ap-southeast-2").after(1));
    };
    lack();
    let planned = stage.project.zappa(["deploy", "--dry-run", "--json"]).expect_code(0).json();
    assert_eq!(super::rows(&planned), "eu-west-1 created\nus-east-1 skipped\nap-southeast-2 skipped\n");
    lack();
    // Who cannot have it keeps nobody back.
    let report = stage.project.zappa(["deploy", "--atomic", "--no-check", "--json"]).expect_code(0).json();
    assert_eq!(super::rows(&report), "eu-west-1 created 1\nus-east-1 skipped\nap-southeast-2 skipped\n");
    let causes = [1, 2].map(|row| report["regions"][row]["cause"][0].as_str().unwrap());
    assert_eq!(
        causes,
        [
            "`apigateway` does not offer here what `/restapis` needs (`apigateway:GET`)",
            "Lambda does not offer the runtime or the architecture of `lacking-dev` here"
        ]
    );
    assert_eq!([OTHER, "ap-southeast-2"].map(|region| made(&stage, region)).concat(), Vec::<String>::new());

    // Where there is no such host at all.
    let stage = several("nowhere", "");
    for door in ["apigateway_version = \"v1\"", "apigateway_version = \"v2\""] {
        stage.settings(&format!("{SEVERAL}{door}\naws_endpoint_urls = {{ apigateway = \"http://nowhere.invalid\", apigatewayv2 = \"http://nowhere.invalid\" }}\n"));
        let report = stage.run(&["deploy", "--no-check", "--json"]).expect_code(1).json();
        assert_eq!(super::rows(&report), "eu-west-1 failed\nus-east-1 failed\nap-southeast-2 failed\n");
        assert!(report["regions"][1]["cause"][0].as_str().unwrap().contains("does not exist (`apigateway:GET`)"), "{report}");
        assert_eq!(REGIONS.map(|region| made(&stage, region)).concat(), Vec::<String>::new());
        assert_eq!(count(&stage.aws.calls(), "iam:CreateRole"), 0);
    }
}

/// The archives in the account, each counted once: also in buckets that do not say yet whose they are.
fn there(stage: &Stage) -> BTreeSet<String> {
    let list = "import boto3\ns3 = boto3.client('s3')\nfor bucket in s3.list_buckets()['Buckets']:\n    \
                for found in s3.list_objects_v2(Bucket=bucket['Name']).get('Contents', []):\n        print(found['Key'])";
    let output = stage.aws.python(list).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_run_that_is_killed_is_finished_by_the_next() {
    for calls in [12, 40, 75] {
        let stage = several(&format!("killed-{calls}"), "");
        grow(&stage);
        let killed = stage.aws.killed_after(calls, stage.project.command(["deploy", "--no-check"]));
        assert!(killed.is_none(), "it ended by itself: {}", killed.unwrap().stderr);
        // What the killed run has sent is not sent again.
        let arrived = there(&stage);
        let again = table(&stage, 0, &["deploy", "--no-check"]);
        assert!(!again.contains("failed"), "{again}");
        assert_eq!(count(&stage.aws.calls(), "s3:PutObject"), ARCHIVES - arrived.len(), "{arrived:?}");
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
