//! The execution role on AWS: made, adopted, shared, left alone.

use expect_test::expect;
use serde_json::Value;

use crate::aws_deploy::stage::Stage;
use crate::support::Aws;

const IAM: &str = "import boto3, json\niam = boto3.client('iam')\n";

/// What a boto3 script with an `iam` prints.
#[track_caller]
fn iam(aws: &Aws, script: &str) -> String {
    let output = aws.python(&format!("{IAM}{script}")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The calls to IAM of the last run, in order.
fn calls(stage: &Stage) -> Vec<String> {
    let calls = stage.aws.calls();
    calls.iter().filter(|call| call.service == "iam").map(|call| call.operation.clone()).collect()
}

fn policies(aws: &Aws, role: &str) -> String {
    iam(aws, &format!("print(iam.list_role_policies(RoleName='{role}')['PolicyNames'])"))
}

#[test]
fn only_what_differs_is_written() {
    let stage = Stage::new("role-kept", "");
    stage.json(&["deploy"]);
    assert_eq!(calls(&stage), ["GetRole", "CreateRole", "PutRolePolicy"]);
    let made = iam(
        &stage.aws,
        "print(json.dumps(iam.get_role_policy(RoleName='role-kept-dev-ZappaLambdaExecutionRole', PolicyName='zappa-permissions')['PolicyDocument']))",
    );
    let printed = stage.json(&["template", "dev", "--part", "execution", "--account", "123456789012"]);
    assert_eq!(serde_json::from_str::<Value>(&made).unwrap(), printed);

    stage.settings("tags = { team = \"shop\" }\n");
    stage.json(&["update"]);
    assert_eq!(calls(&stage), ["GetRole", "GetRolePolicy", "TagRole"]);

    stage.settings("tags = { team = \"shop\" }\nxray_tracing = true\n");
    stage.json(&["update"]);
    assert_eq!(calls(&stage), ["GetRole", "GetRolePolicy", "PutRolePolicy"]);
    stage.json(&["update"]);
    assert!(calls(&stage).is_empty());

    let role = "role-kept-dev-ZappaLambdaExecutionRole";
    iam(
        &stage.aws,
        &format!(
            "policy = iam.create_policy(PolicyName='role-kept', PolicyDocument=json.dumps({{'Version': '2012-10-17', 'Statement': [{{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': '*'}}]}}))\niam.attach_role_policy(RoleName='{role}', PolicyArn=policy['Policy']['Arn'])"
        ),
    );
    let removed = stage.json(&["undeploy", "--yes"]);
    assert!(removed.to_string().contains(&format!("role `{role}`")), "{removed}");
    assert_eq!(
        calls(&stage),
        ["GetRole", "ListRolePolicies", "DeleteRolePolicy", "ListAttachedRolePolicies", "DetachRolePolicy", "DeleteRole"]
    );
}

#[test]
fn a_role_of_the_python_tool_is_taken_over_with_a_warning() {
    let stage = Stage::new("role-old", "");
    iam(
        &stage.aws,
        r#"
trust = {"Version": "2012-10-17", "Statement": [{"Sid": "", "Effect": "Allow", "Principal": {"Service": ["apigateway.amazonaws.com", "lambda.amazonaws.com", "events.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["logs:*"], "Resource": "arn:aws:logs:*:*:*"}, {"Effect": "Allow", "Action": ["lambda:InvokeFunction"], "Resource": ["*"]}, {"Effect": "Allow", "Action": ["s3:*"], "Resource": "arn:aws:s3:::*"}]}
name = "role-old-dev-ZappaLambdaExecutionRole"
iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
iam.put_role_policy(RoleName=name, PolicyName="zappa-permissions", PolicyDocument=json.dumps(policy))
"#,
    );
    let outcome = stage.run(&["deploy"]).expect_code(0);
    assert_eq!(calls(&stage), ["GetRole", "GetRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy", "TagRole"]);
    let warning = outcome.stderr.lines().find(|line| line.starts_with("warning:")).unwrap_or_default();
    expect!["warning: the role `role-old-dev-ZappaLambdaExecutionRole` no longer allows `logs:*`, `s3:*`: what the app uses belongs into `extra_permissions`"].assert_eq(warning);
    let trust = iam(
        &stage.aws,
        "print(json.dumps(iam.get_role(RoleName='role-old-dev-ZappaLambdaExecutionRole')['Role']['AssumeRolePolicyDocument']))",
    );
    assert!(!trust.contains("apigateway"), "{trust}");
    stage.version("two");
    assert!(!stage.run(&["update"]).expect_code(0).stderr.contains("no longer allows"));
}

#[test]
fn a_role_that_is_not_to_be_managed_is_only_looked_at() {
    let stage = Stage::new("role-own", "manage_roles = false\nrole_name = \"role-own\"\n");
    let outcome = stage.run(&["deploy"]).expect_code(1);
    expect![[r#"
         the role `role-own` does not exist

        hint: make it, or set `manage_roles = true`; `role_arn` and `role_name` choose another
    "#]]
    .assert_eq(outcome.stderr.rsplit_once("error:").unwrap().1);
    iam(
        &stage.aws,
        "iam.create_role(RoleName='role-own', AssumeRolePolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': []}))",
    );
    stage.json(&["deploy"]);
    assert_eq!(calls(&stage), ["GetRole"]);
    stage.settings("role_arn = \"arn:aws:iam::123456789012:role/role-own\"\ntags = { team = \"shop\" }\n");
    stage.json(&["update"]);
    assert!(calls(&stage).is_empty());
    stage.json(&["undeploy", "--yes"]);
    assert_eq!(policies(&stage.aws, "role-own"), "[]\n");
}

#[test]
fn stages_share_a_role() {
    let settings = "role_name = \"role-shared\"\n";
    let (one, two) = (Stage::new("role-one", settings), Stage::new("role-two", settings));
    iam(
        &one.aws,
        r#"
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}, "Action": "sts:AssumeRole"}]}
iam.create_role(RoleName="role-shared", AssumeRolePolicyDocument=json.dumps(trust))
"#,
    );
    one.json(&["deploy"]);
    assert_eq!(calls(&one), ["GetRole", "GetRolePolicy", "PutRolePolicy"]);
    two.json(&["deploy"]);
    assert_eq!(policies(&one.aws, "role-shared"), "['zappa-permissions-role-one-dev', 'zappa-permissions-role-two-dev']\n");
    one.json(&["undeploy", "--yes"]);
    assert_eq!(policies(&one.aws, "role-shared"), "['zappa-permissions-role-two-dev']\n");
    two.json(&["undeploy", "--yes"]);
    // Somebody made it, and has it.
    assert_eq!(policies(&one.aws, "role-shared"), "[]\n");
}
