//! Settings of AWS: what they mean to the rest of the tool, and what is refused on AWS alone.

use std::collections::BTreeMap;

use expect_test::expect;
use serde_json::json;
use zappa::model::{
    Authorizer, AuthorizerFunction, AuthorizerKind, AwsAccess, Cache, EndpointKind, FileSystem, GatewayLogLevel, GatewaySettings, Vpc,
};
use zappa::settings::{Artefacts, Request, Settings, load};

use super::{refused, toml};
use crate::support::TestProject;

#[track_caller]
fn read(project: &TestProject) -> Settings {
    load(project.root(), &Request::default(), &BTreeMap::new()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn dev(settings: &str) -> Settings {
    read(&toml(&format!("[dev]\n{settings}\n")))
}

/// What is said of one stage that is wrong, without the name of the file.
#[track_caller]
fn problems(settings: &str) -> String {
    let said = refused(&toml(&format!("[dev]\n{settings}\n")), ["settings"]);
    said.lines().skip(1).map(|line| line.replace("  zappa_settings.toml:", "") + "\n").collect()
}

const ACCESS_POINT: &str = "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0123456789abcdef0";
const VPC: &str = "vpc_config = { SubnetIds = [\"subnet-1\"], SecurityGroupIds = [\"sg-1\"] }";

#[test]
fn defaults() {
    let settings = dev("");
    assert_eq!(settings.access, AwsAccess::default());
    assert!(settings.role.manage && settings.role.arn.is_none() && settings.role.name.is_none());
    assert_eq!((settings.provisioned_concurrency, settings.log_retention_days), (None, None));
    assert_eq!(settings.lambda, zappa::model::LambdaSettings::default());
    // zappa/Zappa's default: whatever the client can unpack is compressed.
    assert_eq!(settings.gateway, GatewaySettings { minimum_compression_size: Some(0), ..GatewaySettings::default() });
    assert_eq!(settings.gateway.endpoint, EndpointKind::Regional);
    assert_eq!(settings.artefacts, Artefacts { s3_bucket: None, delete_s3_zip: true });
}

#[test]
fn account_role_and_uploads() {
    let project = toml(
        r#"[dev]
profile_name = "shop-deploy"
aws_region = "eu-central-1"
aws_endpoint_urls = { s3 = "http://localhost:4566" }
role_name = "shop-role"
attach_policy = "aws/policy.json"
extra_permissions = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "*" }]
s3_bucket = "shop-artefacts"
delete_s3_zip = false
"#,
    )
    .file("aws/policy.json", r#"{"Version": "2012-10-17", "Statement": []}"#);
    let settings = read(&project);
    let urls = [("s3".to_owned(), "http://localhost:4566".to_owned())].into();
    assert_eq!(
        settings.access,
        AwsAccess { profile: Some("shop-deploy".to_owned()), region: Some("eu-central-1".to_owned()), endpoint_urls: urls }
    );
    assert_eq!(settings.role.name.as_deref(), Some("shop-role"));
    assert_eq!(settings.role.attach_policy, Some(json!({ "Version": "2012-10-17", "Statement": [] })));
    assert_eq!(settings.role.assume_policy, None);
    assert_eq!(settings.role.extra_permissions, [json!({ "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*" })]);
    assert_eq!(settings.artefacts, Artefacts { s3_bucket: Some("shop-artefacts".to_owned()), delete_s3_zip: false });
    // A role that is used as it is, is not managed.
    let role = dev("role_arn = \"arn:aws:iam::123456789012:role/shop\"").role;
    assert_eq!((role.arn.as_deref(), role.manage), (Some("arn:aws:iam::123456789012:role/shop"), false));
}

#[test]
fn the_function() {
    let settings = dev(&format!(
        r#"{VPC}
layers = ["arn:aws:lambda:eu-central-1:123456789012:layer:fonts:3"]
efs_config = {{ Arn = "{ACCESS_POINT}" }}
dead_letter_arn = "arn:aws:sns:eu-central-1:123456789012:failed"
aws_kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/1234"
xray_tracing = true
lambda_concurrency = 5
provisioned_concurrency = 5
log_retention_days = 30"#
    ));
    let lambda = settings.lambda;
    assert_eq!(lambda.layers.len(), 1);
    assert_eq!(lambda.vpc, Some(Vpc { subnet_ids: vec!["subnet-1".to_owned()], security_group_ids: vec!["sg-1".to_owned()], ipv6: false }));
    // Where zappa/Zappa mounts it.
    assert_eq!(lambda.file_systems, [FileSystem { arn: ACCESS_POINT.to_owned(), local_mount_path: "/mnt/efs".to_owned() }]);
    assert!(lambda.tracing && settings.gateway.tracing && !lambda.snap_start);
    assert_eq!((settings.provisioned_concurrency, settings.log_retention_days), (Some(5), Some(30)));
    assert!(dev("snap_start = \"PublishedVersions\"\nruntime = \"python3.12\"").lambda.snap_start);
    // Without a layer of the dependencies all five are the user's.
    let layers = ["\"arn:aws:lambda:eu-central-1:123456789012:layer:fonts:3\""; 5].join(", ");
    assert_eq!(dev(&format!("layers = [{layers}]\ndependencies_layer = false")).lambda.layers.len(), 5);
    // As files of the older tool switch it off.
    assert_eq!(dev("vpc_config = { SubnetIds = [], SecurityGroupIds = [] }\nefs_config = false").lambda.vpc, None);
    assert_eq!(dev("log_retention_days = 7.0").log_retention_days, Some(7));
}

#[test]
fn what_a_function_cannot_have() {
    let layer = "\"arn:aws:lambda:eu-central-1:123456789012:layer:fonts:3\"";
    let two = format!("efs_config = [{{ Arn = \"{ACCESS_POINT}\" }}, {{ Arn = \"{ACCESS_POINT}\", LocalMountPath = \"/mnt/b\" }}]");
    let snap =
        format!("{VPC}\nefs_config = {{ Arn = \"{ACCESS_POINT}\" }}\nephemeral_storage = {{ Size = 1024 }}\nruntime = \"python3.11\"");
    let said = [
        problems(&format!("layers = [{}]", [layer; 6].join(", "))),
        problems(&format!("layers = [{}]", [layer; 5].join(", "))),
        problems("layers = [\"arn:aws:lambda:eu-central-1:123456789012:layer:fonts\"]"),
        problems("vpc_config = { SubnetIds = [\"subnet-1\"], SecurityGroupIds = [] }"),
        problems(&format!("{VPC}\nefs_config = true")),
        problems(&format!("{VPC}\nefs_config = {{ LocalMountPath = \"/mnt/efs\", ThroughputMode = \"bursting\" }}")),
        problems(&format!("{VPC}\n{two}")),
        problems(&format!("efs_config = {{ Arn = \"{ACCESS_POINT}\" }}")),
        problems(&format!("{VPC}\nefs_config = {{ Arn = \"arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1\" }}")),
        problems("dead_letter_arn = \"arn:aws:s3:::bucket\"\naws_kms_key_arn = \"arn:aws:sqs:eu-central-1:123456789012:failed\""),
        problems(&format!("snap_start = \"PublishedVersions\"\n{snap}")),
        problems("snap_start = \"PublishedVersions\"\nlambda_concurrency = 2\nprovisioned_concurrency = 3"),
        problems("log_retention_days = 31"),
        problems(&format!("lambda_description = \"{}\"", "x".repeat(257))),
    ]
    .concat();
    expect![[r#"
        2: `layers` has 6 entries, and a function takes 5
        2: `layers` has 5 entries, and with the dependencies' own layer a function takes 4 more; `dependencies_layer = false` does without it
        2: `layers[0]`: `arn:aws:lambda:eu-central-1:123456789012:layer:fonts` is not the ARN of a layer's version: `arn:aws:lambda:region:account:layer:name:version`
        2: `vpc_config.SecurityGroupIds` needs at least one entry
        3: `efs_config`: file systems are not made; give the ARN of an access point: `{ Arn = "arn:aws:elasticfilesystem:..." }`
        3: `efs_config.ThroughputMode` is for a file system that is yet to be made; the one behind an access point has it already
        3: `efs_config.Arn`: file systems are not made; give the ARN of an access point: `{ Arn = "arn:aws:elasticfilesystem:..." }`
        3: `efs_config` has 2 entries, and a function mounts one
        2: `efs_config` needs `vpc_config`: a file system is reached through the network
        3: `efs_config.Arn`: `arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-1` is not the ARN of an access point: `arn:aws:elasticfilesystem:region:account:access-point/fsap-...`
        2: `dead_letter_arn`: `arn:aws:s3:::bucket` is not the ARN of an SQS queue or SNS topic
        3: `aws_kms_key_arn`: `arn:aws:sqs:eu-central-1:123456789012:failed` is not the ARN of a key: `arn:aws:kms:region:account:key/id`
        2: `snap_start` and `efs_config` exclude each other
        2: `snap_start` takes an `ephemeral_storage` of 512 MB, not 1024
        2: `snap_start` needs `python3.12` or newer, and `runtime` is `python3.11`
        4: `provisioned_concurrency` and `snap_start` exclude each other
        4: `provisioned_concurrency` is 3, more than `lambda_concurrency`, which is 2
        2: `log_retention_days` must be `1`, `3`, `5`, `7`, `14`, `30`, `60`, `90`, `120`, `150`, `180`, `365`, `400`, `545`, `731`, `1096`, `1827`, `2192`, `2557`, `2922`, `3288` or `3653`, not `31`
        2: `lambda_description`: 257 characters, and Lambda takes 256
    "#]].assert_eq(&said);
}

#[test]
fn policies() {
    let project = toml(
        r#"[dev]
assume_policy = "absent.json"
attach_policy = "broken.json"
apigateway_policy = "list.json"
role_name = "shop role"
extra_permissions = [
  { Action = ["s3:GetObject"], Resource = "*" },
  { Effect = "allow", Action = ["s3:GetObject"], Resource = "*" },
  { Effect = "Allow", Resource = "*" },
  { Effect = "Allow", Action = "s3:*", NotAction = "s3:PutObject", Resource = "*" },
  { Effect = "Allow", Action = "s3:*" },
  { Effect = "Deny", NotAction = "s3:*", NotResource = "*" },
]
"#,
    )
    .file("broken.json", "{\n  \"Statement\": [\n}\n")
    .file("list.json", "[]");
    let said = refused(&project, ["settings"]);
    // The words behind are the system's.
    let said: Vec<&str> = said.lines().map(|line| line.split("absent.json`: ").next().unwrap()).collect();
    expect![[r#"
        error: 9 problems in `zappa_settings.toml`
          zappa_settings.toml:2: `assume_policy`: could not read `
          zappa_settings.toml:3: `attach_policy`: `broken.json` is not valid JSON: expected value at line 3 column 1
          zappa_settings.toml:4: `apigateway_policy`: `list.json` is not a policy: an object with `Statement`
          zappa_settings.toml:5: `role_name`: `shop role` is not the name of a role: 1 to 64 letters, digits and `_+=,.@-`
          zappa_settings.toml:7: `extra_permissions[0]` needs an `Effect`: "Allow" or "Deny"
          zappa_settings.toml:8: `extra_permissions[1]` needs an `Effect`: "Allow" or "Deny"
          zappa_settings.toml:9: `extra_permissions[2]` needs either `Action` or `NotAction`
          zappa_settings.toml:10: `extra_permissions[3]` needs either `Action` or `NotAction`
          zappa_settings.toml:11: `extra_permissions[4]` needs either `Resource` or `NotResource`"#]]
    .assert_eq(&said.join("\n"));
    // Files are looked for beside the settings, wherever these are.
    let project = TestProject::new()
        .file("deploy/settings.toml", "[dev]\nattach_policy = \"policy.json\"\n")
        .file("deploy/policy.json", "{\"Statement\": {}}");
    project.zappa(["settings", "-s", "deploy/settings.toml"]).expect_code(0);
    let project = toml("[dev]\n").file("policy.json", "{\"Statement\": []}").env("ZAPPA_ATTACH_POLICY", "policy.json");
    project.zappa(["settings"]).expect_code(0);
    // Whoever stays on this machine has no use for them.
    toml("[dev]\ntarget = \"local\"\nattach_policy = \"absent.json\"\n").zappa(["settings"]).expect_code(0);
}

#[test]
fn the_gateway() {
    let gateway = dev(r#"
apigateway_description = "The shop's API"
endpoint_configuration = ["EDGE"]
api_key_required = true
api_key = "0123456789abcdefghij"
payload_minimum_compression_size = 1024
cache_cluster_enabled = true
cache_cluster_size = 118
cache_cluster_ttl = 60
cloudwatch_log_level = "INFO"
cloudwatch_metrics_enabled = true"#)
    .gateway;
    assert_eq!(gateway.description.as_deref(), Some("The shop's API"));
    assert_eq!(gateway.endpoint, EndpointKind::Edge);
    assert_eq!((gateway.api_key_required, gateway.api_key.as_deref()), (true, Some("0123456789abcdefghij")));
    assert_eq!(gateway.minimum_compression_size, Some(1024));
    assert_eq!(gateway.cache, Some(Cache { size: "118".to_owned(), ttl_seconds: 60, encrypted: false }));
    assert_eq!((gateway.log_level, gateway.data_trace, gateway.metrics), (GatewayLogLevel::Info, false, true));
    assert_eq!(dev("payload_compression = false").gateway.minimum_compression_size, None);
    assert_eq!(dev("cache_cluster_enabled = true\ncache_cluster_size = 0.5").gateway.cache.unwrap().size, "0.5");
    // A Function URL has its own word for it.
    let url = "function_url_enabled = true\nfunction_url_config = { authorizer = \"AWS_IAM\" }";
    assert_eq!(dev(url).gateway, GatewaySettings { iam_authorization: true, ..GatewaySettings::default() });
    assert!(!dev("function_url_config = { authorizer = \"AWS_IAM\" }").gateway.iam_authorization);
    assert!(dev("apigateway_version = \"v2\"\niam_authorization = true").gateway.iam_authorization);
}

#[test]
fn what_a_front_door_does_not_have() {
    let of_rest = r#"api_key_required = true
apigateway_policy = "policy.json"
cache_cluster_enabled = true
cloudwatch_log_level = "ERROR"
endpoint_configuration = ["PRIVATE"]
payload_minimum_compression_size = 5"#;
    let said = [
        problems(&format!("apigateway_version = \"v2\"\n{}", of_rest.replace("apigateway_policy = \"policy.json\"\n", ""))),
        problems("function_url_enabled = true\napi_key_required = true\niam_authorization = true\nauthorizer = { function = \"a.b\" }"),
        problems("endpoint_configuration = [\"EDGE\", \"REGIONAL\"]"),
        problems("endpoint_configuration = [\"PRIVATE\"]"),
        problems("iam_authorization = true\nauthorizer = { function = \"a.b\" }"),
        problems("api_key = \"0123456789\""),
    ]
    .concat();
    expect![[r#"
        3: `api_key_required` is for a REST API, and the front door of this stage is an HTTP API
        4: `cache_cluster_enabled` is for a REST API, and the front door of this stage is an HTTP API
        5: `cloudwatch_log_level` is for a REST API, and the front door of this stage is an HTTP API
        6: `endpoint_configuration` is for a REST API, and the front door of this stage is an HTTP API
        7: `payload_minimum_compression_size` is for a REST API, and the front door of this stage is an HTTP API
        3: `api_key_required` is for a REST API, and the front door of this stage is a Function URL
        4: `iam_authorization` is for API Gateway, and the front door of this stage is a Function URL; set `function_url_config = { authorizer = "AWS_IAM" }`
        5: `authorizer` is for API Gateway, and the front door of this stage is a Function URL
        2: `endpoint_configuration` has 2 entries, and an API is reached in one way
        2: `endpoint_configuration`: a private API needs `apigateway_policy`, which says which networks reach it
        2: `iam_authorization` and `authorizer` are both set; a route has one of them
        2: `api_key` must be 20 to 128 characters, not this text
    "#]].assert_eq(&said);
    // To write down what holds anyway asks for nothing, and a flag that chooses another front door counts.
    dev("apigateway_version = \"v2\"\napi_key_required = false\ncloudwatch_log_level = \"OFF\"\nendpoint_configuration = []");
}

fn authorizer(settings: &str) -> Authorizer {
    dev(settings).gateway.authorizer.unwrap()
}

#[test]
fn authorizers() {
    let own = || AuthorizerFunction::Own("shop.auth.check".to_owned());
    let token = authorizer("authorizer = { function = \"shop.auth.check\" }");
    let expected = Authorizer {
        name: "ZappaAuthorizer".to_owned(),
        kind: AuthorizerKind::Token(own()),
        token_header: "Authorization".to_owned(),
        result_ttl_seconds: 300,
        validation_expression: None,
    };
    assert_eq!(token, expected);
    assert_eq!(token.own_function(), Some("shop.auth.check"));
    let request = authorizer("apigateway_version = \"v2\"\nauthorizer = { function = \"shop.auth.check\", result_ttl = 0 }");
    assert_eq!(request, Authorizer { kind: AuthorizerKind::Request(own()), result_ttl_seconds: 0, ..expected.clone() });
    let arn = "arn:aws:lambda:eu-central-1:123456789012:function:judge";
    let other =
        authorizer(&format!("authorizer = {{ type = \"REQUEST\", arn = \"{arn}\", name = \"Judge\", token_header = \"X-Token\" }}"));
    assert_eq!((other.kind.clone(), other.own_function()), (AuthorizerKind::Request(AuthorizerFunction::Arn(arn.to_owned())), None));
    assert_eq!((other.name.as_str(), other.token_header.as_str()), ("Judge", "X-Token"));
    let pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc";
    let cognito = authorizer(&format!("authorizer = {{ provider_arns = [\"{pool}\"], validation_expression = \"shop\" }}"));
    assert_eq!(cognito.kind, AuthorizerKind::Cognito(vec![pool.to_owned()]));
    assert_eq!(cognito.validation_expression.as_deref(), Some("shop"));
    let jwt =
        authorizer("apigateway_version = \"v2\"\nauthorizer = { issuer = \"https://issuer.example.com\", audience = [\"shop\"] }").kind;
    assert_eq!(jwt, AuthorizerKind::Jwt { issuer: "https://issuer.example.com".to_owned(), audience: vec!["shop".to_owned()] });
    assert_eq!(dev("authorizer = {}").gateway.authorizer, None);
}

#[test]
fn authorizers_that_cannot_be() {
    let pools = "provider_arns = [\"arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_abc\"]";
    let said = [
        problems("authorizer = { name = \"Judge\" }"),
        problems("authorizer = { function = \"a.b\", arn = \"arn:aws:lambda:eu-central-1:123456789012:function:judge\" }"),
        problems("authorizer = { type = \"COGNITO_USER_POOLS\" }"),
        problems("authorizer = { type = \"COGNITO_USER_POOLS\", provider_arns = [] }"),
        problems("authorizer = { type = \"JWT\", issuer = \"https://issuer.example.com\" }"),
        problems("authorizer = { type = \"REQUEST\", function = \"a.b\", validation_expression = \".*\" }"),
        problems("apigateway_version = \"v2\"\nauthorizer = { type = \"TOKEN\", function = \"a.b\" }"),
        problems(&format!("apigateway_version = \"v2\"\nauthorizer = {{ {pools} }}")),
        problems(
            "apigateway_version = \"v2\"\nauthorizer = { issuer = \"https://issuer.example.com\", audience = [\"a\"], result_ttl = 5 }",
        ),
        problems("authorizer = { issuer = \"http://issuer.example.com\", audience = [\"a\"] }"),
    ]
    .concat();
    expect![[r#"
        2: `authorizer`: the type TOKEN needs either `function` or `arn`
        2: `authorizer`: the type TOKEN needs either `function` or `arn`
        2: `authorizer`: the type COGNITO_USER_POOLS needs `provider_arns`
        2: `authorizer`: the type COGNITO_USER_POOLS needs `provider_arns`
        2: `authorizer`: the type JWT needs `issuer` and `audience`
        2: `authorizer.validation_expression` means nothing to the type REQUEST
        3: `authorizer`: the type TOKEN is for a REST API, and this stage has an HTTP API
        3: `authorizer`: the type COGNITO_USER_POOLS is for a REST API, and this stage has an HTTP API; give the pool's `issuer` and `audience` for a JWT authorizer
        3: `authorizer.result_ttl` means nothing to the type JWT
        2: `authorizer.issuer` must be a URL that begins with `https://`, not this text
    "#]].assert_eq(&said);
}

#[test]
fn what_is_not_on_aws_yet() {
    let settings = r#"[dev]
alb_enabled = true
events = [
  { function = "a.b", expression = "at(2030-01-31T12:00:00)" },
  { function = "a.c", expressions = ["rate(1 hour)", "at(2030-01-31T12:00:00)"] },
  { function = "a.d", expression = "rate(1 hour)", kwargs = { query = "stock < 5" } },
  { function = "a.e", expression = "rate(1 hour)", kwargs = { text = "LONG" } },
  { function = "a.f", expression = "rate(1 hour)", description = "WIDE" },
]

[here]
extends = "dev"
target = "local"
"#;
    let settings = settings.replace("LONG", &"x".repeat(7000)).replace("WIDE", &"x".repeat(251));
    let project = toml(&settings);
    expect![[r#"
        error: 6 problems in `zappa_settings.toml`
          zappa_settings.toml:2: `alb_enabled` is not supported on AWS yet; the local target has it
          zappa_settings.toml:4: `at(2030-01-31T12:00:00)` is not supported on AWS yet, which has `rate(...)` and `cron(...)`; the local target has it
          zappa_settings.toml:5: `at(2030-01-31T12:00:00)` is not supported on AWS yet, which has `rate(...)` and `cron(...)`; the local target has it
          zappa_settings.toml:6: `kwargs` of events on AWS cannot hold `<` and `>`, which EventBridge takes for marks of its own
          zappa_settings.toml:7: `kwargs` of events on AWS have room for 7000 bytes of JSON, and these have 7011
          zappa_settings.toml:8: `description` of events on AWS has room for 250 characters, and this one has 251
    "#]].assert_eq(&refused(&project, ["settings", "dev"]));
    // Who works on this machine is not held up by it, whatever stage the settings come from.
    for stage in ["here", "local"] {
        project.zappa(["settings", stage]).expect_code(0);
    }
    // What is plainly wrong is refused everywhere.
    let wrong = toml(&format!("{settings}memory_size = 1\n"));
    assert!(refused(&wrong, ["settings", "local"]).starts_with("error: 1 problem in"));
}
