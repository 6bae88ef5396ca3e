//! Recording, groups, faults, kills, states, and functions that run.

use super::{PRELUDE, run};
use crate::support::aws::Fault;
use crate::support::{Aws, TestProject};

#[test]
fn calls_are_named_and_recorded() {
    let aws = Aws::new();
    let printed = run(
        &aws,
        r#"
print(function("named", Publish=True)["Version"])
api = client("lambda")
print(api.publish_version(FunctionName="named")["Version"])
api.create_alias(FunctionName="named", Name="live", FunctionVersion="1")
api.get_alias(FunctionName="named", Name="live")
api.get_function(FunctionName="named", Qualifier="live")
api.list_versions_by_function(FunctionName="named")
arn = api.get_function_configuration(FunctionName="named")["FunctionArn"]
api.tag_resource(Resource=arn, Tags={"a": "b"})
api.list_tags(Resource=arn)
client("sts").get_caller_identity()
client("events").put_rule(Name="named", ScheduleExpression="rate(1 day)")
client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/named")
client("apigateway").get_rest_apis()
client("apigatewayv2").get_apis()
store = client("s3", region_name="us-east-1")
store.create_bucket(Bucket="named-bucket")
store.put_bucket_policy(Bucket="named-bucket", Policy=json.dumps({"Version": "2012-10-17", "Statement": []}))
store.put_public_access_block(Bucket="named-bucket", PublicAccessBlockConfiguration={"BlockPublicAcls": True})
store.list_objects_v2(Bucket="named-bucket")
store.put_object(Bucket="named-bucket", Key="a/b c", Body=b"text")
store.head_object(Bucket="named-bucket", Key="a/b c")
store.copy_object(Bucket="named-bucket", Key="copy", CopySource="named-bucket/a/b c")
upload = store.create_multipart_upload(Bucket="named-bucket", Key="big")["UploadId"]
store.upload_part(Bucket="named-bucket", Key="big", UploadId=upload, PartNumber=1, Body=b"x")
store.list_parts(Bucket="named-bucket", Key="big", UploadId=upload)
store.abort_multipart_upload(Bucket="named-bucket", Key="big", UploadId=upload)
"#,
    );
    assert_eq!(printed, "1\n1\n");
    expect_test::expect![[r#"
        iam:CreateRole
        lambda:CreateFunction
        lambda:PublishVersion
        lambda:CreateAlias
        lambda:GetAlias
        lambda:GetFunction
        lambda:ListVersionsByFunction
        lambda:GetFunctionConfiguration
        lambda:TagResource
        lambda:ListTags
        sts:GetCallerIdentity
        events:PutRule
        logs:DescribeLogGroups
        apigateway:GetRestApis
        apigatewayv2:GetApis
        s3:CreateBucket
        s3:PutBucketPolicy
        s3:PutPublicAccessBlock
        s3:ListObjectsV2
        s3:PutObject
        s3:HeadObject
        s3:CopyObject
        s3:CreateMultipartUpload
        s3:UploadPart
        s3:ListParts
        s3:AbortMultipartUpload
    "#]]
    .assert_eq(&aws.text());
}

#[test]
fn requests_are_kept_whole() {
    let aws = Aws::new();
    run(
        &aws,
        "function('whole', Environment={'Variables': {'COLOUR': 'red'}}); client('lambda').get_function(FunctionName='whole', Qualifier='$LATEST')",
    );
    let calls = aws.calls();
    let create = &calls[1];
    assert_eq!((create.number, create.method.as_str(), create.path.as_str()), (2, "POST", "/2015-03-31/functions"));
    assert_eq!((create.name().as_str(), create.region.as_str(), create.status), ("lambda:CreateFunction", "eu-west-1", Some(201)));
    assert_eq!(create.json()["Environment"]["Variables"]["COLOUR"], "red");
    assert!(create.header("authorization").unwrap().starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/"));
    assert_eq!(calls[2].path, "/2015-03-31/functions/whole?Qualifier=%24LATEST");
}

#[test]
fn functions_run() {
    let aws = Aws::new();
    let printed = run(
        &aws,
        r#"
source = """
import os, sys
print("init")
def handler(event, context):
    print("called", event)
    if event == "raise":
        raise ValueError("as asked")
    if event == "exit":
        os._exit(3)
    return [event, os.environ["COLOUR"], os.environ["AWS_REGION"], context.function_version, context.get_remaining_time_in_millis() > 0]
"""
function("running", source, Publish=True, Environment={"Variables": {"COLOUR": "red"}})
api = client("lambda")
api.update_function_configuration(FunctionName="running", Environment={"Variables": {"COLOUR": "blue"}})
api.publish_version(FunctionName="running")
api.create_alias(FunctionName="running", Name="live", FunctionVersion="1")
for qualifier in "live", "2", "$LATEST":
    answer = api.invoke(FunctionName="running", Qualifier=qualifier, Payload=json.dumps({"qualifier": "9"}))
    print(answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"].read().decode())
for event in "raise", "exit":
    answer = api.invoke(FunctionName="running", Payload=json.dumps(event), LogType="Tail")
    error = json.loads(answer["Payload"].read())
    print(answer["FunctionError"], error["errorType"], without_ids(error["errorMessage"]))
    print(without_ids(base64.b64decode(answer["LogResult"]).decode()).split("[ERROR]")[0])
print(api.invoke(FunctionName="running", InvocationType="Event", Payload="1")["StatusCode"])
print(api.invoke(FunctionName="running", InvocationType="DryRun")["StatusCode"])
failure(lambda: api.invoke(FunctionName="running", Qualifier="7"))
streams = client("logs").describe_log_streams(logGroupName="/aws/lambda/running")["logStreams"]
print(len(streams) >= 5)
"#,
    );
    expect_test::expect![[r#"
        200 1 [{"qualifier": "9"}, "red", "eu-west-1", "1", true]
        200 2 [{"qualifier": "9"}, "blue", "eu-west-1", "2", true]
        200 $LATEST [{"qualifier": "9"}, "blue", "eu-west-1", "$LATEST", true]
        Unhandled ValueError as asked
        START RequestId: [ID] Version: $LATEST
        init
        called raise

        Unhandled Runtime.ExitError RequestId: [ID] Error: Runtime exited with error: exit status 3
        START RequestId: [ID] Version: $LATEST
        init
        called exit
        END RequestId: [ID]
        REPORT RequestId: [ID]	Duration: 0.00 ms	Billed Duration: 1 ms	Memory Size: 128 MB	Max Memory Used: 64 MB	Init Duration: 0.00 ms	

        202
        204
        404 ResourceNotFoundException | Function not found: arn:aws:lambda:eu-west-1:123456789012:function:running:7
        True
    "#]]
    .assert_eq(&printed);
}

#[test]
fn each_fault_is_what_an_sdk_would_see() {
    let aws = Aws::new();
    let services = [
        ("lambda:GetFunction", r#"client("lambda").get_function(FunctionName="f")"#),
        ("events:DescribeRule", r#"client("events").describe_rule(Name="f")"#),
        ("iam:GetRole", r#"client("iam").get_role(RoleName="f")"#),
        ("s3:GetBucketPolicy", r#"client("s3").get_bucket_policy(Bucket="fault-bucket")"#),
        ("apigateway:GetRestApi", r#"client("apigateway").get_rest_api(restApiId="f")"#),
    ];
    let kinds = [Fault::throttle(), Fault::server_error(), Fault::denied(), Fault::reset_before(), Fault::reset_after()];
    let mut script = String::new();
    for fault in kinds {
        for (name, call) in services {
            aws.fault(fault.clone().on(name).times(1));
            script.push_str(&format!("failure(lambda: {call})\n"));
        }
    }
    expect_test::expect![[r#"
        429 TooManyRequestsException | Rate exceeded
        400 ThrottlingException | Rate exceeded
        400 Throttling | Rate exceeded
        503 SlowDown | Rate exceeded
        429 TooManyRequestsException | Rate exceeded
        500 InternalFailure | An internal error occurred
        500 InternalFailure | An internal error occurred
        500 InternalFailure | An internal error occurred
        500 InternalFailure | An internal error occurred
        500 InternalFailure | An internal error occurred
        403 AccessDeniedException | User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:GetFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:f because no identity-based policy allows the lambda:GetFunction action
        400 AccessDeniedException | User: arn:aws:iam::123456789012:user/ci is not authorized to perform: events:DescribeRule on resource: * because no identity-based policy allows the events:DescribeRule action
        403 AccessDenied | User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:GetRole on resource: * because no identity-based policy allows the iam:GetRole action
        403 AccessDenied | User: arn:aws:iam::123456789012:user/ci is not authorized to perform: s3:GetBucketPolicy on resource: arn:aws:s3:::fault-bucket because no identity-based policy allows the s3:GetBucketPolicy action
        403 AccessDeniedException | User: arn:aws:iam::123456789012:user/ci is not authorized to perform: apigateway:GET on resource: arn:aws:apigateway:eu-west-1::/restapis/f because no identity-based policy allows the apigateway:GET action
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
        ConnectionClosedError
    "#]].assert_eq(&run(&aws, &script));
}

#[test]
fn faults_hit_the_calls_that_they_are_meant_for() {
    let aws = Aws::new();
    aws.fault(Fault::error(400, "First", "one").on("sts").times(1));
    aws.fault(Fault::error(400, "Third", "three").nth(3));
    aws.fault(Fault::hang().nth(5));
    let printed = run(
        &aws,
        r#"
for number in range(1, 7):
    patience = Config(read_timeout=1 if number == 5 else 60)
    failure(lambda: print(client("sts", ONCE.merge(patience)).get_caller_identity()["Account"]))
role("lost")
"#,
    );
    assert_eq!(printed, "400 First | one\n123456789012\n400 Third | three\n123456789012\nReadTimeoutError\n123456789012\n");
    let statuses: Vec<_> = aws.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [Some(400), Some(200), Some(400), Some(200), None, Some(200), Some(200)]);
    // What was done before the connection broke stays done.
    aws.clear();
    aws.fault(Fault::reset_after().on("iam:CreateRole"));
    let printed = run(&aws, r#"failure(lambda: role("kept")); print(client("iam").get_role(RoleName="kept")["Role"]["RoleName"])"#);
    assert_eq!(printed, "ConnectionClosedError\nkept\n");
}

#[test]
fn calls_that_wait_for_each_other_make_a_chain() {
    let aws = Aws::new();
    aws.proxy.in_step();
    run(
        &aws,
        r#"
clients = [client("sts"), client("iam")]
def call(index):
    clients[index].get_caller_identity() if index == 0 else clients[index].list_roles()
def together():
    threads = [threading.Thread(target=call, args=[index]) for index in (0, 1)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
together()
clients[0].get_caller_identity()
together()
"#,
    );
    assert_eq!(aws.text(), "iam:ListRoles  sts:GetCallerIdentity\nsts:GetCallerIdentity\niam:ListRoles  sts:GetCallerIdentity\n");
    assert_eq!(aws.chain_length(), 3);
}

#[test]
fn a_run_is_killed_between_two_calls() {
    let aws = Aws::new();
    let script = format!("{PRELUDE}\nfor name in 'killed-1', 'killed-2', 'killed-3': role(name)\nprint('done')");
    assert!(aws.killed_after(2, aws.python(&script)).is_none());
    let left = "print(sorted(role['RoleName'] for role in client('iam').list_roles()['Roles'] if role['RoleName'].startswith('killed-')))";
    assert_eq!(run(&aws, left), "['killed-1', 'killed-2']\n");
    let ended = aws.killed_after(2, aws.python("print('no calls')")).unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "no calls\n"));
}

#[test]
fn functions_take_their_time_if_they_are_told_to() {
    let aws = Aws::new();
    aws.proxy.slow_states();
    let printed = run(
        &aws,
        r#"
api = client("lambda")
print(function("slow")["State"])
failure(lambda: api.invoke(FunctionName="slow"))
failure(lambda: api.publish_version(FunctionName="slow"))
for _ in range(3):
    print(api.get_function(FunctionName="slow")["Configuration"]["State"])
print(api.update_function_configuration(FunctionName="slow", MemorySize=256)["LastUpdateStatus"])
failure(lambda: api.update_function_code(FunctionName="slow", ZipFile=archive("x = 1")))
for _ in range(3):
    print(api.get_function_configuration(FunctionName="slow")["LastUpdateStatus"])
print(api.publish_version(FunctionName="slow")["Version"])
"#,
    );
    expect_test::expect![[r#"
        Pending
        409 ResourceConflictException | The operation cannot be performed at this time. The function is currently in the following state: Pending
        409 ResourceConflictException | The operation cannot be performed at this time. The function is currently in the following state: Pending
        Pending
        Pending
        Active
        InProgress
        409 ResourceConflictException | The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:123456789012:function:slow
        InProgress
        InProgress
        Successful
        1
    "#]].assert_eq(&printed);
}

#[test]
fn a_call_can_be_preceded_by_somebody_elses() {
    let aws = Aws::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    aws.proxy.before_nth(2, move || sender.send(()).unwrap());
    run(&aws, "client('sts').get_caller_identity()");
    assert!(receiver.try_recv().is_err());
    run(&aws, "client('sts').get_caller_identity()");
    assert!(receiver.try_recv().is_ok());
}

#[test]
fn latency_is_added_to_every_call() {
    let aws = Aws::new();
    aws.proxy.latency(std::time::Duration::from_secs(3));
    let impatient = "failure(lambda: client('sts', Config(retries={'total_max_attempts': 1}, read_timeout=1)).get_caller_identity())";
    assert_eq!(run(&aws, impatient), "ReadTimeoutError\n");
}

#[test]
fn a_bundle_runs_as_it_was_uploaded() {
    let aws = Aws::new();
    let project = aws.project(TestProject::new().with_python());
    project.write(
        "app.py",
        "from flask import Flask\n\napp = Flask(__name__)\n\n\n@app.get(\"/<name>\")\ndef hello(name):\n    return f\"hello {name}\"\n",
    );
    project.write("zappa_settings.toml", "[local]\napp_function = \"app.app\"\ndependencies_layer = false\n");
    project.zappa(["package", "local", "-o", "bundle.zip"]).expect_code(0);
    assert!(aws.calls().is_empty(), "{}", aws.text());
    let archive = project.root().join("bundle.zip");
    let script = r#"
code = {"ZipFile": open(ARCHIVE, "rb").read()}
handler = "zappa.handler.lambda_handler"
api = client("lambda")
api.create_function(FunctionName="bundle", Runtime="python3.11", Handler=handler, Role=role("bundle"), Code=code, Timeout=60)
request = {"http": {"method": "GET", "path": "/jane", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"}, "stage": "$default"}
event = {"version": "2.0", "rawPath": "/jane", "rawQueryString": "", "headers": {"host": "x.test"}, "requestContext": request, "isBase64Encoded": False}
answer = json.loads(api.invoke(FunctionName="bundle", Payload=json.dumps(event))["Payload"].read())
print(answer.get("statusCode"), answer.get("body") or answer)
"#;
    assert_eq!(run(&aws, &format!("ARCHIVE = {:?}\n{script}", archive.to_str().unwrap())), "200 hello jane\n");
}
