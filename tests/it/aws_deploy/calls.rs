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
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        iam:GetRole
        iam:CreateRole
        iam:PutRolePolicy
        lambda:PublishLayerVersion
        lambda:CreateFunction
        lambda:CreateAlias
        lambda:Invoke
        apigateway:GetRestApis  events:PutRule  lambda:AddPermission
        apigateway:ImportRestApi  events:PutTargets
        apigateway:CreateDeployment  apigateway:TagResource  lambda:AddPermission
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());
    // The goals: 20 calls beside the upload of the layer and the look for it, 11 in a row beside that upload; 7 beside those, 4 and 3 below.
    assert!(stage.aws.calls().len() <= 22 && stage.aws.chain_length() <= 12);

    let again = stage.json(&["update"]);
    assert_eq!((&again["release"], &again["route"], &again["live"]), (&json!("unchanged"), &json!("unchanged"), &json!("unchanged")));
    assert_eq!(again["url"], first["url"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
    "#]]
    .assert_eq(&stage.calls());

    stage.version("two");
    let update = stage.json(&["update"]);
    assert_eq!((&update["version"], &update["previous"]), (&json!(2), &json!(1)));
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionCode
        lambda:Invoke
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());
    assert!(stage.aws.calls().len() <= 9);

    stage.settings("memory_size = 1024\n");
    assert_eq!(stage.json(&["update"])["version"], 3);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
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
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
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
        apigateway:GetDomainNames
        apigateway:GetRestApis  apigatewayv2:GetApis  lambda:GetFunctionUrlConfig
        apigateway:GetApiKeys  apigateway:GetUsagePlans
        apigateway:GetAuthorizers
        apigateway:DeleteRestApi
        events:ListRules
        events:ListTargetsByRule
        events:RemoveTargets
        events:DeleteRule
        lambda:DeleteFunction
        lambda:ListLayerVersions  s3:GetBucketTagging
        lambda:DeleteLayerVersion
        logs:DeleteLogGroup
        iam:GetRole
        iam:ListRolePolicies
        iam:DeleteRolePolicy
        iam:ListAttachedRolePolicies
        iam:DeleteRole
    "#]]
    .assert_eq(&stage.calls());
    assert_eq!(stage.inventory(), json!({}));
}

#[test]
fn dependencies_in_calls() {
    let stage = Stage::new("depends", "num_retained_versions = 2\n");
    stage.depend("1.0");
    stage.aws.proxy.in_step();
    stage.json(&["deploy"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        iam:GetRole
        iam:CreateRole
        iam:PutRolePolicy
        lambda:PublishLayerVersion
        lambda:CreateFunction
        lambda:CreateAlias
        lambda:Invoke
        apigateway:GetRestApis  events:PutRule  lambda:AddPermission
        apigateway:ImportRestApi  events:PutTargets
        apigateway:CreateDeployment  apigateway:TagResource  lambda:AddPermission
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    // Nothing is sent of what is there.
    stage.version("two");
    stage.json(&["update"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionCode
        lambda:Invoke
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    stage.depend("2.0");
    stage.json(&["update"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:PublishLayerVersion
        lambda:UpdateFunctionConfiguration
        lambda:PublishVersion
        lambda:Invoke
        lambda:UpdateAlias
        lambda:AddPermission
        lambda:GetPolicy
        lambda:DeleteFunction
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    // The dependencies of the second version are those of the first.
    stage.version("four");
    stage.depend("1.0");
    stage.json(&["update"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionCode
        lambda:UpdateFunctionConfiguration
        lambda:PublishVersion
        lambda:Invoke
        lambda:UpdateAlias
        lambda:AddPermission
        lambda:GetPolicy
        lambda:DeleteFunction
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    // With the third version goes what only that one had.
    stage.version("five");
    stage.json(&["update"]);
    expect![[r#"
        events:ListRules  lambda:GetAlias  lambda:ListLayerVersions  lambda:ListVersionsByFunction
        apigateway:GetStage
        lambda:UpdateAlias
        lambda:UpdateFunctionCode
        lambda:Invoke
        lambda:UpdateAlias
        lambda:AddPermission
        lambda:GetPolicy
        lambda:DeleteFunction
        lambda:DeleteLayerVersion
        lambda:UpdateAlias
    "#]]
    .assert_eq(&stage.calls());

    stage.run(&["undeploy", "--yes", "--remove-logs"]).expect_code(0);
    assert_eq!(stage.inventory(), json!({}));
}
