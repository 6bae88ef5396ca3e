//! What is held against the requests that the tool sends to AWS: that it lets what AWS takes pass, and refuses what AWS refuses.

use crate::support::aws::Call;
use crate::support::aws::models::{python, validate};

fn add_permission(number: usize, statement: &str) -> Call {
    let body = serde_json::json!({
        "StatementId": statement,
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
    });
    Call {
        number,
        service: "lambda".to_owned(),
        operation: "AddPermission".to_owned(),
        region: "eu-west-1".to_owned(),
        method: "POST".to_owned(),
        path: "/2015-03-31/functions/shop-prod/policy?Qualifier=live".to_owned(),
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
        status: Some(201),
        depth: 1,
    }
}

/// Every operation that the tool uses, as boto3 sends it, and a bad request for every kind of constraint.
#[test]
fn requests_of_boto3_are_judged_rightly() {
    let output = python("test_validate.py").output().unwrap();
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && report.contains("Ran 4 tests"), "{report}");
}

#[test]
fn a_valid_call_passes() {
    validate(&[add_permission(1, "gateway")]);
}

#[test]
#[should_panic(expected = "#2 lambda:AddPermission StatementId: \"gate way\" does not match ([a-zA-Z0-9-_]+)")]
fn a_call_that_aws_would_refuse_fails_the_test() {
    validate(&[add_permission(1, "gateway"), add_permission(2, "gate way")]);
}
