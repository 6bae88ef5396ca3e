//! HTTP APIs, part by part.

use expect_test::expect;
use serde_json::json;

use super::Stage;

const V2: &str = "apigateway_version = \"v2\"\n";

#[test]
fn every_part_is_made_by_itself() {
    let stage = Stage::new("http-plain", &format!("{V2}cors = {{ allowed_origin = \"https://a.example\", max_age = 60 }}\n"));
    let report = stage.deploy();
    expect![[r#"
        apigatewayv2:CreateApi
        apigatewayv2:CreateIntegration
        apigatewayv2:CreateRoute
        apigatewayv2:CreateStage
        apigatewayv2:GetApis
        lambda:AddPermission"#]]
    .assert_eq(&stage.names());
    expect![[r#"
        {
          "corsConfiguration": {
            "allowHeaders": [
              "Content-Type",
              "X-Amz-Date",
              "Authorization",
              "X-Api-Key",
              "X-Amz-Security-Token"
            ],
            "allowMethods": [
              "DELETE",
              "GET",
              "HEAD",
              "OPTIONS",
              "PATCH",
              "POST",
              "PUT"
            ],
            "allowOrigins": [
              "https://a.example"
            ],
            "maxAge": 60
          },
          "description": "Front door of http-plain-dev (zappa:http-plain/dev)",
          "name": "http-plain-dev",
          "protocolType": "HTTP",
          "tags": {
            "zappa:project": "http-plain",
            "zappa:stage": "dev"
          }
        }"#]]
    .assert_eq(&stage.pretty("apigatewayv2:CreateApi"));
    expect![[r#"{"integrationType":"AWS_PROXY","integrationUri":"arn:aws:lambda:eu-west-1:123456789012:function:http-plain-dev:live","payloadFormatVersion":"2.0"}"#]].assert_eq(&stage.body("apigatewayv2:CreateIntegration").to_string());
    assert_eq!(stage.body("apigatewayv2:CreateStage"), json!({ "autoDeploy": true, "stageName": "$default" }));
    assert!(report["url"].as_str().unwrap().ends_with(".execute-api.eu-west-1.amazonaws.com/"), "{report}");

    // Only what differs is written.
    stage.settings(&format!("{V2}cors = true\n"));
    stage.deploy();
    expect![[r#"
        apigatewayv2:GetApi
        apigatewayv2:GetApi
        apigatewayv2:GetAuthorizers
        apigatewayv2:GetIntegrations
        apigatewayv2:GetRoutes
        apigatewayv2:GetStage
        apigatewayv2:UpdateApi
        lambda:AddPermission"#]]
    .assert_eq(&stage.names());
    stage.settings(V2);
    stage.deploy();
    assert!(stage.names().contains("DeleteCorsConfiguration") && !stage.names().contains("Update"), "{}", stage.names());
}

#[test]
fn guards_come_and_go() {
    let stage = Stage::new("http-guard", &format!("{V2}authorizer = {{ issuer = \"https://id.example\", audience = [\"shop\"] }}\n"));
    stage.deploy();
    expect![[r#"
        {
          "authorizerType": "JWT",
          "identitySource": [
            "$request.header.Authorization"
          ],
          "jwtConfiguration": {
            "audience": [
              "shop"
            ],
            "issuer": "https://id.example"
          },
          "name": "ZappaAuthorizer"
        }"#]]
    .assert_eq(&stage.pretty("apigatewayv2:CreateAuthorizer"));
    assert_eq!(stage.body("apigatewayv2:CreateRoute")["authorizationType"], "JWT");

    stage.settings(&format!("{V2}authorizer = {{ function = \"app.check\", token_header = \"X-Token\", name = \"own\" }}\n"));
    stage.deploy();
    expect![[r#"
        {
          "authorizerPayloadFormatVersion": "2.0",
          "authorizerResultTtlInSeconds": 300,
          "authorizerType": "REQUEST",
          "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:http-guard-dev:live/invocations",
          "enableSimpleResponses": true,
          "identitySource": [
            "$request.header.X-Token"
          ],
          "name": "own"
        }"#]].assert_eq(&stage.pretty("apigatewayv2:CreateAuthorizer"));
    assert_eq!(stage.body("apigatewayv2:UpdateRoute")["authorizationType"], "CUSTOM");
    // The old one goes once no route has it.
    assert!(stage.names().contains("DeleteAuthorizer"), "{}", stage.names());

    stage.settings(&format!("{V2}iam_authorization = true\n"));
    stage.deploy();
    assert_eq!(stage.body("apigatewayv2:UpdateRoute")["authorizationType"], "AWS_IAM");

    stage.settings(V2);
    stage.deploy();
    assert_eq!(stage.body("apigatewayv2:UpdateRoute")["authorizationType"], "NONE");
}
