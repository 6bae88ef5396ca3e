//! The inventory shows what there is, the same for the same, and nothing when all is gone.

use super::run;
use crate::support::Aws;

/// Everything that a deployment can leave behind, made for `NAME` in `REGION`.
const DEPLOY: &str = r#"
arn = function(NAME, Publish=True, Tags={"zappa:project": "p"})["FunctionArn"]
api = client("lambda")
api.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1")
live = {"FunctionName": NAME, "Qualifier": "live"}
api.add_permission(**live, StatementId="events", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
api.create_function_url_config(**live, AuthType="NONE")
rest = client("apigateway")
integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}:live/invocations"}
paths = {"/": {"x-amazon-apigateway-any-method": {"x-amazon-apigateway-integration": integration}}}
rest_id = rest.import_rest_api(body=json.dumps({"openapi": "3.0.1", "info": {"title": NAME, "version": "1"}, "paths": paths}))["id"]
rest.create_deployment(restApiId=rest_id, stageName="prod")
http = client("apigatewayv2")
http_id = http.create_api(Name="other", ProtocolType="HTTP")["ApiId"]
made = http.create_integration(ApiId=http_id, IntegrationType="AWS_PROXY", IntegrationUri=f"{arn}:live", PayloadFormatVersion="2.0")
http.create_route(ApiId=http_id, RouteKey="$default", Target=f"integrations/{made['IntegrationId']}")
http.create_stage(ApiId=http_id, StageName="$default", AutoDeploy=True)
events = client("events")
events.put_rule(Name=f"{NAME}-keep-warm", ScheduleExpression="rate(4 minutes)")
events.put_targets(Rule=f"{NAME}-keep-warm", Targets=[{"Id": "1", "Arn": f"{arn}:live", "Input": "{}"}])
allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
client("iam").put_role_policy(RoleName=NAME, PolicyName="zappa", PolicyDocument=json.dumps(allowed))
store = client("s3")
store.create_bucket(Bucket=f"zappa-{NAME}", CreateBucketConfiguration={"LocationConstraint": REGION})
store.put_object(Bucket=f"zappa-{NAME}", Key="code.zip", Body=b"zip")
client("logs").create_log_group(logGroupName=f"/aws/lambda/{NAME}")
"#;

/// Takes all of it away again.
const REMOVE: &str = r#"
client("logs").delete_log_group(logGroupName=f"/aws/lambda/{NAME}")
store.delete_object(Bucket=f"zappa-{NAME}", Key="code.zip")
store.delete_bucket(Bucket=f"zappa-{NAME}")
client("iam").delete_role_policy(RoleName=NAME, PolicyName="zappa")
client("iam").delete_role(RoleName=NAME)
events.remove_targets(Rule=f"{NAME}-keep-warm", Ids=["1"])
events.delete_rule(Name=f"{NAME}-keep-warm")
http.delete_api(ApiId=http_id)
rest.delete_rest_api(restApiId=rest_id)
api.delete_function(FunctionName=NAME)
"#;

#[test]
fn the_same_looks_the_same_and_nothing_is_nothing() {
    let aws = Aws::new();
    assert_eq!(aws.inventory("stock-a"), serde_json::json!({}));
    run(&aws, &format!("NAME, REGION = 'stock-a', 'eu-west-1'\n{DEPLOY}"));
    run(&aws, &format!("boto3.setup_default_session(region_name='us-west-2')\nNAME, REGION = 'stock-b', 'us-west-2'\n{DEPLOY}"));
    let first = aws.inventory("stock-a");
    expect_test::expect![[r#"
        {
          "buckets": [
            {
              "name": "zappa-[name]",
              "objects": [
                "code.zip"
              ]
            }
          ],
          "functions": [
            {
              "aliases": [
                {
                  "FunctionVersion": "1",
                  "Name": "live"
                }
              ],
              "configuration": {
                "Architectures": [
                  "x86_64"
                ],
                "CodeSha256": "9PMECueySEnex2MxYSXjxPv+Sbjv1LsH9j4nSTyQ0vI=",
                "EphemeralStorage": {
                  "Size": 512
                },
                "FunctionName": "[name]",
                "Handler": "app.handler",
                "LastUpdateStatus": "Successful",
                "LoggingConfig": {
                  "LogFormat": "Text",
                  "LogGroup": "/aws/lambda/[name]"
                },
                "MemorySize": 128,
                "PackageType": "Zip",
                "Role": "arn:aws:iam::123456789012:role/[name]",
                "Runtime": "python3.11",
                "SnapStart": {
                  "ApplyOn": "None",
                  "OptimizationStatus": "Off"
                },
                "State": "Active",
                "Timeout": 3,
                "TracingConfig": {
                  "Mode": "PassThrough"
                },
                "Version": "$LATEST"
              },
              "policies": {
                "live": {
                  "Id": "default",
                  "Statement": [
                    {
                      "Action": "lambda:InvokeFunction",
                      "Effect": "Allow",
                      "Principal": {
                        "Service": "events.amazonaws.com"
                      },
                      "Resource": "arn:aws:lambda:[region]:123456789012:function:[name]:live",
                      "Sid": "events"
                    }
                  ],
                  "Version": "2012-10-17"
                }
              },
              "tags": {
                "zappa:project": "p"
              },
              "urls": [
                {
                  "AuthType": "NONE",
                  "FunctionUrl": "https://[uuid].lambda-url.[region].on.aws/",
                  "InvokeMode": "BUFFERED"
                }
              ],
              "versions": [
                {
                  "Architectures": [
                    "x86_64"
                  ],
                  "CodeSha256": "9PMECueySEnex2MxYSXjxPv+Sbjv1LsH9j4nSTyQ0vI=",
                  "EphemeralStorage": {
                    "Size": 512
                  },
                  "FunctionName": "[name]",
                  "Handler": "app.handler",
                  "LastUpdateStatus": "Successful",
                  "LoggingConfig": {
                    "LogFormat": "Text",
                    "LogGroup": "/aws/lambda/[name]"
                  },
                  "MemorySize": 128,
                  "PackageType": "Zip",
                  "Role": "arn:aws:iam::123456789012:role/[name]",
                  "Runtime": "python3.11",
                  "SnapStart": {
                    "ApplyOn": "None",
                    "OptimizationStatus": "Off"
                  },
                  "State": "Active",
                  "Timeout": 3,
                  "TracingConfig": {
                    "Mode": "PassThrough"
                  },
                  "Version": "1"
                }
              ]
            }
          ],
          "http_apis": [
            {
              "ApiId": "[api]",
              "ApiKeySelectionExpression": "$request.header.x-api-key",
              "DisableExecuteApiEndpoint": false,
              "Name": "other",
              "ProtocolType": "HTTP",
              "RouteSelectionExpression": "$request.method $request.path",
              "integrations": [
                {
                  "IntegrationId": "[integrations]",
                  "IntegrationMethod": "POST",
                  "IntegrationType": "AWS_PROXY",
                  "IntegrationUri": "arn:aws:lambda:[region]:123456789012:function:[name]:live",
                  "PayloadFormatVersion": "2.0",
                  "TimeoutInMillis": 30000
                }
              ],
              "routes": [
                {
                  "ApiKeyRequired": false,
                  "AuthorizationType": "NONE",
                  "RouteId": "[routes]",
                  "RouteKey": "$default",
                  "Target": "integrations/[integrations]"
                }
              ],
              "stages": [
                {
                  "AutoDeploy": true,
                  "DefaultRouteSettings": {
                    "DetailedMetricsEnabled": false
                  },
                  "StageName": "$default"
                }
              ]
            }
          ],
          "log_groups": [
            {
              "logGroupArn": "arn:aws:logs:[region]:123456789012:log-group:/aws/lambda/[name]",
              "logGroupName": "/aws/lambda/[name]",
              "metricFilterCount": 0
            }
          ],
          "rest_apis": [
            {
              "apiKeySource": "HEADER",
              "deployments": [
                {
                  "id": "[deployments]"
                }
              ],
              "disableExecuteApiEndpoint": false,
              "endpointConfiguration": {
                "types": [
                  "EDGE"
                ]
              },
              "id": "[api]",
              "name": "[name]",
              "resources": [
                {
                  "id": "[resources]",
                  "path": "/",
                  "resourceMethods": {
                    "ANY": {
                      "apiKeyRequired": false,
                      "authorizationType": "NONE",
                      "httpMethod": "ANY",
                      "methodIntegration": {
                        "httpMethod": "POST",
                        "type": "aws_proxy",
                        "uri": "arn:aws:apigateway:[region]:lambda:path/2015-03-31/functions/arn:aws:lambda:[region]:123456789012:function:[name]:live/invocations"
                      }
                    }
                  }
                }
              ],
              "stages": [
                {
                  "cacheClusterEnabled": false,
                  "deploymentId": "[deployments]",
                  "stageName": "prod"
                }
              ],
              "version": "V1"
            }
          ],
          "roles": [
            {
              "Arn": "arn:aws:iam::123456789012:role/[name]",
              "MaxSessionDuration": 3600,
              "Path": "/",
              "RoleName": "[name]",
              "inline": {
                "zappa": {
                  "Statement": [
                    {
                      "Action": "s3:GetObject",
                      "Effect": "Allow",
                      "Resource": "*"
                    }
                  ],
                  "Version": "2012-10-17"
                }
              }
            }
          ],
          "rules": [
            {
              "Arn": "arn:aws:events:[region]:123456789012:rule/[name]-keep-warm",
              "EventBusName": "default",
              "Name": "[name]-keep-warm",
              "ScheduleExpression": "rate(4 minutes)",
              "State": "ENABLED",
              "targets": [
                {
                  "Arn": "arn:aws:lambda:[region]:123456789012:function:[name]:live",
                  "Id": "1",
                  "Input": {}
                }
              ]
            }
          ]
        }"#]].assert_eq(&serde_json::to_string_pretty(&first).unwrap());
    pretty(&first, &aws.inventory_in("stock-b", "us-west-2"));
    // What is elsewhere is not here.
    let kinds = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(kinds(&aws.inventory("stock-b")), ["roles"]);
    run(&aws, &format!("NAME, REGION = 'stock-c', 'eu-west-1'\n{DEPLOY}\n{REMOVE}"));
    assert_eq!(aws.inventory("stock-c"), serde_json::json!({}));
}

/// Equality with a readable difference.
#[track_caller]
fn pretty(left: &serde_json::Value, right: &serde_json::Value) {
    assert_eq!(serde_json::to_string_pretty(left).unwrap(), serde_json::to_string_pretty(right).unwrap());
}
