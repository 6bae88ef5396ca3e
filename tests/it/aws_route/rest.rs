//! REST APIs: the document that is imported, and what is set beside it.

use expect_test::expect;
use serde_json::{Value, json};

use super::Stage;

const IMPORT: &str = "apigateway:ImportRestApi";
const ANY: &str = "x-amazon-apigateway-any-method";

#[test]
fn a_catch_all_before_live() {
    let stage = Stage::new("rest-plain", "");
    let report = stage.deploy();
    expect![[r#"
        {
          "info": {
            "description": "Front door of rest-plain-dev (zappa:rest-plain/dev)",
            "title": "rest-plain-dev",
            "version": "1"
          },
          "openapi": "3.0.1",
          "paths": {
            "/": {
              "x-amazon-apigateway-any-method": {
                "responses": {
                  "default": {
                    "description": "Whatever the app answers"
                  }
                },
                "x-amazon-apigateway-integration": {
                  "httpMethod": "POST",
                  "passthroughBehavior": "when_no_match",
                  "type": "aws_proxy",
                  "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:rest-plain-dev:live/invocations"
                }
              }
            },
            "/{proxy+}": {
              "x-amazon-apigateway-any-method": {
                "parameters": [
                  {
                    "in": "path",
                    "name": "proxy",
                    "required": true,
                    "schema": {
                      "type": "string"
                    }
                  }
                ],
                "responses": {
                  "default": {
                    "description": "Whatever the app answers"
                  }
                },
                "x-amazon-apigateway-integration": {
                  "httpMethod": "POST",
                  "passthroughBehavior": "when_no_match",
                  "type": "aws_proxy",
                  "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:rest-plain-dev:live/invocations"
                }
              }
            }
          },
          "x-amazon-apigateway-binary-media-types": [
            "*/*"
          ],
          "x-amazon-apigateway-minimum-compression-size": 0
        }"#]].assert_eq(&stage.pretty(IMPORT));
    expect![[r#"
        apigateway:CreateDeployment
        apigateway:GetRestApis
        apigateway:ImportRestApi
        apigateway:TagResource
        lambda:AddPermission"#]]
    .assert_eq(&stage.names());
    let import = stage.calls().into_iter().find(|call| call.name() == IMPORT).unwrap();
    assert!(import.path.contains("endpointConfigurationTypes=REGIONAL"), "{}", import.path);
    let url = report["url"].as_str().unwrap();
    let (id, rest) = url.strip_prefix("https://").unwrap().split_once('.').unwrap();
    assert_eq!(rest, "execute-api.eu-west-1.amazonaws.com/dev/");
    let permission = stage.body("lambda:AddPermission");
    assert_eq!(permission["SourceArn"], format!("arn:aws:execute-api:eu-west-1:123456789012:{id}/*/*"));
    assert_eq!(permission["StatementId"], "zappa-rest-api");
}

#[test]
fn nothing_is_said_that_is_not_wanted() {
    let stage = Stage::new(
        "rest-bare",
        "binary_support = false\npayload_compression = false\nendpoint_configuration = [\"EDGE\"]\napigateway_description = \"The shop\"\n",
    );
    stage.deploy();
    let document = stage.body(IMPORT);
    assert_eq!(document.as_object().unwrap().keys().collect::<Vec<_>>(), ["openapi", "info", "paths"]);
    assert_eq!(document["info"]["description"], "The shop (zappa:rest-bare/dev)");
    let import = stage.calls().into_iter().find(|call| call.name() == IMPORT).unwrap();
    assert!(import.path.contains("endpointConfigurationTypes=EDGE"), "{}", import.path);
}

#[test]
fn a_stage_of_any_name_has_a_url() {
    let stage = Stage::new("rest-name", "");
    let settings = "[blue-green]\nproject_name = \"rest-name\"\napp_function = \"app.app\"\n";
    stage.project.write("zappa_settings.toml", settings);
    let report = stage.run(&["deploy", "blue-green", "--json"]).expect_code(0).json();
    assert!(report["url"].as_str().unwrap().ends_with(".amazonaws.com/blue_green/"), "{report}");
}

#[test]
fn the_partition_decides_about_arns_and_host_names() {
    let stage = Stage::new("rest-china", "aws_region = \"cn-north-1\"\n");
    let report = stage.deploy();
    assert!(report["url"].as_str().unwrap().ends_with(".execute-api.cn-north-1.amazonaws.com.cn/dev/"), "{report}");
    let uri = &stage.body(IMPORT)["paths"]["/"][ANY]["x-amazon-apigateway-integration"]["uri"];
    assert!(uri.as_str().unwrap().starts_with("arn:aws-cn:apigateway:cn-north-1:lambda:path/"), "{uri}");
}

#[test]
fn preflights_are_answered_by_a_mock() {
    let stage = Stage::new("rest-cors", "cors = { allowed_origin = \"https://a.example\", allow_credentials = true, max_age = 60 }\n");
    stage.deploy();
    let document = stage.body(IMPORT);
    expect![[r#"
        {
          "responses": {
            "200": {
              "description": "What other origins may do",
              "headers": {
                "Access-Control-Allow-Origin": {
                  "schema": {
                    "type": "string"
                  }
                },
                "Access-Control-Allow-Credentials": {
                  "schema": {
                    "type": "string"
                  }
                },
                "Access-Control-Allow-Methods": {
                  "schema": {
                    "type": "string"
                  }
                },
                "Access-Control-Allow-Headers": {
                  "schema": {
                    "type": "string"
                  }
                },
                "Access-Control-Max-Age": {
                  "schema": {
                    "type": "string"
                  }
                }
              }
            }
          },
          "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {
              "application/json": "{\"statusCode\": 200}"
            },
            "passthroughBehavior": "when_no_match",
            "contentHandling": "CONVERT_TO_TEXT",
            "responses": {
              "default": {
                "statusCode": "200",
                "responseParameters": {
                  "method.response.header.Access-Control-Allow-Origin": "'https://a.example'",
                  "method.response.header.Access-Control-Allow-Credentials": "'true'",
                  "method.response.header.Access-Control-Allow-Methods": "'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT'",
                  "method.response.header.Access-Control-Allow-Headers": "'Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token'",
                  "method.response.header.Access-Control-Max-Age": "'60'"
                },
                "responseTemplates": {
                  "application/json": ""
                }
              }
            }
          }
        }"#]].assert_eq(&pretty(&document["paths"]["/"]["options"]));
    expect![[r#"
        {
          "DEFAULT_4XX": {
            "responseParameters": {
              "gatewayresponse.header.Access-Control-Allow-Origin": "'https://a.example'",
              "gatewayresponse.header.Access-Control-Allow-Credentials": "'true'"
            }
          },
          "DEFAULT_5XX": {
            "responseParameters": {
              "gatewayresponse.header.Access-Control-Allow-Origin": "'https://a.example'",
              "gatewayresponse.header.Access-Control-Allow-Credentials": "'true'"
            }
          }
        }"#]]
    .assert_eq(&pretty(&document["x-amazon-apigateway-gateway-responses"]));
    assert_eq!(document["paths"]["/{proxy+}"]["options"]["parameters"], document["paths"]["/{proxy+}"][ANY]["parameters"]);
}

#[test]
fn one_origin_of_several_is_sent_back() {
    let stage = Stage::new("rest-origins", "cors = { allowed_origins = [\"https://a.example\", \"https://*\"] }\n");
    stage.deploy();
    let document = stage.body(IMPORT);
    let mock = &document["paths"]["/"]["options"]["x-amazon-apigateway-integration"]["responses"]["default"];
    expect![[r##"
        #set($origin = $input.params().header.get("Origin"))
        #if(!$origin || $origin == "")#set($origin = $input.params().header.get("origin"))#end
        #if($origin && ($origin == "https://a.example" || $origin.startsWith("https://")))
        #set($context.responseOverride.header.Access-Control-Allow-Origin = $origin)
        #end"##]]
    .assert_eq(mock["responseTemplates"]["application/json"].as_str().unwrap());
    assert_eq!(mock["responseParameters"].get("method.response.header.Access-Control-Allow-Origin"), None);
    assert_eq!(document.get("x-amazon-apigateway-gateway-responses"), None);
}

/// Whoever may not pass is stopped at every method but preflights.
#[test]
fn everybody_who_guards_stands_in_the_document() {
    let function = "arn:aws:lambda:eu-west-1:123456789012:function:rest-guard-other";
    let pool = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a1B2c3";
    let guards = [
        ("own", "authorizer = { function = \"app.check\", validation_expression = \"^Bearer .+\" }".to_owned()),
        ("other", format!("authorizer = {{ type = \"REQUEST\", arn = \"{function}\", token_header = \"X-Token\", result_ttl = 0 }}")),
        ("pool", format!("authorizer = {{ provider_arns = [\"{pool}\"], name = \"My pool\" }}")),
        ("jwt", "authorizer = { issuer = \"https://id.example\", audience = [\"shop\"] }".to_owned()),
        ("iam", "iam_authorization = true".to_owned()),
    ];
    let mut shown = Vec::new();
    for (name, settings) in guards {
        let stage = Stage::new("rest-guard", &format!("cors = true\n{settings}\n"));
        if name == "other" {
            stage.guard("rest-guard-other");
        }
        stage.deploy();
        let document = stage.body(IMPORT);
        for path in ["/", "/{proxy+}"] {
            assert!(document["paths"][path][ANY]["security"][0].is_object(), "{name} {path}");
            assert_eq!(document["paths"][path]["options"].get("security"), None, "{name} {path}");
        }
        let security = document["paths"]["/"][ANY]["security"].to_string();
        shown.push(format!("{name} {security} {}", pretty(&document["components"]["securitySchemes"])));
        let import = stage.calls().into_iter().find(|call| call.name() == IMPORT).unwrap();
        // What is not understood to the last word must not be let through.
        assert_eq!(import.path.contains("failonwarnings=true"), name == "jwt", "{}", import.path);
        stage.undeploy();
    }
    expect![[r#"
        own [{"ZappaAuthorizer":[]}] {
          "ZappaAuthorizer": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
              "type": "token",
              "identitySource": "method.request.header.Authorization",
              "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:rest-guard-dev:live/invocations",
              "authorizerResultTtlInSeconds": 300,
              "identityValidationExpression": "^Bearer .+"
            }
          }
        }
        other [{"ZappaAuthorizer":[]}] {
          "ZappaAuthorizer": {
            "type": "apiKey",
            "name": "X-Token",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
              "type": "request",
              "identitySource": "method.request.header.X-Token",
              "authorizerUri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:rest-guard-other/invocations",
              "authorizerResultTtlInSeconds": 0
            }
          }
        }
        pool [{"My_pool":[]}] {
          "My_pool": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {
              "type": "cognito_user_pools",
              "providerARNs": [
                "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_a1B2c3"
              ],
              "identitySource": "method.request.header.Authorization",
              "authorizerResultTtlInSeconds": 300
            }
          }
        }
        jwt [{"ZappaAuthorizer":[]}] {
          "ZappaAuthorizer": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "jwt",
            "x-amazon-apigateway-authorizer": {
              "type": "jwt",
              "jwtConfiguration": {
                "issuers": [
                  {
                    "issuer": "https://id.example",
                    "audiences": [
                      "shop"
                    ]
                  }
                ],
                "defaultAlgorithms": [
                  "RS256",
                  "RS384",
                  "RS512",
                  "ES256",
                  "ES384",
                  "ES512"
                ]
              },
              "identitySource": "method.request.header.Authorization"
            }
          }
        }
        iam [{"sigv4":[]}] {
          "sigv4": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4"
          }
        }"#]].assert_eq(&shown.join("\n"));
}

#[test]
fn an_api_key_comes_with_a_plan_and_goes_with_it() {
    let secret = "a-secret-of-twenty-letters";
    let stage = Stage::new("rest-key", &format!("api_key_required = true\napi_key = \"{secret}\"\n"));
    let outcome = stage.run(&["deploy", "-vv"]).expect_code(0);
    assert!(!format!("{}{}", outcome.stdout, outcome.stderr).contains(secret), "{outcome:?}");
    expect![[r#"
        apigateway:CreateApiKey
        apigateway:CreateDeployment
        apigateway:CreateUsagePlan
        apigateway:CreateUsagePlanKey
        apigateway:GetApiKeys
        apigateway:GetRestApis
        apigateway:GetUsagePlans
        apigateway:ImportRestApi
        apigateway:TagResource
        lambda:AddPermission"#]]
    .assert_eq(&stage.names());
    let document = stage.body(IMPORT);
    assert_eq!(document["paths"]["/"][ANY]["security"], json!([{ "api_key": [] }]));
    assert_eq!(stage.inventory()["usage"].as_array().map(Vec::len), Some(2), "{:#}", stage.inventory());

    // Another value is another key.
    stage.settings("api_key_required = true\napi_key = \"another-of-twenty-letters\"\n");
    stage.deploy();
    let calls = stage.names();
    assert!(calls.contains("CreateApiKey") && calls.contains("DeleteApiKey") && !calls.contains("CreateUsagePlan\n"), "{calls}");

    stage.settings("");
    stage.deploy();
    assert_eq!(stage.inventory().get("usage"), None, "{:#}", stage.inventory());
}

#[test]
fn what_a_stage_can_have_is_set_once() {
    let settings = "cloudwatch_log_level = \"INFO\"\ncloudwatch_metrics_enabled = true\ncache_cluster_enabled = true\ncache_cluster_ttl = 60\n\
                    cache_cluster_encrypted = true\nxray_tracing = true\n";
    let stage = Stage::new("rest-stage", settings);
    let refused = stage.run(&["deploy"]).expect_code(1);
    expect![[r#"
        error: API Gateway has no role with which it may write logs in `eu-west-1`

        hint: make a role that `apigateway.amazonaws.com` may assume, with AWS's policy `AmazonAPIGatewayPushToCloudWatchLogs`, and set it for the account: `aws apigateway update-account --region eu-west-1 --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN`
        hint: or set `cloudwatch_log_level = "OFF"` and `cloudwatch_data_trace = false`
    "#]].assert_eq(&stage.refusal(&refused));
    assert_eq!(stage.inventory().get("rest_apis"), None);

    let script = "import boto3; boto3.client('apigateway').update_account(patchOperations=[{'op': 'replace', 'path': '/cloudwatchRoleArn', \
                  'value': 'arn:aws:iam::123456789012:role/gateway-logs'}])";
    assert!(stage.aws.python(script).status().unwrap().success());
    stage.deploy();
    expect![[r#"
        {
          "patchOperations": [
            {
              "op": "replace",
              "path": "/tracingEnabled",
              "value": "true"
            },
            {
              "op": "replace",
              "path": "/cacheClusterSize",
              "value": "0.5"
            },
            {
              "op": "replace",
              "path": "/cacheClusterEnabled",
              "value": "true"
            },
            {
              "op": "replace",
              "path": "/*/*/logging/loglevel",
              "value": "INFO"
            },
            {
              "op": "replace",
              "path": "/*/*/metrics/enabled",
              "value": "true"
            },
            {
              "op": "replace",
              "path": "/*/*/caching/enabled",
              "value": "true"
            },
            {
              "op": "replace",
              "path": "/*/*/caching/ttlInSeconds",
              "value": "60"
            },
            {
              "op": "replace",
              "path": "/*/*/caching/dataEncrypted",
              "value": "true"
            }
          ]
        }"#]]
    .assert_eq(&stage.pretty("apigateway:UpdateStage"));

    // Off again, and nothing else.
    stage.settings("xray_tracing = true\ncloudwatch_metrics_enabled = true\n");
    stage.deploy();
    expect![[r#"
        {
          "patchOperations": [
            {
              "op": "replace",
              "path": "/cacheClusterEnabled",
              "value": "false"
            },
            {
              "op": "replace",
              "path": "/*/*/logging/loglevel",
              "value": "OFF"
            },
            {
              "op": "replace",
              "path": "/*/*/caching/enabled",
              "value": "false"
            }
          ]
        }"#]]
    .assert_eq(&stage.pretty("apigateway:UpdateStage"));
    assert!(!stage.names().contains("PutRestApi"), "{}", stage.names());
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}
