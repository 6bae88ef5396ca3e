//! `zappa template`: documents that hold for what the other commands really do.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::aws_deploy::stage::Stage;
use crate::support::TestProject;
use crate::support::aws::Call;

/// A stage on AWS, and no AWS.
fn project(settings: &str) -> TestProject {
    let settings = format!("[dev]\nproject_name = \"shop\"\napp_function = \"app.app\"\naws_region = \"eu-west-1\"\n{settings}");
    TestProject::new().file("app.py", "app = None\n").file("zappa_settings.toml", settings)
}

fn part(project: &TestProject, part: &str) -> Value {
    project.zappa(["template", "dev", "--part", part, "--account", "123456789012"]).expect_code(0).json()
}

/// Statements in one line each.
fn lines(policy: &Value) -> String {
    let statements = policy["Statement"].as_array().unwrap().iter();
    statements.map(|statement| format!("{} {}\n", statement["Action"], statement["Resource"])).collect()
}

#[test]
fn the_execution_policy_grows_with_the_settings_only() {
    let bare = part(&project(""), "execution");
    expect![[r#"
        ["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"] ["arn:aws:logs:*:123456789012:log-group:/aws/lambda/shop-dev","arn:aws:logs:*:123456789012:log-group:/aws/lambda/shop-dev:*"]
        ["lambda:InvokeFunction"] ["arn:aws:lambda:*:123456789012:function:shop-dev","arn:aws:lambda:*:123456789012:function:shop-dev:*"]
    "#]].assert_eq(&lines(&bare));
    let full = part(
        &project(
            r#"
xray_tracing = true
dead_letter_arn = "arn:aws:sqs:eu-west-1:123456789012:dead"
aws_kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/1234"
vpc_config = { SubnetIds = ["subnet-0123456789abcdef0"], SecurityGroupIds = ["sg-0123456789abcdef0"] }
efs_config = [{ Arn = "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0", LocalMountPath = "/mnt/files" }]
extra_permissions = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::pictures/*" }]
"#,
        ),
        "execution",
    );
    expect![[r#"
        ["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"] ["arn:aws:logs:*:123456789012:log-group:/aws/lambda/shop-dev","arn:aws:logs:*:123456789012:log-group:/aws/lambda/shop-dev:*"]
        ["lambda:InvokeFunction"] ["arn:aws:lambda:*:123456789012:function:shop-dev","arn:aws:lambda:*:123456789012:function:shop-dev:*"]
        ["ec2:AssignPrivateIpAddresses","ec2:CreateNetworkInterface","ec2:DeleteNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:UnassignPrivateIpAddresses"] "*"
        ["xray:PutTelemetryRecords","xray:PutTraceSegments"] "*"
        ["sqs:SendMessage"] "arn:aws:sqs:eu-west-1:123456789012:dead"
        ["kms:Decrypt"] "arn:aws:kms:eu-west-1:123456789012:key/1234"
        ["elasticfilesystem:ClientMount","elasticfilesystem:ClientWrite"] "arn:aws:elasticfilesystem:*:123456789012:file-system/*"
        ["s3:GetObject"] "arn:aws:s3:::pictures/*"
    "#]].assert_eq(&lines(&full));
    let sids: BTreeSet<&str> = full["Statement"].as_array().unwrap().iter().filter_map(|statement| statement["Sid"].as_str()).collect();
    assert_eq!(sids.len(), full["Statement"].as_array().unwrap().len() - 1, "IAM wants them to be unique");
    assert_eq!(
        full["Statement"][6]["Condition"]["StringEquals"]["elasticfilesystem:AccessPointArn"][0],
        "arn:aws:elasticfilesystem:eu-west-1:123456789012:access-point/fsap-0123456789abcdef0"
    );
}

#[test]
fn files_take_the_place_of_what_is_computed() {
    let project = project("attach_policy = \"policy.json\"\nassume_policy = \"trust.json\"\nextra_permissions = [{ Effect = \"Allow\", Action = [\"sns:Publish\"], Resource = \"*\" }]\n")
        .file("policy.json", r#"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "s3:*", "Resource": "*" } }"#)
        .file("trust.json", r#"{ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "Service": ["lambda.amazonaws.com", "edgelambda.amazonaws.com"] }, "Action": "sts:AssumeRole" }] }"#);
    assert_eq!(lines(&part(&project, "execution")), "\"s3:*\" \"*\"\n[\"sns:Publish\"] \"*\"\n");
    assert_eq!(part(&project, "trust")["Statement"][0]["Principal"]["Service"][1], "edgelambda.amazonaws.com");
}

#[test]
fn everything_is_one_document() {
    let document = project("").zappa(["template", "dev"]).expect_code(0).json();
    let parts: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert_eq!(parts, ["deployer_policy", "execution_policy", "trust_policy", "openapi"]);
    expect![[r#"
        ["lambda:AddPermission","lambda:CreateAlias","lambda:CreateFunction","lambda:DeleteFunction","lambda:DeleteFunctionConcurrency","lambda:DeleteProvisionedConcurrencyConfig","lambda:GetAlias","lambda:GetFunction","lambda:GetFunctionConfiguration","lambda:GetFunctionUrlConfig","lambda:GetPolicy","lambda:GetProvisionedConcurrencyConfig","lambda:InvokeFunction","lambda:ListTags","lambda:ListVersionsByFunction","lambda:PublishVersion","lambda:PutFunctionConcurrency","lambda:PutProvisionedConcurrencyConfig","lambda:RemovePermission","lambda:TagResource","lambda:UntagResource","lambda:UpdateAlias","lambda:UpdateFunctionCode","lambda:UpdateFunctionConfiguration"] ["arn:aws:lambda:eu-west-1:*:function:shop-dev","arn:aws:lambda:eu-west-1:*:function:shop-dev:*"]
        ["lambda:DeleteLayerVersion","lambda:GetLayerVersion","lambda:ListLayerVersions","lambda:PublishLayerVersion"] ["arn:aws:lambda:eu-west-1:*:layer:shop-dev-dependencies","arn:aws:lambda:eu-west-1:*:layer:shop-dev-dependencies:*"]
        ["iam:CreateRole","iam:DeleteRole","iam:DeleteRolePolicy","iam:DetachRolePolicy","iam:GetRole","iam:GetRolePolicy","iam:ListAttachedRolePolicies","iam:ListRolePolicies","iam:PutRolePolicy","iam:TagRole","iam:UntagRole","iam:UpdateAssumeRolePolicy"] "arn:aws:iam::*:role/shop-dev-ZappaLambdaExecutionRole"
        ["iam:PassRole"] "arn:aws:iam::*:role/shop-dev-ZappaLambdaExecutionRole"
        ["apigateway:DELETE","apigateway:GET","apigateway:PATCH","apigateway:POST","apigateway:PUT"] ["arn:aws:apigateway:eu-west-1::/restapis","arn:aws:apigateway:eu-west-1::/restapis/*","arn:aws:apigateway:eu-west-1::/tags/*"]
        ["apigateway:GET"] ["arn:aws:apigateway:eu-west-1::/restapis","arn:aws:apigateway:eu-west-1::/restapis/*","arn:aws:apigateway:eu-west-1::/apis","arn:aws:apigateway:eu-west-1::/apis/*","arn:aws:apigateway:eu-west-1::/apikeys","arn:aws:apigateway:eu-west-1::/usageplans","arn:aws:apigateway:eu-west-1::/usageplans/*","arn:aws:apigateway:eu-west-1::/domainnames"]
        ["events:DeleteRule","events:ListTargetsByRule","events:PutRule","events:PutTargets","events:RemoveTargets","events:TagResource"] "arn:aws:events:eu-west-1:*:rule/shop-dev.*"
        ["events:ListRules"] "*"
        ["logs:CreateLogGroup","logs:DeleteLogGroup","logs:DeleteRetentionPolicy","logs:FilterLogEvents","logs:PutRetentionPolicy","logs:TagResource"] ["arn:aws:logs:eu-west-1:*:log-group:/aws/lambda/shop-dev","arn:aws:logs:eu-west-1:*:log-group:/aws/lambda/shop-dev:*"]
        ["logs:DescribeLogGroups"] "arn:aws:logs:eu-west-1:*:log-group:*"
        ["s3:CreateBucket","s3:DeleteBucket","s3:GetBucketTagging","s3:ListBucket","s3:ListBucketMultipartUploads","s3:PutBucketPolicy","s3:PutBucketPublicAccessBlock","s3:PutBucketTagging","s3:PutEncryptionConfiguration","s3:PutLifecycleConfiguration"] "arn:aws:s3:::zappa-shop-*-eu-west-1"
        ["s3:AbortMultipartUpload","s3:DeleteObject","s3:GetObject","s3:ListMultipartUploadParts","s3:PutObject"] ["arn:aws:s3:::zappa-shop-*-eu-west-1/zappa/shop-dev/*","arn:aws:s3:::zappa-shop-*-eu-west-1/zappa-dependencies/shop-dev/*"]
    "#]].assert_eq(&lines(&document["deployer_policy"]));
    expect![[r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#]].assert_eq(&document["trust_policy"].to_string());
    assert_eq!(document["openapi"]["info"]["title"], "shop-dev");
    // Other partitions have ARNs of their own.
    let china = project("").env("ZAPPA_AWS_REGION", "cn-north-1").zappa(["template", "dev", "--part", "execution"]).expect_code(0).json();
    assert_eq!(china["Statement"][0]["Resource"][0], "arn:aws-cn:logs:*:*:log-group:/aws/lambda/shop-dev");
}

#[test]
fn what_cannot_be_printed_is_said() {
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: stage `dev` has the target `local`, which needs nobody's permission

        hint: name a stage with `target = "aws"`
    "#]]
    .assert_eq(&project("target = \"local\"\n").snapshot(["template", "dev"]));
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: the front door of stage `dev` has no OpenAPI document

        hint: only REST APIs (`apigateway_version = "v1"`, the default) are imported from one
    "#]]
    .assert_eq(&project("function_url_enabled = true\napigateway_enabled = false\n").snapshot(["template", "dev", "--part", "openapi"]));
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: invalid value '1234' for '--account <ID>': the id of an account has 12 digits

        For more information, try '--help'.
    "#]]
    .assert_eq(&project("").snapshot(["template", "dev", "--account", "1234"]));
    let nowhere = TestProject::new().file("zappa_settings.toml", "[dev]\nproject_name = \"shop\"\napp_function = \"app.app\"\n");
    expect![[r#"
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: no region is set for stage `dev`

        hint: set `aws_region` for the stage, or `AWS_REGION`
    "#]]
    .assert_eq(&nowhere.snapshot(["template", "dev"]));
}

/// The permission that a call needs, where it is not called as the operation is (Service Authorization Reference).
fn action(call: &Call) -> Option<String> {
    let (service, operation) = (call.service.as_str(), call.operation.as_str());
    let name = match (service, operation) {
        ("sts", "GetCallerIdentity") => return None,
        ("apigateway" | "apigatewayv2", _) => return Some(format!("apigateway:{}", call.method)),
        ("lambda", "Invoke") => "InvokeFunction",
        ("s3", "HeadBucket" | "ListObjectsV2") => "ListBucket",
        ("s3", "HeadObject") => "GetObject",
        ("s3", "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload") => "PutObject",
        ("s3", "DeleteObjects") => "DeleteObject",
        ("s3", "ListParts") => "ListMultipartUploadParts",
        ("s3", "ListMultipartUploads") => "ListBucketMultipartUploads",
        ("s3", "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        ("s3", "PutBucketEncryption") => "PutEncryptionConfiguration",
        ("s3", "PutBucketLifecycleConfiguration") => "PutLifecycleConfiguration",
        _ => operation,
    };
    Some(format!("{service}:{name}"))
}

#[test]
fn the_deployers_policy_covers_what_is_called() {
    let doors = [
        ("policy-rest", "api_key_required = true\nevents = [{ function = \"app.task\", expression = \"rate(1 hour)\" }]\n"),
        ("policy-http", "apigateway_version = \"v2\"\ns3_bucket = \"policy-http-archives\"\nlog_retention_days = 7\n"),
        ("policy-url", "apigateway_enabled = false\nfunction_url_enabled = true\nlambda_concurrency = 5\ntags = { team = \"shop\" }\n"),
    ];
    for (name, settings) in doors {
        let stage = Stage::new(name, settings);
        let policy = stage.json(&["template", "dev", "--part", "deployer"]);
        let allowed: BTreeSet<&str> = policy["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|statement| statement["Action"].as_array().unwrap())
            .map(|action| action.as_str().unwrap())
            .collect();
        for arguments in [
            &["deploy"][..],
            &["update"],
            &["rollback", "--to", "1"],
            &["tail", "--no-follow"],
            &["unschedule"],
            &["status"],
            &["undeploy", "--yes", "--remove-logs"],
        ] {
            stage.run(arguments).expect_code(0);
            for call in stage.aws.calls() {
                let Some(action) = action(&call) else { continue };
                assert!(allowed.contains(action.as_str()), "{name}: `{}` needs `{action}` ({} {})", arguments[0], call.method, call.path);
            }
        }
    }
}

/// Only a stage with a domain needs what belongs to one.
#[test]
fn a_domain_needs_permissions_of_its_own() {
    let without = lines(&part(&project(""), "deployer"));
    assert!(!without.contains("acm:") && !without.contains("route53:"), "{without}");
    let with = lines(&part(&project("domain = \"shop.example.com\"\n"), "deployer"));
    let added: Vec<&str> = with.lines().filter(|line| !without.contains(line)).collect();
    expect![[r#"
        ["apigateway:DELETE","apigateway:GET","apigateway:PATCH","apigateway:POST","apigateway:PUT"] ["arn:aws:apigateway:eu-west-1::/domainnames","arn:aws:apigateway:eu-west-1::/domainnames/shop.example.com","arn:aws:apigateway:eu-west-1::/domainnames/shop.example.com/*"]
        ["acm:AddTagsToCertificate","acm:DeleteCertificate","acm:DescribeCertificate","acm:GetCertificate","acm:ListTagsForCertificate"] "arn:aws:acm:eu-west-1:123456789012:certificate/*"
        ["acm:ListCertificates","acm:RequestCertificate"] "*"
        ["route53:ChangeResourceRecordSets","route53:ListResourceRecordSets"] "arn:aws:route53:::hostedzone/*"
        ["route53:ListHealthChecks","route53:ListHostedZones"] "*""#]].assert_eq(&added.join("\n"));
    let elsewhere = lines(&part(&project("domain = \"shop.example.com\"\nroute53_enabled = false\n"), "deployer"));
    assert!(elsewhere.contains("acm:RequestCertificate") && !elsewhere.contains("route53:"), "{elsewhere}");
}
