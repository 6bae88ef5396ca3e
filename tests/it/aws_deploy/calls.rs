//! Every call of every command. A line is a group of calls that went out together; each line had to wait for the one before.

use expect_test::expect;
use serde_json::json;

use super::stage::Stage;

#[test]
fn a_life_in_calls() {
    let stage = Stage::new("calls", "");
    stage.aws.proxy.in_step();
    let first = stage.json(&["deploy"]);
    assert_eq!((&first["version"], &first["live"], &first["release"]), (&json!(1), &json!("created"), &json!("created")));
    assert_eq!(first["first_request"]["status"], 200);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListVersionsByFunction
        iam:GetRole
        iam:CreateRole
        iam:PutRolePolicy
        lambda:CreateFunction
        lambda:CreateAlias
        lambda:Invoke
        apigateway:GetRestApis  events:PutRule  lambda:AddPermission
        apigateway:ImportRestApi  events:PutTargets
        apigateway:CreateDeployment  apigateway:TagResource  lambda:AddPermission
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());
    // The goals: 20 calls beside the upload, 11 in a row; 7 beside the upload, 4 and 3 below.
    assert!(stage.aws.calls().len() <= 21 && stage.aws.chain_length() <= 11);

    let again = stage.json(&["update"]);
    assert_eq!((&again["release"], &again["route"], &again["live"]), (&json!("unchanged"), &json!("unchanged"), &json!("unchanged")));
    assert_eq!(again["url"], first["url"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListVersionsByFunction
        apigateway:GetStage
    "#]]
    .assert_eq(&stage.calls());

    stage.version("two");
    let update = stage.json(&["update"]);
    assert_eq!((&update["version"], &update["previous"]), (&json!(2), &json!(1)));
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionCode
        lambda:Invoke
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());
    assert!(stage.aws.calls().len() <= 8);

    stage.settings("memory_size = 1024\n");
    assert_eq!(stage.json(&["update"])["version"], 3);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionConfiguration
        lambda:PublishVersion
        lambda:Invoke
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    stage.settings("memory_size = 1024\nkeep_warm_expression = \"rate(5 minutes)\"\n");
    let scheduled = stage.json(&["update"]);
    assert_eq!(
        (&scheduled["version"], &scheduled["release"], &scheduled["schedules"]),
        (&json!(3), &json!("unchanged"), &json!("updated"))
    );
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        events:PutRule  lambda:AddPermission
        events:ListTargetsByRule  lambda:GetPolicy
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    let back = stage.json(&["rollback"]);
    assert_eq!((&back["from"], &back["to"]), (&json!(3), &json!(2)));
    expect![[r#"
        lambda:GetAlias  lambda:ListVersionsByFunction
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    expect![[r#"
        lambda:GetAlias  lambda:ListVersionsByFunction
        lambda:UpdateAlias
        apigateway:GetRestApis  apigatewayv2:GetApis  lambda:GetFunctionUrlConfig
        apigateway:GetApiKeys  apigateway:GetUsagePlans
        apigateway:GetAuthorizers
        apigateway:DeleteRestApi
        events:ListRules
        events:ListTargetsByRule
        events:RemoveTargets
        events:DeleteRule
        lambda:DeleteFunction
        s3:GetBucketTagging
        iam:GetRole
        iam:ListRolePolicies
        iam:DeleteRolePolicy
        iam:ListAttachedRolePolicies
        iam:DeleteRole
        logs:DeleteLogGroup
    "#]]
    .assert_eq(&stage.calls());
    assert_eq!(stage.inventory(), json!({}));
}
