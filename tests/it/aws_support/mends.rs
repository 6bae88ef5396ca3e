//! Where moto says what AWS would not, and is mended.

use super::run;
use crate::support::Aws;

#[test]
fn versions_follow_what_changed() {
    let printed = run(
        &Aws::new(),
        r#"
api = client("lambda")
print(function("versions", Publish=True, SnapStart={"ApplyOn": "PublishedVersions"}, TracingConfig={"Mode": "Active"})["Version"])
def publish(**options):
    return api.publish_version(FunctionName="versions", **options)["Version"]
print("unchanged", publish())
api.update_function_configuration(FunctionName="versions", EphemeralStorage={"Size": 1024}, MemorySize=256)
print("changed", publish(Description="of the version"), publish())
api.update_function_configuration(FunctionName="versions", EphemeralStorage={"Size": 512}, TracingConfig={"Mode": "PassThrough"}, Environment={})
for qualifier in "1", "2", "$LATEST":
    shown = api.get_function_configuration(FunctionName="versions", Qualifier=qualifier)
    print([shown[key] for key in ("Version", "EphemeralStorage", "TracingConfig", "SnapStart", "MemorySize", "Description")])
api.update_function_configuration(FunctionName="versions", KMSKeyArn="arn:aws:kms:eu-west-1:123456789012:key/k", DeadLetterConfig={"TargetArn": "arn:aws:sqs:eu-west-1:123456789012:q"})
back = api.update_function_configuration(FunctionName="versions", KMSKeyArn="", DeadLetterConfig={"TargetArn": ""})
print("taken back", back.get("KMSKeyArn"), back.get("DeadLetterConfig"))
for _ in range(2):
    print("code", api.update_function_code(FunctionName="versions", ZipFile=archive("x = 1"), Publish=True)["Version"])
before = api.get_function(FunctionName="versions")["Configuration"]["CodeSha256"]
dry = api.update_function_code(FunctionName="versions", ZipFile=archive("x = 2"), DryRun=True)["CodeSha256"]
print(re.sub(r"\d", "0", api.get_function(FunctionName="versions")["Configuration"]["LastModified"]))
print("dry run", dry != before, api.get_function(FunctionName="versions")["Configuration"]["CodeSha256"] == before)
api.delete_function(FunctionName="versions", Qualifier="3")
print("after a removal", publish())
api.put_function_concurrency(FunctionName="versions", ReservedConcurrentExecutions=0)
print(api.get_function(FunctionName="versions", Qualifier="1")["Concurrency"])
failure(lambda: api.invoke(FunctionName="versions", Qualifier="1"))
failure(lambda: publish(RevisionId="other"))
failure(lambda: publish(CodeSha256="other"))
failure(lambda: api.update_function_configuration(FunctionName="versions", RevisionId="other"))
failure(lambda: api.update_function_code(FunctionName="versions", S3Bucket="no-such-bucket-of-versions", S3Key="x"))
api.delete_function(FunctionName="versions")
failure(lambda: api.list_versions_by_function(FunctionName="versions"))
role_arn = client("iam").get_role(RoleName="versions")["Role"]["Arn"]
made = api.create_function(FunctionName="versions", Runtime="python3.11", Handler="a.b", Role=role_arn, Code={"ZipFile": archive()}, Publish=True)
print("made anew", made["Version"], api.list_aliases(FunctionName="versions")["Aliases"])
"#,
    );
    expect_test::expect![[r#"
        1
        unchanged 1
        changed 2 2
        ['1', {'Size': 512}, {'Mode': 'Active'}, {'ApplyOn': 'PublishedVersions', 'OptimizationStatus': 'On'}, 128, '']
        ['2', {'Size': 1024}, {'Mode': 'Active'}, {'ApplyOn': 'PublishedVersions', 'OptimizationStatus': 'On'}, 256, 'of the version']
        ['$LATEST', {'Size': 512}, {'Mode': 'PassThrough'}, {'ApplyOn': 'PublishedVersions', 'OptimizationStatus': 'Off'}, 256, '']
        taken back None None
        code 3
        code 3
        0000-00-00T00:00:00.000+0000
        dry run True True
        after a removal 4
        {'ReservedConcurrentExecutions': 0}
        429 TooManyRequestsException | Rate Exceeded.
        412 PreconditionFailedException | The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId
        400 InvalidParameterValueException | CodeSHA256 (other) is different from current CodeSHA256 in $LATEST (hfvV5up8ikE0g+ctLRcP5illWDghHE+t07aTGl2Jii4=). Please try again with the CodeSHA256 in $LATEST.
        412 PreconditionFailedException | The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId
        400 InvalidParameterValueException | Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist
        404 ResourceNotFoundException | Function not found: arn:aws:lambda:eu-west-1:123456789012:function:versions
        made anew 5 []
    "#]].assert_eq(&printed);
}

#[test]
fn aliases_have_revisions_and_permissions_have_owners() {
    let printed = run(
        &Aws::new(),
        r#"
function("aliases", Publish=True)
api = client("lambda")
def alias(call, **options):
    return call(FunctionName="aliases", Name="live", **options)
first = alias(api.create_alias, FunctionVersion="1")["RevisionId"]
failure(lambda: alias(api.create_alias, FunctionVersion="1"))
failure(lambda: api.delete_function(FunctionName="aliases", Qualifier="1"))
print(alias(api.update_alias, FunctionVersion="1", RevisionId=first)["RevisionId"] != first)
failure(lambda: alias(api.update_alias, FunctionVersion="1", RevisionId=first))
print(len(api.list_aliases(FunctionName="aliases", FunctionVersion="2")["Aliases"]))
def permit(sid, **options):
    return json.loads(api.add_permission(FunctionName="aliases", StatementId=sid, Action="lambda:InvokeFunction", **options)["Statement"])
print(permit("events", Principal="events.amazonaws.com", Qualifier="live", SourceArn="arn:aws:events:eu-west-1:123456789012:rule/x"))
print(permit("url", Principal="*", FunctionUrlAuthType="NONE", Qualifier="live")["Condition"])
print(permit("by-url", Principal="*", InvokedViaFunctionUrl=True, Qualifier="live")["Condition"])
failure(lambda: permit("events", Principal="*", Qualifier="live"))
permit("events", Principal="apigateway.amazonaws.com")
def policy(**options):
    return [statement["Sid"] for statement in json.loads(api.get_policy(FunctionName="aliases", **options)["Policy"])["Statement"]]
print(policy(), policy(Qualifier="live"))
api.remove_permission(FunctionName="aliases", StatementId="events", Qualifier="live")
print(policy(), policy(Qualifier="live"))
failure(lambda: api.remove_permission(FunctionName="aliases", StatementId="events", Qualifier="live"))
failure(lambda: policy(Qualifier="1"))
alias(api.delete_alias)
alias(api.create_alias, FunctionVersion="1")
failure(lambda: policy(Qualifier="live"))
"#,
    );
    expect_test::expect![[r#"
        409 ResourceConflictException | Alias already exists: arn:aws:lambda:eu-west-1:123456789012:function:aliases:live
        409 ResourceConflictException | Version arn:aws:lambda:eu-west-1:123456789012:function:aliases:1 cannot be deleted because it is referenced by the following aliases: [live]
        True
        412 PreconditionFailedException | The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId
        0
        {'Action': 'lambda:InvokeFunction', 'Principal': {'Service': 'events.amazonaws.com'}, 'Effect': 'Allow', 'Resource': 'arn:aws:lambda:eu-west-1:123456789012:function:aliases:live', 'Sid': 'events', 'Condition': {'ArnLike': {'AWS:SourceArn': 'arn:aws:events:eu-west-1:123456789012:rule/x'}}}
        {'StringEquals': {'lambda:FunctionUrlAuthType': 'NONE'}}
        {'Bool': {'lambda:InvokedViaFunctionUrl': 'true'}}
        409 ResourceConflictException | The statement id (events) provided already exists. Please provide a new statement id, or remove the existing statement.
        ['events'] ['events', 'url', 'by-url']
        ['events'] ['url', 'by-url']
        404 ResourceNotFoundException | Statement events is not found in resource policy.
        404 ResourceNotFoundException | The resource you requested does not exist.
        404 ResourceNotFoundException | The resource you requested does not exist.
    "#]].assert_eq(&printed);
}

#[test]
fn qualifiers_have_urls_and_provisioned_concurrency() {
    let printed = run(
        &Aws::new(),
        r#"
function("urls", Publish=True)
api = client("lambda")
api.create_alias(FunctionName="urls", Name="live", FunctionVersion="1")
live = {"FunctionName": "urls", "Qualifier": "live"}
made = api.create_function_url_config(**live, AuthType="NONE")
print(made["FunctionArn"], made["InvokeMode"], made["FunctionUrl"][-1])
failure(lambda: api.create_function_url_config(**live, AuthType="NONE"))
print(api.update_function_url_config(**live, InvokeMode="RESPONSE_STREAM")["InvokeMode"])
failure(lambda: api.get_function_url_config(FunctionName="urls"))
print(len(api.list_function_url_configs(FunctionName="urls")["FunctionUrlConfigs"]))
api.delete_function_url_config(**live)
print(len(api.list_function_url_configs(FunctionName="urls")["FunctionUrlConfigs"]))
print(api.put_provisioned_concurrency_config(**live, ProvisionedConcurrentExecutions=3)["Status"])
print(api.get_provisioned_concurrency_config(**live)["RequestedProvisionedConcurrentExecutions"])
print(api.list_provisioned_concurrency_configs(FunctionName="urls")["ProvisionedConcurrencyConfigs"][0]["FunctionArn"])
api.delete_provisioned_concurrency_config(**live)
failure(lambda: api.get_provisioned_concurrency_config(**live))
print(api.get_account_settings()["AccountLimit"]["CodeSizeZipped"])
"#,
    );
    expect_test::expect![[r#"
        arn:aws:lambda:eu-west-1:123456789012:function:urls:live BUFFERED /
        409 ResourceConflictException | Failed to create function url config for [functionArn = arn:aws:lambda:eu-west-1:123456789012:function:urls:live]. Error message:  FunctionUrlConfig exists for this Lambda function
        RESPONSE_STREAM
        404 ResourceNotFoundException | The resource you requested does not exist.
        1
        0
        READY
        3
        arn:aws:lambda:eu-west-1:123456789012:function:urls:live
        404 ProvisionedConcurrencyConfigNotFoundException | No Provisioned Concurrency Config found for this function
        52428800
    "#]].assert_eq(&printed);
}

#[test]
fn rest_apis_are_imported_whole() {
    let printed = run(
        &Aws::new(),
        r#"
api = client("apigateway")
method = {"security": [{"own": []}, {"key": []}], "x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "POST", "uri": "arn:f"}}
authorizer = {"type": "token", "authorizerUri": "arn:a"}
document = json.dumps({
    "openapi": "3.0.1",
    "info": {"title": "whole", "version": "1"},
    "paths": {path: {"x-amazon-apigateway-any-method": method} for path in ("/", "/{proxy+}")},
    "x-amazon-apigateway-binary-media-types": ["*/*"],
    "components": {"securitySchemes": {
        "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "own": {"type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authorizer": authorizer},
    }},
})
made = api.import_rest_api(body=document, parameters={"endpointConfigurationTypes": "REGIONAL"})
print(made["binaryMediaTypes"], made["endpointConfiguration"])
here = {"restApiId": made["id"]}
def show():
    for resource in sorted(api.get_resources(**here, embed=["methods"])["items"], key=lambda resource: resource["path"]):
        found = resource["resourceMethods"]["ANY"]
        print(resource["path"], found["authorizationType"], found["apiKeyRequired"], found["methodIntegration"]["uri"])
    print([(found["type"], found["authorizerUri"], found["identitySource"]) for found in api.get_authorizers(**here)["items"]])
show()
first = api.create_deployment(**here, stageName="prod")["id"]
api.update_stage(**here, stageName="prod", patchOperations=[{"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}])
failure(lambda: api.delete_deployment(**here, deploymentId=first))
second = api.create_deployment(**here, stageName="prod")["id"]
stage = api.get_stage(**here, stageName="prod")
print(stage["methodSettings"]["*/*"]["metricsEnabled"], stage["deploymentId"] == second)
api.delete_deployment(**here, deploymentId=first)
plan = api.create_usage_plan(name="whole", apiStages=[{"apiId": made["id"], "stage": "prod"}])["id"]
try:
    api.delete_usage_plan(usagePlanId=plan)
except api.exceptions.BadRequestException:
    print("in use")
api.put_rest_api(**here, mode="overwrite", body=document)
show()
api.tag_resource(resourceArn=f"arn:aws:apigateway:eu-west-1::/restapis/{made['id']}", tags={"zappa:stage": "prod"})
print(api.get_rest_api(**here)["tags"])
patches = [{"op": "add", "path": "/binaryMediaTypes/image~1png"}, {"op": "remove", "path": "/binaryMediaTypes/*~1*"}]
print(api.update_rest_api(**here, patchOperations=patches)["binaryMediaTypes"])
api.delete_rest_api(**here)
api.delete_usage_plan(usagePlanId=plan)
failure(lambda: api.delete_rest_api(**here))
"#,
    );
    expect_test::expect![[r#"
        ['*/*'] {'types': ['REGIONAL']}
        / CUSTOM True arn:f
        /{proxy+} CUSTOM True arn:f
        [('TOKEN', 'arn:a', 'method.request.header.Authorization')]
        400 BadRequestException | Active stages pointing to this deployment must be moved or deleted
        True True
        in use
        / CUSTOM True arn:f
        /{proxy+} CUSTOM True arn:f
        [('TOKEN', 'arn:a', 'method.request.header.Authorization')]
        {'zappa:stage': 'prod'}
        ['image/png']
        404 NotFoundException | Invalid Rest API Id specified
    "#]]
    .assert_eq(&printed);
}

#[test]
fn http_apis_and_buckets_refuse_what_aws_refuses() {
    let printed = run(
        &Aws::new(),
        r#"
api = client("apigatewayv2")
here = {"ApiId": api.create_api(Name="refusing", ProtocolType="HTTP")["ApiId"]}
for _ in range(2):
    failure(lambda: api.create_route(**here, RouteKey="$default") and print("route"))
    failure(lambda: api.create_stage(**here, StageName="$default", AutoDeploy=True, Tags={"a": "b"}) and print("stage"))
changed = api.update_stage(**here, StageName="$default", AccessLogSettings={"DestinationArn": "arn:x", "Format": "f"})
print(changed["AutoDeploy"], changed["AccessLogSettings"], changed["Tags"])
api.delete_api(**here)
try:
    api.delete_api(**here)
except api.exceptions.NotFoundException:
    print("gone")
store = client("s3")
store.create_bucket(Bucket="tls-only", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
tls_only = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::tls-only/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
store.put_bucket_policy(Bucket="tls-only", Policy=json.dumps({"Version": "2012-10-17", "Statement": [tls_only]}))
store.put_object(Bucket="tls-only", Key="key", Body=b"content")
print(store.get_object(Bucket="tls-only", Key="key")["Body"].read())
upload = {"Bucket": "tls-only", "Key": "big", "UploadId": store.create_multipart_upload(Bucket="tls-only", Key="big")["UploadId"]}
store.abort_multipart_upload(**upload)
failure(lambda: store.upload_part(**upload, PartNumber=1, Body=b"late"))
"#,
    );
    expect_test::expect![[r#"
        route
        stage
        409 ConflictException | Route with key $default already exists for this API
        409 ConflictException | Stage already exists
        True {'DestinationArn': 'arn:x', 'Format': 'f'} {'a': 'b'}
        gone
        b'content'
        404 NoSuchUpload | The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.
    "#]]
    .assert_eq(&printed);
}
