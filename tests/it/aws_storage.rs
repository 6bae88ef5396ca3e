//! Archives on their way to Lambda through a bucket.

use expect_test::expect;

use crate::aws_deploy::stage::Stage;
use crate::support::aws::models;
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
    let stage = Stage::new("archives", "s3_bucket = \"archives-of-a-test\"\ndelete_s3_zip = false\n");
    stage.json(&["deploy"]);
    expect![[r#"
        CreateBucket
        HeadBucket ×2
        HeadObject
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
        [{'Expiration': {'Days': 7}, 'ID': 'zappa', 'Filter': {'Prefix': 'zappa/'}, 'Status': 'Enabled', 'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': 1}}]
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

    stage.settings("s3_bucket = \"archives-of-a-test\"\n");
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
        ListMultipartUploads
        ListObjectsV2
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
    let stage = Stage::new("large", "");
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
        ListMultipartUploads
        ListObjectsV2
    "#]]
    .assert_eq(&calls(&stage));
}
