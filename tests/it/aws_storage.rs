//! Archives on their way to Lambda through a bucket.

use expect_test::expect;

use crate::aws_deploy::stage::Stage;
use crate::support::aws::{Fault, models};
use crate::support::random::Random;

/// The calls to S3 of the last run; those that were repeated are counted.
fn calls(stage: &Stage) -> String {
    models::validate(&stage.aws.calls());
    let mut calls: Vec<(String, usize)> = Vec::new();
    for call in stage.aws.calls().iter().filter(|call| call.service == "s3") {
        match calls.iter_mut().find(|(name, _)| *name == call.operation) {
            Some((_, count)) => *count += 1,
            None => calls.push((call.operation.clone(), 1)),
        }
    }
    // What goes out together comes in any order.
    calls.sort();
    calls.iter().map(|(name, count)| if *count == 1 { format!("{name}\n") } else { format!("{name} ×{count}\n") }).collect()
}

/// A file that cannot be compressed.
fn noise(megabytes: usize) -> Vec<u8> {
    let mut random = Random(7);
    (0..megabytes << 17).flat_map(|_| random.next().to_le_bytes()).collect()
}

#[track_caller]
fn s3(stage: &Stage, script: &str) -> String {
    let output = stage.aws.python(&format!("import boto3, json\ns3 = boto3.client('s3')\n{script}")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_bucket_that_the_settings_name_is_made_and_used() {
    let stage = Stage::new("archives", "s3_bucket = \"archives-of-a-test\"\ndelete_s3_zip = false\ndependencies_layer = false\n");
    stage.json(&["deploy"]);
    expect![[r#"
        CreateBucket
        HeadBucket
        PutBucketEncryption
        PutBucketLifecycleConfiguration
        PutBucketPolicy
        PutBucketTagging
        PutObject
        PutPublicAccessBlock
    "#]]
    .assert_eq(&calls(&stage));
    expect![[r#"
        eu-west-1
        {'BlockPublicAcls': True, 'IgnorePublicAcls': True, 'BlockPublicPolicy': True, 'RestrictPublicBuckets': True}
        [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'AES256'}, 'BucketKeyEnabled': False}]
        [{'Expiration': {'Days': 7}, 'ID': 'zappa', 'Filter': {'Prefix': 'zappa/'}, 'Status': 'Enabled', 'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': 1}}, {'ID': 'zappa-dependencies', 'Filter': {'Prefix': 'zappa-dependencies/'}, 'Status': 'Enabled', 'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': 1}}]
        {"Version":"2012-10-17","Statement":[{"Sid":"OnlyTls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::archives-of-a-test","arn:aws:s3:::archives-of-a-test/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}
        ['zappa:project', 'zappa:bucket']
    "#]].assert_eq(&s3(&stage, SHOW.replace("BUCKET", "archives-of-a-test").as_str()));

    stage.version("two");
    stage.json(&["update"]);
    expect![[r#"
        HeadBucket
        HeadObject
        PutObject
    "#]]
    .assert_eq(&calls(&stage));
    // The first archive is still there.
    stage.version("one");
    stage.json(&["update"]);
    expect![[r#"
        HeadBucket
        HeadObject
    "#]]
    .assert_eq(&calls(&stage));

    stage.settings("s3_bucket = \"archives-of-a-test\"\ndependencies_layer = false\n");
    stage.version("three");
    stage.json(&["update"]);
    expect![[r#"
        DeleteObject
        HeadBucket
        HeadObject
        PutObject
    "#]]
    .assert_eq(&calls(&stage));
    let count = "print(s3.list_objects_v2(Bucket='archives-of-a-test')['KeyCount'])";
    assert_eq!(s3(&stage, count), "2\n");
    stage.json(&["undeploy", "--yes"]);
    expect![[r#"
        DeleteObjects
        ListMultipartUploads ×2
        ListObjectsV2 ×2
    "#]]
    .assert_eq(&calls(&stage));
    assert_eq!(s3(&stage, count), "0\n");
}

/// How a bucket is set up.
const SHOW: &str = r#"
bucket = "BUCKET"
print(s3.get_bucket_location(Bucket=bucket)["LocationConstraint"])
print(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"])
print(s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"])
print(s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"])
print(s3.get_bucket_policy(Bucket=bucket)["Policy"])
print([tag["Key"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]])
"#;

#[test]
fn an_interrupted_upload_is_gone_on_with() {
    let stage = Stage::new("large", "dependencies_layer = false\n");
    // More than can be sent along with a call.
    stage.project.write("noise.bin", noise(52));
    let bucket = "zappa-large-123456789012-eu-west-1";
    let deployment = stage.run(&["deploy"]).expect_code(0);
    let first = stage.aws.calls();
    expect![[r#"
        CompleteMultipartUpload
        CreateBucket
        CreateMultipartUpload
        DeleteObject
        GetBucketTagging
        HeadObject
        ListMultipartUploads
        PutBucketEncryption
        PutBucketLifecycleConfiguration
        PutBucketPolicy
        PutBucketTagging
        PutPublicAccessBlock
        UploadPart ×7
    "#]]
    .assert_eq(&calls(&stage));
    assert!(deployment.stderr.contains(&format!("upload to {bucket}")), "{}", deployment.stderr);
    let before_end = first.iter().position(|call| call.operation == "CompleteMultipartUpload").unwrap();

    // All parts are there, but nobody has put them together.
    stage.run(&["undeploy", "--yes"]).expect_code(0);
    let there = "print([bucket['Name'] for bucket in s3.list_buckets()['Buckets'] if 'large' in bucket['Name']])";
    assert_eq!(s3(&stage, there), "[]\n");
    assert!(stage.aws.killed_after(before_end, stage.project.command(["deploy"])).is_none());
    stage.run(&["deploy"]).expect_code(0);
    expect![[r#"
        CompleteMultipartUpload
        DeleteObject
        GetBucketTagging
        HeadObject
        ListMultipartUploads
        ListParts
    "#]]
    .assert_eq(&calls(&stage));
    assert_eq!(
        s3(
            &stage,
            &format!(
                "print(s3.list_objects_v2(Bucket='{bucket}')['KeyCount'], s3.list_multipart_uploads(Bucket='{bucket}').get('Uploads'))"
            )
        ),
        "0 None\n"
    );
    stage.run(&["undeploy", "--yes"]).expect_code(0);
    expect![[r#"
        DeleteBucket
        GetBucketTagging
        ListMultipartUploads ×2
        ListObjectsV2 ×2
    "#]]
    .assert_eq(&calls(&stage));
}

#[test]
fn dependencies_to_be_fetched_are_kept_as_long_as_somebody_does() {
    let stage = Stage::new("slim", "slim_handler = true\nnum_retained_versions = 1\n");
    stage.depend("1.0");
    stage.json(&["deploy"]);
    expect![[r#"
        CreateBucket
        GetBucketTagging
        HeadObject
        PutBucketEncryption
        PutBucketLifecycleConfiguration
        PutBucketPolicy
        PutBucketTagging
        PutObject
        PutPublicAccessBlock
    "#]]
    .assert_eq(&calls(&stage));
    let found = stage.inventory();
    // No other bucket, no other function's: the role is one for all regions.
    let policy = found["roles"][0]["inline"]["zappa-permissions"]["Statement"].to_string();
    expect![[r#"[{"Action":["lambda:InvokeFunction"],"Effect":"Allow","Resource":["arn:aws:lambda:*:123456789012:function:[name]","arn:aws:lambda:*:123456789012:function:[name]:*"],"Sid":"Tasks"},{"Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Effect":"Allow","Resource":["arn:aws:logs:*:123456789012:log-group:/aws/lambda/[name]","arn:aws:logs:*:123456789012:log-group:/aws/lambda/[name]:*"],"Sid":"Logs"},{"Action":["s3:GetObject"],"Effect":"Allow","Resource":"arn:aws:s3:::zappa-slim-123456789012-*/zappa-dependencies/[name]/*","Sid":"Dependencies"}]"#]].assert_eq(&policy);
    expect![[r#"[{"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1},"Expiration":{"Days":7},"Filter":{"Prefix":"zappa/"},"ID":"zappa","Status":"Enabled"},{"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1},"Filter":{"Prefix":"zappa-dependencies/"},"ID":"zappa-dependencies","Status":"Enabled"}]"#]].assert_eq(&found["buckets"][0]["lifecycle"].to_string());
    let objects =
        || s3(&stage, "print(*[found['Key'] for found in s3.list_objects_v2(Bucket='zappa-slim-123456789012-eu-west-1')['Contents']])");
    let kept = objects();
    assert!(kept.starts_with("zappa-dependencies/slim-dev/") && !kept.contains(' '), "{kept}");

    // Another version with the same: nothing of it is asked for.
    stage.version("two");
    stage.json(&["update"]);
    expect![[r#"
        ListObjectsV2
    "#]]
    .assert_eq(&calls(&stage));
    assert_eq!(objects(), kept);

    // What a run has left that did not come to its end goes with the next one's.
    stage.depend("2.0");
    stage.aws.clear();
    stage.aws.fault(Fault::denied().on("lambda:UpdateFunctionConfiguration").times(1));
    stage.project.zappa(["update"]).expect_code(1);
    assert!(objects().contains(' '), "{}", objects());
    stage.depend("3.0");
    stage.json(&["update"]);
    assert!(!objects().contains(' ') && objects() != kept, "{}", objects());

    let planned = stage.json(&["undeploy", "--dry-run", "--remove-logs"]);
    assert_eq!(stage.json(&["undeploy", "--yes", "--remove-logs"])["removed"], planned["removed"]);
    assert_eq!(stage.inventory(), serde_json::json!({}));
}
