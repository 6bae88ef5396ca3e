"""Requests that AWS takes, and requests that it refuses, for `test_validate.py`."""

from __future__ import annotations

import base64
import json
from typing import Any

REGION, ACCOUNT = "eu-central-1", "123456789012"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:shop-prod"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/shop-prod"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/shop-prod"
INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{FUNCTION}:live/invocations"
TAGS = {"zappa:project": "Läden + Co", "zappa:stage": "prod"}
VERSION = {"Version": "2012-10-17"}
TRUST = json.dumps(
    VERSION | {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
STATEMENT: dict[str, Any] = {
    "Sid": "Logs",
    "Effect": "Allow",
    "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/shop-prod:*",
}
TLS = json.dumps(
    VERSION
    | {
        "Statement": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::shop", "arn:aws:s3:::shop/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    }
)


def policy(**changes: Any) -> str:
    return json.dumps(VERSION | {"Statement": [STATEMENT | changes]})


def api(**integration: Any) -> dict[str, Any]:
    """A catch-all REST API."""
    method = {
        "security": [{"authorizer": []}],
        "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": INVOKE, "timeoutInMillis": 29000}
        | integration,
    }
    proxy = {"name": "proxy", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "openapi": "3.0.1",
        "info": {"title": "shop-prod", "version": "1", "description": "shop"},
        "paths": {
            "/": {"x-amazon-apigateway-any-method": method},
            "/{proxy+}": {"x-amazon-apigateway-any-method": method | {"parameters": [proxy]}},
        },
        "components": {
            "securitySchemes": {
                "authorizer": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": {
                        "type": "token",
                        "authorizerUri": INVOKE,
                        "authorizerResultTtlInSeconds": 300,
                    },
                }
            }
        },
        "x-amazon-apigateway-binary-media-types": ["*/*"],
        "x-amazon-apigateway-minimum-compression-size": 1024,
        "x-amazon-apigateway-policy": VERSION
        | {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}]},
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"}},
        },
    }


def imported(**changes: Any) -> dict[str, Any]:
    return {"body": json.dumps(api() | changes).encode()}


def integrated(**changes: Any) -> dict[str, Any]:
    return {"body": json.dumps(api(**changes)).encode()}


NAME = {"FunctionName": "shop-prod"}
CREATE: dict[str, Any] = NAME | {
    "Role": ROLE,
    "Runtime": "python3.13",
    "Handler": "zappa.handler.lambda_handler",
    "Code": {"ZipFile": b"PK"},
    "MemorySize": 512,
    "Timeout": 30,
    "Architectures": ["arm64"],
    "EphemeralStorage": {"Size": 512},
    "Environment": {"Variables": {"DJANGO_SETTINGS_MODULE": "shop.settings"}},
    "VpcConfig": {"SubnetIds": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]},
    "DeadLetterConfig": {"TargetArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"},
    "TracingConfig": {"Mode": "Active"},
    "FileSystemConfigs": [
        {"Arn": f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/mnt/data"}
    ],
    "Layers": [f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:dependencies:3"],
    "KMSKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0a1b2c3d-0000-1111-2222-333344445555",
    "SnapStart": {"ApplyOn": "PublishedVersions"},
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/aws/lambda/shop-prod"},
    "Tags": TAGS,
    "Publish": False,
}
LIVE = NAME | {"Name": "live"}
PERMISSION = NAME | {
    "StatementId": "gateway",
    "Action": "lambda:InvokeFunction",
    "Principal": "apigateway.amazonaws.com",
    "SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3/*/*",
    "Qualifier": "live",
}
REST, STAGE, HTTP = {"restApiId": "a1b2c3"}, {"restApiId": "a1b2c3", "stageName": "prod"}, {"ApiId": "a1b2c3"}
PATCHES = [
    {"op": "replace", "path": "/*/*/logging/loglevel", "value": "INFO"},
    {"op": "replace", "path": "/~1{proxy+}/GET/throttling/burstLimit", "value": "10"},
    {"op": "replace", "path": "/cacheClusterEnabled", "value": "true"},
]
CORS = {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["*"], "AllowHeaders": ["authorization"], "MaxAge": 600}
TARGET = {"Id": "zappa", "Arn": f"{FUNCTION}:live", "Input": '{"zappa":"keep_warm"}'}
GROUP = {"logGroupName": "/aws/lambda/shop-prod"}
BUCKET, OBJECT = {"Bucket": "shop"}, {"Bucket": "shop", "Key": "shop/prod/a b.zip"}
PART = OBJECT | {"UploadId": "upload+1/2"}
RULES = {
    "Rules": [
        {
            "ID": "expire",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 30},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
}

# Everything that the tool asks of AWS.
GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("lambda", "CreateFunction", CREATE),
    ("lambda", "UpdateFunctionCode", NAME | {"ZipFile": b"PK", "Architectures": ["x86_64"], "DryRun": True, "RevisionId": "r"}),
    ("lambda", "UpdateFunctionCode", NAME | {"S3Bucket": "shop", "S3Key": "a/b.zip", "S3ObjectVersion": "1"}),
    (
        "lambda",
        "UpdateFunctionConfiguration",
        NAME | {key: CREATE[key] for key in ("Role", "Timeout", "MemorySize", "Environment", "Layers", "VpcConfig")},
    ),
    ("lambda", "UpdateFunctionConfiguration", NAME | {"Environment": {"Variables": {}}, "Layers": [], "Description": ""}),
    ("lambda", "PublishVersion", NAME | {"CodeSha256": "abc=", "Description": "one"}),
    ("lambda", "GetFunction", {"FunctionName": FUNCTION, "Qualifier": "live"}),
    ("lambda", "GetFunctionConfiguration", NAME | {"Qualifier": "$LATEST"}),
    ("lambda", "ListVersionsByFunction", NAME | {"MaxItems": 50, "Marker": "a/b+c="}),
    ("lambda", "GetAlias", LIVE),
    ("lambda", "CreateAlias", LIVE | {"FunctionVersion": "1", "Description": "live"}),
    (
        "lambda",
        "UpdateAlias",
        LIVE | {"FunctionVersion": "2", "RevisionId": "r", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}},
    ),
    ("lambda", "DeleteAlias", LIVE),
    ("lambda", "DeleteFunction", NAME | {"Qualifier": "3"}),
    ("lambda", "AddPermission", PERMISSION),
    (
        "lambda",
        "AddPermission",
        NAME | {"StatementId": "url", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"},
    ),
    ("lambda", "RemovePermission", NAME | {"StatementId": "gateway", "Qualifier": "live"}),
    ("lambda", "GetPolicy", NAME | {"Qualifier": "live"}),
    (
        "lambda",
        "Invoke",
        NAME
        | {"Qualifier": "7", "InvocationType": "RequestResponse", "LogType": "Tail", "ClientContext": "e30=", "Payload": b"{}"},
    ),
    ("lambda", "TagResource", {"Resource": FUNCTION, "Tags": TAGS}),
    ("lambda", "UntagResource", {"Resource": FUNCTION, "TagKeys": ["zappa:lock", "a"]}),
    ("lambda", "ListTags", {"Resource": FUNCTION}),
    ("lambda", "PutFunctionConcurrency", NAME | {"ReservedConcurrentExecutions": 5}),
    ("lambda", "DeleteFunctionConcurrency", NAME),
    ("lambda", "GetFunctionConcurrency", NAME),
    ("lambda", "PutProvisionedConcurrencyConfig", NAME | {"Qualifier": "live", "ProvisionedConcurrentExecutions": 1}),
    ("lambda", "GetProvisionedConcurrencyConfig", NAME | {"Qualifier": "live"}),
    ("lambda", "DeleteProvisionedConcurrencyConfig", NAME | {"Qualifier": "live"}),
    (
        "lambda",
        "CreateFunctionUrlConfig",
        NAME | {"Qualifier": "live", "AuthType": "NONE", "Cors": {"AllowOrigins": ["*"], "MaxAge": 60}, "InvokeMode": "BUFFERED"},
    ),
    ("lambda", "UpdateFunctionUrlConfig", NAME | {"Qualifier": "live", "AuthType": "AWS_IAM"}),
    ("lambda", "GetFunctionUrlConfig", NAME | {"Qualifier": "live"}),
    ("lambda", "DeleteFunctionUrlConfig", NAME | {"Qualifier": "live"}),
    ("lambda", "PutFunctionEventInvokeConfig", NAME | {"Qualifier": "live", "MaximumRetryAttempts": 0}),
    (
        "apigateway",
        "ImportRestApi",
        imported() | {"failOnWarnings": True, "parameters": {"endpointConfigurationTypes": "REGIONAL"}},
    ),
    ("apigateway", "PutRestApi", REST | imported() | {"mode": "overwrite"}),
    ("apigateway", "GetRestApis", {"limit": 500, "position": "a=="}),
    ("apigateway", "GetRestApi", REST),
    (
        "apigateway",
        "CreateDeployment",
        STAGE | {"description": "one", "tracingEnabled": True, "cacheClusterSize": "0.5", "variables": {"a": "b"}},
    ),
    ("apigateway", "GetStage", STAGE),
    ("apigateway", "UpdateStage", STAGE | {"patchOperations": PATCHES}),
    ("apigateway", "DeleteRestApi", REST),
    ("apigateway", "TagResource", {"resourceArn": f"arn:aws:apigateway:{REGION}::/restapis/a1b2c3/stages/prod", "tags": TAGS}),
    (
        "apigateway",
        "CreateUsagePlan",
        {"name": "shop-prod", "apiStages": [{"apiId": "a1b2c3", "stage": "prod"}], "throttle": {"rateLimit": 1.5}},
    ),
    ("apigateway", "CreateApiKey", {"name": "shop-prod", "enabled": True, "tags": TAGS}),
    ("apigateway", "CreateUsagePlanKey", {"usagePlanId": "p", "keyId": "k", "keyType": "API_KEY"}),
    ("apigateway", "GetUsagePlans", {"keyId": "k"}),
    ("apigateway", "GetApiKeys", {"nameQuery": "shop-prod", "includeValues": False}),
    ("apigateway", "DeleteUsagePlan", {"usagePlanId": "p"}),
    ("apigateway", "DeleteApiKey", {"apiKey": "k"}),
    ("apigatewayv2", "CreateApi", {"Name": "shop-prod", "ProtocolType": "HTTP", "CorsConfiguration": CORS, "Tags": TAGS}),
    ("apigatewayv2", "GetApis", {"MaxResults": "100", "NextToken": "a=="}),
    ("apigatewayv2", "GetApi", HTTP),
    ("apigatewayv2", "UpdateApi", HTTP | {"CorsConfiguration": CORS}),
    (
        "apigatewayv2",
        "CreateIntegration",
        HTTP | {"IntegrationType": "AWS_PROXY", "IntegrationUri": f"{FUNCTION}:live", "PayloadFormatVersion": "2.0"},
    ),
    ("apigatewayv2", "GetIntegrations", HTTP),
    ("apigatewayv2", "UpdateIntegration", HTTP | {"IntegrationId": "i", "TimeoutInMillis": 30000}),
    (
        "apigatewayv2",
        "CreateRoute",
        HTTP | {"RouteKey": "$default", "Target": "integrations/i", "AuthorizationType": "JWT", "AuthorizerId": "a"},
    ),
    ("apigatewayv2", "GetRoutes", HTTP),
    ("apigatewayv2", "UpdateRoute", HTTP | {"RouteId": "r", "AuthorizationType": "AWS_IAM"}),
    ("apigatewayv2", "CreateStage", HTTP | {"StageName": "$default", "AutoDeploy": True}),
    ("apigatewayv2", "GetStage", HTTP | {"StageName": "$default"}),
    (
        "apigatewayv2",
        "CreateAuthorizer",
        HTTP
        | {
            "Name": "jwt",
            "AuthorizerType": "JWT",
            "IdentitySource": ["$request.header.Authorization"],
            "JwtConfiguration": {"Audience": ["shop"], "Issuer": "https://issuer.example"},
        },
    ),
    ("apigatewayv2", "GetAuthorizers", HTTP),
    ("apigatewayv2", "UpdateAuthorizer", HTTP | {"AuthorizerId": "a", "AuthorizerResultTtlInSeconds": 0}),
    ("apigatewayv2", "DeleteApi", HTTP),
    (
        "events",
        "PutRule",
        {
            "Name": "shop-prod",
            "ScheduleExpression": "rate(4 minutes)",
            "State": "ENABLED",
            "Tags": [{"Key": "zappa:stage", "Value": "prod"}],
        },
    ),
    ("events", "PutRule", {"Name": "shop-prod", "ScheduleExpression": "cron(0/15 8-17 ? * MON-FRI *)", "Description": "office"}),
    ("events", "PutTargets", {"Rule": "shop-prod", "Targets": [TARGET]}),
    ("events", "ListRules", {"NamePrefix": "shop-", "Limit": 100}),
    ("events", "ListTargetsByRule", {"Rule": "shop-prod"}),
    ("events", "RemoveTargets", {"Rule": "shop-prod", "Ids": ["zappa"]}),
    ("events", "DeleteRule", {"Name": "shop-prod"}),
    ("events", "ListRuleNamesByTarget", {"TargetArn": f"{FUNCTION}:live"}),
    ("iam", "GetRole", {"RoleName": "shop-prod"}),
    (
        "iam",
        "CreateRole",
        {"RoleName": "shop-prod", "AssumeRolePolicyDocument": TRUST, "Tags": [{"Key": "zappa:stage", "Value": "prod"}]},
    ),
    ("iam", "UpdateAssumeRolePolicy", {"RoleName": "shop-prod", "PolicyDocument": TRUST}),
    ("iam", "GetRolePolicy", {"RoleName": "shop-prod", "PolicyName": "zappa"}),
    ("iam", "PutRolePolicy", {"RoleName": "shop-prod", "PolicyName": "zappa", "PolicyDocument": policy()}),
    ("iam", "DeleteRolePolicy", {"RoleName": "shop-prod", "PolicyName": "zappa"}),
    ("iam", "DeleteRole", {"RoleName": "shop-prod"}),
    ("iam", "ListRolePolicies", {"RoleName": "shop-prod", "MaxItems": 100}),
    ("iam", "ListAttachedRolePolicies", {"RoleName": "shop-prod"}),
    ("iam", "TagRole", {"RoleName": "shop-prod", "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()]}),
    ("sts", "GetCallerIdentity", {}),
    (
        "sns",
        "Subscribe",
        {"TopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:t", "Protocol": "lambda", "Attributes": {"RawMessageDelivery": "true"}},
    ),
    ("ec2", "DescribeSubnets", {"SubnetIds": ["subnet-0a1b2c3d"], "Filters": [{"Name": "vpc-id", "Values": ["vpc-1", "vpc-2"]}]}),
    ("logs", "CreateLogGroup", GROUP | {"tags": TAGS}),
    ("logs", "PutRetentionPolicy", GROUP | {"retentionInDays": 30}),
    ("logs", "DeleteRetentionPolicy", GROUP),
    (
        "logs",
        "FilterLogEvents",
        GROUP
        | {"startTime": 1_800_000_000_000, "filterPattern": "ERROR", "limit": 100, "logStreamNames": ["2026/11/01/[$LATEST]a"]},
    ),
    ("logs", "DescribeLogStreams", GROUP | {"orderBy": "LastEventTime", "descending": True}),
    ("logs", "DeleteLogGroup", GROUP),
    ("logs", "DescribeLogGroups", {"logGroupNamePrefix": "/aws/lambda/shop-prod"}),
    ("s3", "CreateBucket", BUCKET | {"CreateBucketConfiguration": {"LocationConstraint": REGION}}),
    ("s3", "HeadBucket", BUCKET | {"ExpectedBucketOwner": ACCOUNT}),
    (
        "s3",
        "PutBucketEncryption",
        BUCKET
        | {"ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}},
    ),
    (
        "s3",
        "PutPublicAccessBlock",
        BUCKET | {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "RestrictPublicBuckets": True}},
    ),
    ("s3", "PutBucketPolicy", BUCKET | {"Policy": TLS}),
    ("s3", "PutBucketLifecycleConfiguration", BUCKET | {"LifecycleConfiguration": RULES}),
    ("s3", "PutBucketTagging", BUCKET | {"Tagging": {"TagSet": [{"Key": key, "Value": value} for key, value in TAGS.items()]}}),
    (
        "s3",
        "PutObject",
        OBJECT | {"Body": b"PK", "IfNoneMatch": "*", "Metadata": {"sha256": "abc"}, "ContentType": "application/zip"},
    ),
    ("s3", "HeadObject", OBJECT),
    ("s3", "GetObject", OBJECT | {"IfModifiedSince": 1_800_000_000}),
    ("s3", "CreateMultipartUpload", OBJECT | {"ChecksumAlgorithm": "SHA256"}),
    ("s3", "UploadPart", PART | {"PartNumber": 1, "Body": b"PK"}),
    ("s3", "ListParts", PART | {"MaxParts": 1000}),
    ("s3", "ListMultipartUploads", BUCKET | {"Prefix": "shop/"}),
    (
        "s3",
        "CompleteMultipartUpload",
        PART | {"MultipartUpload": {"Parts": [{"ETag": '"a"', "PartNumber": 1}, {"ETag": '"b"', "PartNumber": 2}]}},
    ),
    ("s3", "AbortMultipartUpload", PART),
    ("s3", "DeleteObject", OBJECT),
    ("s3", "ListObjectsV2", BUCKET | {"Prefix": "shop/", "MaxKeys": 10}),
    ("s3", "DeleteBucket", BUCKET),
]

PUT_POLICY = {"RoleName": "r", "PolicyName": "p"}
RULE_NAMED = {"Name": "r"}
# One for every kind of constraint, and what has to be said about it.
BAD: list[tuple[str, str, dict[str, Any], str]] = [
    ("lambda", "CreateFunction", CREATE | {"MemorySize": 100}, "lambda:CreateFunction MemorySize: 100 is not 128…32768"),
    ("lambda", "CreateFunction", CREATE | {"MemorySize": 20_000}, "lambda:CreateFunction MemorySize: 20000 is not 128…10240"),
    ("lambda", "CreateFunction", CREATE | {"Timeout": 901}, "lambda:CreateFunction Timeout: 901 is not 1…900"),
    ("lambda", "CreateFunction", CREATE | {"EphemeralStorage": {"Size": 10_241}}, "EphemeralStorage.Size: 10241 is not 512…10240"),
    ("lambda", "CreateFunction", CREATE | {"Description": "d" * 257}, "Description: length 257 is not 0…256"),
    ("lambda", "CreateFunction", CREATE | {"FunctionName": "f" * 65}, "FunctionName: length 65 of the name is not 1…64"),
    ("lambda", "CreateFunction", CREATE | {"FunctionName": "shop prod"}, 'FunctionName: "shop prod" does not match'),
    ("lambda", "CreateFunction", CREATE | {"Runtime": "python4.0"}, 'Runtime: "python4.0" is not one of the'),
    ("lambda", "CreateFunction", CREATE | {"Architectures": ["arm64", "x86_64"]}, "Architectures: length 2 is not 1…1"),
    ("lambda", "CreateFunction", CREATE | {"Architectures": ["riscv"]}, 'Architectures[0]: "riscv" is not one of x86_64, arm64'),
    ("lambda", "CreateFunction", {key: value for key, value in CREATE.items() if key != "Role"}, "Role: is required"),
    ("lambda", "CreateFunction", CREATE | {"Timeout": "30"}, 'Timeout: "30" is not an integer'),
    ("lambda", "CreateFunction", CREATE | {"Publish": "yes"}, 'Publish: "yes" is not a boolean'),
    (
        "lambda",
        "CreateFunction",
        CREATE | {"VpcConfig": {"SubnetIds": [f"subnet-{n}" for n in range(17)]}},
        "VpcConfig.SubnetIds: length 17 is not 0…16",
    ),
    (
        "lambda",
        "CreateFunction",
        CREATE | {"Environment": {"Variables": {"1A": "x"}}},
        'Environment.Variables key: "1A" does not match',
    ),
    (
        "lambda",
        "CreateFunction",
        CREATE | {"Environment": {"Variables": {"A_": "x" * 4096}}},
        "Environment.Variables: 4105 bytes are not …4096",
    ),
    (
        "lambda",
        "CreateFunction",
        CREATE | {"Environment": {"Variables": {"AWS_REGION": "x"}}},
        "Environment.Variables.AWS_REGION: is reserved",
    ),
    (
        "lambda",
        "CreateFunction",
        CREATE | {"Role": ROLE.replace("arn:aws:", "arn:aws-cn:")},
        "is in the partition `aws-cn`, the request goes to `aws`",
    ),
    ("lambda", "TagResource", {"Resource": FUNCTION, "Tags": {"a[b]": "c"}}, 'Tags key: "a[b]" does not match'),
    ("lambda", "CreateAlias", LIVE | {"FunctionVersion": "one"}, 'FunctionVersion: "one" does not match'),
    ("lambda", "CreateAlias", NAME | {"Name": "7", "FunctionVersion": "1"}, 'Name: "7" does not match'),
    ("lambda", "CreateAlias", LIVE | {"FunctionVersion": "1", "Description": "d" * 257}, "Description: length 257 is not 0…256"),
    (
        "lambda",
        "UpdateAlias",
        LIVE | {"RoutingConfig": {"AdditionalVersionWeights": {"1": 1.5}}},
        "AdditionalVersionWeights.1: 1.5 is not 0.0…1.0",
    ),
    ("lambda", "AddPermission", PERMISSION | {"StatementId": "a b"}, 'StatementId: "a b" does not match'),
    ("lambda", "ListVersionsByFunction", NAME | {"MaxItems": 0}, "MaxItems: 0 is not 1…10000"),
    ("lambda", "Invoke", NAME | {"InvocationType": "Soon"}, 'InvocationType: "Soon" is not one of'),
    ("apigateway", "GetApiKeys", {"limit": "many"}, 'limit: "many" is not an integer'),
    ("apigateway", "CreateApiKey", {"description": "d" * 1025}, "description: length 1025 is not …1024"),
    ("apigateway", "CreateDeployment", STAGE | {"stageName": "a b"}, 'stageName: "a b" does not match'),
    ("apigateway", "UpdateStage", STAGE | {"patchOperations": [{"op": "set"}]}, 'patchOperations[0].op: "set" is not one of'),
    (
        "apigateway",
        "UpdateStage",
        STAGE | {"patchOperations": [{"op": "replace", "path": "/logging", "value": "INFO"}]},
        '"/logging" cannot be patched',
    ),
    (
        "apigateway",
        "UpdateStage",
        STAGE | {"patchOperations": [{"op": "replace", "path": "/*/*/logging/loglevel", "value": "DEBUG"}]},
        'patchOperations[0].value: "DEBUG" does not match OFF|ERROR|INFO',
    ),
    ("apigateway", "ImportRestApi", {"body": b"openapi: 3"}, "body: is not JSON"),
    ("apigateway", "ImportRestApi", {"body": b" " * (6 * 1024 * 1024 + 1)}, "body: length 6291457 is not …6291456"),
    ("apigateway", "ImportRestApi", imported(openapi="3.1.0"), 'the version "3.1.0" is neither 2.0 nor 3.0'),
    ("apigateway", "ImportRestApi", imported(info={"title": "a"}), "info: 'version' is a required property"),
    ("apigateway", "ImportRestApi", imported(paths=api()["paths"] | {"/{proxy+}/x": {}}), "/{proxy+}/x: is not a path"),
    (
        "apigateway",
        "ImportRestApi",
        imported(components={}),
        '/ x-amazon-apigateway-any-method: the security scheme "authorizer" is not defined',
    ),
    (
        "apigateway",
        "ImportRestApi",
        imported(**{"x-amazon-apigateway-binary": []}),
        "document: `x-amazon-apigateway-binary` is not known there",
    ),
    ("apigateway", "ImportRestApi", imported(**{"x-amazon-apigateway-minimum-compression-size": -1}), "-1 is not 0…10485760"),
    (
        "apigateway",
        "ImportRestApi",
        imported(**{"x-amazon-apigateway-gateway-responses": {"ALL": {}}}),
        '"ALL" is not a kind of response',
    ),
    ("apigateway", "ImportRestApi", integrated(type="lambda"), 'type: "LAMBDA" is not one of HTTP, AWS,'),
    ("apigateway", "ImportRestApi", integrated(httpMethod="GET"), 'httpMethod: "GET" is not POST'),
    ("apigateway", "ImportRestApi", integrated(uri=INVOKE.replace(":live", "")), "does not invoke the alias `live`"),
    ("apigateway", "ImportRestApi", integrated(responseTransferMode="STREAM"), "does not invoke the alias `live`"),
    ("apigateway", "ImportRestApi", integrated(timeoutMillis=1), "timeoutMillis: is not known"),
    ("apigatewayv2", "CreateApi", {"Name": "n" * 129, "ProtocolType": "HTTP"}, "Name: length 129 is not 1…128"),
    ("apigatewayv2", "CreateApi", {"Name": "n", "ProtocolType": "TCP"}, 'ProtocolType: "TCP" is not one of WEBSOCKET, HTTP'),
    (
        "apigatewayv2",
        "CreateApi",
        {"Name": "n", "ProtocolType": "HTTP", "CorsConfiguration": {"MaxAge": 86_401}},
        "MaxAge: 86401 is not -1…86400",
    ),
    (
        "apigatewayv2",
        "CreateIntegration",
        HTTP | {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION},
        "PayloadFormatVersion: is required",
    ),
    ("apigatewayv2", "CreateRoute", HTTP | {"RouteKey": "get /"}, 'RouteKey: "get /" is neither'),
    (
        "apigatewayv2",
        "CreateAuthorizer",
        HTTP | {"Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": []},
        "AuthorizerUri: is required for REQUEST",
    ),
    (
        "events",
        "PutRule",
        RULE_NAMED | {"ScheduleExpression": "rate(1 minutes)"},
        'ScheduleExpression: "rate(1 minutes)" is not an expression',
    ),
    ("events", "PutRule", RULE_NAMED | {"ScheduleExpression": "rate(5 minute)"}, "is not an expression"),
    ("events", "PutRule", RULE_NAMED | {"ScheduleExpression": "cron(0 8 * * * *)"}, "is not an expression"),
    ("events", "PutRule", RULE_NAMED | {"ScheduleExpression": "cron(0 24 * * ? *)"}, "is not an expression"),
    ("events", "PutRule", {"Name": "n" * 65, "ScheduleExpression": "rate(1 hour)"}, "Name: length 65 is not 1…64"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [TARGET | {"Id": str(n)} for n in range(6)]}, "Targets: length 6 is not 1…5"),
    (
        "events",
        "PutTargets",
        {"Rule": "r", "Targets": [TARGET | {"Input": json.dumps("x" * 8191)}]},
        "Input: length 8193 is not …8192",
    ),
    ("events", "PutTargets", {"Rule": "r", "Targets": [TARGET | {"Input": "{"}]}, 'Targets[0].Input: "{" is not JSON'),
    ("iam", "CreateRole", {"RoleName": "r" * 65, "AssumeRolePolicyDocument": TRUST}, "RoleName: length 65 is not 1…64"),
    (
        "iam",
        "CreateRole",
        {"RoleName": "r", "AssumeRolePolicyDocument": policy()},
        "AssumeRolePolicyDocument.Statement[0].Resource: has no place",
    ),
    ("iam", "TagRole", {"RoleName": "r", "Tags": [{"Key": "a"}]}, "Tags[0].Value: is required"),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": "{"}, "PolicyDocument.is not JSON"),
    (
        "iam",
        "PutRolePolicy",
        PUT_POLICY | {"PolicyDocument": json.dumps({"Statement": [STATEMENT]})},
        "Version: null is not 2012-10-17",
    ),
    (
        "iam",
        "PutRolePolicy",
        PUT_POLICY | {"PolicyDocument": policy(Sid="a-b")},
        'Statement[0].Sid: "a-b" does not match [A-Za-z0-9]*',
    ),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Effect="allow")}, 'Effect: "allow" is not one of Allow, Deny'),
    (
        "iam",
        "PutRolePolicy",
        PUT_POLICY | {"PolicyDocument": policy(Action="PutLogEvents")},
        '"PutLogEvents" is not `service:Action`',
    ),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Actions=["a:B"])}, "Statement[0].Actions: is not known"),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Resource="shop")}, '"shop" is not an ARN'),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Resource="arn:aws-x:s3:::b")}, "unknown partition `aws-x`"),
    (
        "iam",
        "PutRolePolicy",
        PUT_POLICY | {"PolicyDocument": policy(Resource="arn:aws:sqs:cn-north-1:*:q")},
        "not of the partition `aws`",
    ),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Principal="*")}, "Principal: has no place in such a policy"),
    (
        "iam",
        "PutRolePolicy",
        PUT_POLICY | {"PolicyDocument": policy(Condition={"Equals": {"a:b": "c"}})},
        '"Equals" is not an operator',
    ),
    ("iam", "PutRolePolicy", PUT_POLICY | {"PolicyDocument": policy(Action=["s3:G" + "e" * 10_240])}, "characters are not …10240"),
    ("logs", "PutRetentionPolicy", {"logGroupName": "a b", "retentionInDays": 30}, 'logGroupName: "a b" does not match'),
    ("logs", "FilterLogEvents", GROUP | {"limit": 10_001}, "limit: 10001 is not 1…10000"),
    ("logs", "FilterLogEvents", GROUP | {"startTime": -1}, "startTime: -1 is not 0…"),
    (
        "s3",
        "CreateBucket",
        {"Bucket": "Shop", "CreateBucketConfiguration": {"LocationConstraint": REGION}},
        'Bucket: "Shop" is not a name of a bucket',
    ),
    (
        "s3",
        "CreateBucket",
        {"Bucket": "192.168.0.1", "CreateBucketConfiguration": {"LocationConstraint": REGION}},
        "is not a name of a bucket",
    ),
    ("s3", "CreateBucket", BUCKET, "CreateBucketConfiguration.LocationConstraint: null in eu-central-1"),
    (
        "s3",
        "CreateBucket",
        BUCKET | {"CreateBucketConfiguration": {"LocationConstraint": "us-east-1"}},
        'LocationConstraint: "us-east-1" is not one of',
    ),
    ("s3", "PutBucketPolicy", BUCKET | {"Policy": policy()}, "Policy.Statement[0].Principal: is required"),
    (
        "s3",
        "PutBucketLifecycleConfiguration",
        BUCKET | {"LifecycleConfiguration": {"Rules": [{"ID": "a", "Status": "On"}]}},
        'LifecycleConfiguration.Rules[0].Status: "On" is not one of Enabled, Disabled',
    ),
    ("s3", "UploadPart", PART | {"PartNumber": "one", "Body": b""}, 'PartNumber: "one" is not an integer'),
]

AUTHORIZATION = f"AWS4-HMAC-SHA256 Credential=key/20261101/{REGION}/%s/aws4_request, SignedHeaders=host, Signature=0"
XML = b'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">%s</Tagging>'
CHUNKED = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5", "x-amz-trailer": "x-amz-checksum-crc32"}


def raw(service: str, method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    return {
        "service": service,
        "operation": None,
        "method": method,
        "path": path,
        "headers": {"Authorization": AUTHORIZATION % service, **headers},
        "body": base64.b64encode(body).decode(),
    }


def target(name: str) -> dict[str, Any]:
    return {"X-Amz-Target": name, "Content-Type": "application/x-amz-json-1.1"}


# What boto3 does not write.
RAW: list[tuple[dict[str, Any], str | None]] = [
    (raw("s3", "PUT", "/shop/?tagging", XML % b"<TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet>"), None),
    (raw("s3", "HEAD", "/shop/"), None),
    (raw("s3", "PUT", "/shop/a.zip?x-id=PutObject", b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", **CHUNKED), None),
    (
        raw(
            "s3",
            "PUT",
            "/shop/a.zip?x-id=UploadPart&partNumber=1&uploadId=u",
            b"5;chunk-signature=0\r\nhello\r\n0\r\nx-amz-checksum-crc32:A\r\nx-amz-trailer-signature:0\r\n\r\n",
            **CHUNKED,
        ),
        None,
    ),
    (raw("s3", "PUT", "/a.zip?x-id=PutObject", host="shop.s3.eu-central-1.amazonaws.com"), None),
    (raw("s3", "GET", "/shop?prefix=a&list-type=2"), None),
    (raw("s3", "POST", "/shop/a.zip?uploads"), None),
    (raw("s3", "PUT", "/shop/a.zip", b"5\r\nhel", **CHUNKED), "body: is not aws-chunked"),
    (raw("s3", "PUT", "/shop/a.zip", b"4\r\nhell\r\n0\r\n\r\n", **CHUNKED), "x-amz-decoded-content-length: is not 4"),
    (raw("s3", "PUT", "/shop/a.zip", b"5\r\nhello\r\n0\r\n\r\n", **CHUNKED), "`x-amz-checksum-crc32` does not trail the body"),
    (raw("s3", "PUT", "/shop/a.zip?x-id=CopyObject"), "x-id: is `CopyObject`"),
    (raw("s3", "PUT", "/shop/a.zip", b"", **{"x-amz-acll": "private"}), "x-amz-acll: is not a header that the operation knows"),
    (
        raw("s3", "PUT", "/shop?tagging", b"<Tagging><TagSet/></Tagging>"),
        "the element is `Tagging`, not `{http://s3.amazonaws.com/doc/2006-03-01/}Tagging`",
    ),
    (
        raw("s3", "PUT", "/shop?tagging", XML % b"<Tags/>"),
        "Tagging.Tags: is not a member of Tagging",
    ),
    (
        raw("lambda", "PUT", "/2015-03-31/functions/f/code", b'{"ZipFile":"PK","Zip":1}'),
        "Zip: is not a member of UpdateFunctionCodeRequest",
    ),
    (raw("lambda", "PUT", "/2015-03-31/functions/f/code", b'{"ZipFile":"P!"}'), 'ZipFile: "P!" is not a blob'),
    (raw("lambda", "PUT", "/2015-03-31/functions/f/code", b"{"), "body: is not JSON"),
    (
        raw("lambda", "GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-central-1%3A123456789012%3Afunction%3Af?Qualifer=1"),
        "Qualifer: is not known in the query",
    ),
    (raw("lambda", "GET", "/2015-03-31/functions/f", b'{"a":1}'), "body: 7 bytes where the operation has none"),
    (raw("lambda", "GET", "/2015-03-31/functions/f") | {"operation": "GetAlias"}, "lambda:GetFunction is recorded as GetAlias"),
    (raw("lambda", "GET", "/2015-03-31/function/f"), "#1 lambda:? GET /2015-03-31/function/f: is not an operation"),
    (raw("lambda", "GET", "/2015-03-31/functions/f", Authorization=AUTHORIZATION % "s3"), "is signed for `s3`"),
    (raw("lamda", "GET", "/"), "lamda: is not a service"),
    (raw("apigateway", "POST", "/v2/apis", b'{"Name":"n","protocolType":"HTTP"}'), "Name: is not a member of CreateApiRequest"),
    (raw("events", "POST", "/", b'{"Name":"r"}', **target("AWSEvents.DescribeRule")), None),
    (raw("events", "POST", "/", b'{"Name":"r"}', **target("AWSEvents.FindRule")), "is not an operation"),
    (
        raw("events", "POST", "/", b'{"Name":"r"}', **{"X-Amz-Target": "AWSEvents.DeleteRule"}),
        "content-type: is not `application/x-amz-json-1.1`",
    ),
    (raw("iam", "POST", "/", b"Action=GetRole&Version=2010-05-08&RoleName=r"), None),
    (raw("iam", "POST", "/", b"Action=GetRole&Version=2010-05-09&RoleName=r"), "Version: is not 2010-05-08"),
    (
        raw("iam", "POST", "/", b"Action=TagRole&Version=2010-05-08&RoleName=r&Tags.member.2.Key=a"),
        "Tags.member.2.Key: is not known in the form",
    ),
    (raw("scheduler", "GET", "/schedules/s?groupName=g"), None),
]
