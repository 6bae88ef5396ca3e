//! What the settings say arrives at AWS, and is found to be so by the next run.

use serde_json::json;

use super::stage::Stage;

const EVERYTHING: &str = r#"
runtime = "python3.12"
architecture = "arm64"
memory_size = 1769
timeout_seconds = 25
ephemeral_storage = { Size = 1024 }
lambda_description = "The shop"
environment_variables = { GREETING = "hello & goodbye", MODE = "test" }
aws_environment_variables = { REGION_NAME = "x" }
vpc_config = { SubnetIds = ["subnet-2", "subnet-1"], SecurityGroupIds = ["sg-1"] }
dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:failed"
aws_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
xray_tracing = true
lambda_concurrency = 7
log_retention_days = 14
tags = { team = "shop" }
num_retained_versions = 3
extra_permissions = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::shop/*" }]
apigateway_description = "The shop's API"
payload_minimum_compression_size = 1024
api_key_required = true
cloudwatch_metrics_enabled = true
cache_cluster_enabled = true
cors = { allowed_origin = "https://shop.example.com", allowed_methods = ["GET", "POST"] }
events = [
  { function = "app.task", name = "nightly", expression = "cron(0 3 * * ? *)", kwargs = { what = "all & more" } },
  { function = "app.task", name = "off", expression = "rate(1 hour)", enabled = false },
]
"#;

#[test]
fn everything_that_can_be_set_is_set_once() {
    let stage = Stage::new("everything", EVERYTHING);
    stage.json(&["deploy"]);
    let first = stage.calls();
    assert!(first.contains("logs:PutRetentionPolicy") && first.contains("lambda:PutFunctionConcurrency"), "{first}");
    let there = stage.inventory();

    let again = stage.json(&["update"]);
    assert_eq!((&again["release"], &again["route"], &again["schedules"]), (&json!("unchanged"), &json!("unchanged"), &json!("unchanged")));
    assert_eq!(stage.aws.calls().len(), 5, "{}", stage.calls());
    assert_eq!(stage.json(&["status"])["drift"], json!([]));

    // One thing after the other: what is taken back is taken back at AWS.
    let without = |keys: &[&str]| -> String {
        EVERYTHING.lines().filter(|line| !keys.iter().any(|key| line.starts_with(key))).map(|line| format!("{line}\n")).collect()
    };
    stage.settings(&without(&["dead_letter_arn", "aws_kms_key_arn", "vpc_config", "xray_tracing", "aws_environment_variables"]));
    let changed = stage.json(&["update", "--dry-run"]);
    assert_eq!(changed["changes"], json!(["environment_variables", "vpc_config", "dead_letter_arn", "aws_kms_key_arn", "xray_tracing"]));
    assert_eq!(stage.json(&["update"])["version"], 2);
    stage.calls();
    assert_eq!(stage.json(&["update"])["release"], "unchanged");

    stage.settings(&without(&[
        "dead_letter_arn",
        "aws_kms_key_arn",
        "vpc_config",
        "xray_tracing",
        "aws_environment_variables",
        "lambda_concurrency",
        "log_retention_days",
        "tags",
        "extra_permissions",
        "api_key",
        "cloudwatch_metrics",
        "cache_cluster",
        "cors",
    ]));
    let back = stage.json(&["update"]);
    assert_eq!((&back["release"], &back["version"], &back["route"]), (&json!("unchanged"), &json!(2), &json!("updated")));
    stage.calls();
    assert_eq!(stage.json(&["update"])["route"], "unchanged");
    assert_eq!(stage.aws.calls().len(), 5, "{}", stage.calls());

    stage.settings(EVERYTHING);
    stage.json(&["update"]);
    stage.calls();
    let now = stage.inventory();
    for kind in ["roles", "rules", "log_groups"] {
        assert_eq!(now[kind], there[kind], "{kind}");
    }
    assert_eq!(now["rest_apis"][0]["resources"], there["rest_apis"][0]["resources"]);
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    stage.calls();
    assert_eq!(stage.inventory(), json!({}));
}

#[test]
fn the_front_door_is_changed_in_place_and_the_old_one_goes_last() {
    let stage = Stage::new("doors", "");
    let mut urls = vec![stage.json(&["deploy"])["url"].clone()];
    for (settings, door) in [
        ("apigateway_version = \"v2\"\n", "http"),
        ("function_url_enabled = true\n", "function-url"),
        ("function_url_enabled = true\nfunction_url_config = { authorizer = \"AWS_IAM\" }\n", "function-url"),
        ("", "rest"),
    ] {
        stage.settings(settings);
        let changed = stage.json(&["update"]);
        assert_eq!((&changed["release"], &changed["front_door"]), (&json!("unchanged"), &json!(door)));
        assert_ne!(changed["route"], "unchanged");
        let calls = stage.calls();
        if let Some(gone) = calls.lines().position(|line| line.contains("Delete")) {
            let made = calls.lines().position(|line| {
                line.contains("CreateStage") || line.contains("CreateFunctionUrlConfig") || line.contains("CreateDeployment")
            });
            assert!(made.unwrap() < gone, "{calls}");
        }
        assert_eq!(stage.json(&["update"])["route"], "unchanged");
        urls.push(changed["url"].clone());
    }
    assert_eq!(urls[2], urls[3], "who may call it does not change where it is");
    let there = stage.inventory();
    assert!(there.get("http_apis").is_none() && there.get("url").is_none(), "{there:#}");
    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory(), json!({}));
}
