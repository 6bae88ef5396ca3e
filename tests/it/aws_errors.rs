//! What AWS refuses, in the words that the user sees.

use std::fmt::Write as _;

use expect_test::expect;

use crate::aws_deploy::stage::Stage;
use crate::support::aws::Fault;
use crate::support::{Aws, TestProject};

/// Status, code and message as AWS sends them.
const LAMBDA: &[(u16, &str, &str)] = &[
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:ListVersionsByFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:errors-dev because no identity-based policy allows the lambda:ListVersionsByFunction action",
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/shop because no identity-based policy allows the iam:PassRole action",
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:GetAlias on resource: * with an explicit deny in a service control policy",
    ),
    (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:GetAlias on resource: * because no permissions boundary allows the lambda:GetAlias action",
    ),
    (403, "AccessDeniedException", "Not allowed. Encoded authorization failure message: bm90aGluZw"),
    (403, "AccessDeniedException", "Cross-account pass role is not allowed."),
    (403, "ExpiredTokenException", "The security token included in the request is expired"),
    (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    (
        403,
        "InvalidSignatureException",
        "Signature expired: 20261124T000000Z is now earlier than 20261124T010000Z (20261124T011500Z - 15 min.)",
    ),
    (403, "InvalidSignatureException", "The request signature we calculated does not match the signature you provided."),
    (403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service"),
    (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    (413, "RequestEntityTooLargeException", "Request must be smaller than 70167211 bytes for the CreateFunction operation"),
    (400, "CodeStorageExceededException", "Code storage limit exceeded."),
    (400, "InvalidParameterValueException", "Unzipped size must be smaller than 262144000 bytes"),
    (
        400,
        "InvalidParameterValueException",
        "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.",
    ),
    (502, "SubnetIPAddressLimitReachedException", "no addresses"),
    (400, "InvalidParameterValueException", "Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound."),
    (400, "InvalidParameterValueException", "Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound."),
    (400, "InvalidParameterValueException", "The provided execution role does not have permissions to call CreateNetworkInterface on EC2"),
    (400, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."),
    (
        400,
        "InvalidParameterValueException",
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
    ),
    (400, "InvalidParameterValueException", "python3.11 is not supported for SnapStart enabled functions."),
    (
        400,
        "ValidationException",
        "1 validation error detected: Value 'python3.99' at 'runtime' failed to satisfy constraint: Member must satisfy enum value set",
    ),
    (
        400,
        "ValidationException",
        "1 validation error detected: Value '10240' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 3008",
    ),
    (400, "InvalidParameterValueException", "Layer version arn:aws:lambda:eu-west-1:123456789012:layer:x:9 does not exist."),
    (400, "EFSMountTimeoutException", "timed out"),
    (502, "KMSAccessDeniedException", "Lambda was unable to decrypt the environment variables"),
    (
        409,
        "ResourceConflictException",
        "The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:123456789012:function:errors-dev",
    ),
    (400, "ServiceQuotaExceededException", "Too many aliases"),
    (400, "InvalidParameterValueException", "Something new"),
    (418, "NeverHeardOfException", "Something newer"),
];

#[test]
fn every_code_has_its_words() {
    let stage = Stage::new("errors", "");
    let mut text = String::new();
    for (status, code, message) in LAMBDA {
        stage.aws.clear();
        stage.aws.fault(Fault::error(*status, code, message).on("lambda:ListVersionsByFunction"));
        let outcome = stage.project.zappa(["status"]).expect_code(1);
        let _ = writeln!(text, "--- {code}\n{}", outcome.stderr.trim_end());
    }
    expect![[r#"
        --- AccessDeniedException
        error: access denied for `lambda:ListVersionsByFunction` on `errors-dev`
          Caused by: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:ListVersionsByFunction on resource: arn:aws:lambda:eu-west-1:123456789012:function:errors-dev because no identity-based policy allows the lambda:ListVersionsByFunction action (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: allow `arn:aws:iam::123456789012:user/ci` `lambda:ListVersionsByFunction`, or choose another profile with `profile_name`
        hint: `zappa template --part deployer` prints all that a deployment needs
        --- AccessDeniedException
        error: access denied for `iam:PassRole` on `arn:aws:iam::123456789012:role/shop`
          Caused by: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/shop because no identity-based policy allows the iam:PassRole action (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: allow `arn:aws:iam::123456789012:user/ci` `iam:PassRole`, or choose another profile with `profile_name`
        hint: `zappa template --part deployer` prints all that a deployment needs
        --- AccessDeniedException
        error: access denied for `lambda:GetAlias` on `*`
          Caused by: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:GetAlias on resource: * with an explicit deny in a service control policy (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: a service control policy forbids it, which no other permission outweighs: ask whoever keeps the account
        --- AccessDeniedException
        error: access denied for `lambda:GetAlias` on `*`
          Caused by: User: arn:aws:iam::123456789012:user/ci is not authorized to perform: lambda:GetAlias on resource: * because no permissions boundary allows the lambda:GetAlias action (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: a permissions boundary forbids it, which no other permission outweighs: ask whoever keeps the account
        --- AccessDeniedException
        error: access denied for `lambda:ListVersionsByFunction` on `errors-dev`
          Caused by: Not allowed. (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: allow the profile's user or role `lambda:ListVersionsByFunction`, or choose another profile with `profile_name`
        hint: `zappa template --part deployer` prints all that a deployment needs
        --- AccessDeniedException
        error: the role of `errors-dev` is another account's
          Caused by: Cross-account pass role is not allowed. (AccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set `role_arn` to a role of the account that the function is in, or choose another profile with `profile_name`
        --- ExpiredTokenException
        error: the credentials for AWS have expired
          Caused by: The security token included in the request is expired (ExpiredTokenException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: get new ones (`aws sso login`, or whatever gave them)
        hint: `profile_name` (or `AWS_PROFILE`) chooses another profile
        --- UnrecognizedClientException
        error: AWS does not know these credentials
          Caused by: The security token included in the request is invalid. (UnrecognizedClientException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check access key, secret key and session token
        hint: `profile_name` (or `AWS_PROFILE`) chooses another profile
        hint: a region that the account has not enabled answers like this, too
        --- InvalidSignatureException
        error: this machine's clock differs too much from that of AWS
          Caused by: Signature expired: 20261124T000000Z is now earlier than 20261124T010000Z (20261124T011500Z - 15 min.) (InvalidSignatureException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set the clock; AWS takes five minutes of difference
        --- InvalidSignatureException
        error: AWS does not know these credentials
          Caused by: The request signature we calculated does not match the signature you provided. (InvalidSignatureException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check access key, secret key and session token
        hint: `profile_name` (or `AWS_PROFILE`) chooses another profile
        hint: a region that the account has not enabled answers like this, too
        --- OptInRequired
        error: the account may not use `lambda`
          Caused by: The AWS Access Key Id needs a subscription for the service (OptInRequired, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: look into the account's state and its billing in AWS's console
        --- AuthFailure
        error: the region is not enabled for the account (`lambda:ListVersionsByFunction`)
          Caused by: AWS was not able to validate the provided access credentials (AuthFailure, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: enable the region in the account's settings, or set another `aws_region`
        --- RequestEntityTooLargeException
        error: the archive is too large to be sent along (`lambda:ListVersionsByFunction` on `errors-dev`)
          Caused by: Request must be smaller than 70167211 bytes for the CreateFunction operation (RequestEntityTooLargeException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set `s3_bucket`: archives then go through it
        hint: `zappa package --list` shows what is in it; `exclude` leaves things out
        --- CodeStorageExceededException
        error: the account's storage for code is full in this region
          Caused by: Code storage limit exceeded. (CodeStorageExceededException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: remove old functions, versions and layers; a lower `num_retained_versions` keeps fewer
        --- InvalidParameterValueException
        error: `errors-dev` is larger than Lambda allows, unzipped and with layers
          Caused by: Unzipped size must be smaller than 262144000 bytes (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: `zappa package --list` shows what is in it; `exclude` leaves things out, and `layers` count too
        --- InvalidParameterValueException
        error: Lambda does not take the environment variables of `errors-dev`
          Caused by: Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: all of `environment_variables` may have 4 kB; names that Lambda sets itself are reserved
        --- SubnetIPAddressLimitReachedException
        error: the subnets of `errors-dev` have no free addresses
          Caused by: no addresses (SubnetIPAddressLimitReachedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: use larger or more subnets in `vpc_config`
        --- InvalidParameterValueException
        error: a subnet of `errors-dev` cannot be used
          Caused by: Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `SubnetIds` of `vpc_config`: all must be in this region and in one VPC
        --- InvalidParameterValueException
        error: a security group of `errors-dev` cannot be used
          Caused by: Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `SecurityGroupIds` of `vpc_config`: they must belong to the VPC of the subnets
        --- InvalidParameterValueException
        error: the role of `errors-dev` lacks `ec2:CreateNetworkInterface`
          Caused by: The provided execution role does not have permissions to call CreateNetworkInterface on EC2 (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: add `ec2:CreateNetworkInterface` to the role, or to `extra_permissions` if the role is managed here
        hint: a changed role takes some seconds to be known everywhere: run the command again
        --- InvalidParameterValueException
        error: Lambda cannot take the role of `errors-dev`
          Caused by: The role defined for the function cannot be assumed by Lambda. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: a new role takes some seconds to be known everywhere: run the command again
        hint: `assume_policy`, and the trust of a role of your own, must let `lambda.amazonaws.com` do `sts:AssumeRole`
        --- InvalidParameterValueException
        error: the account has too little concurrency left for `errors-dev`
          Caused by: Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: lower `lambda_concurrency` (100 must be left for all other functions), or ask AWS for a higher quota
        --- InvalidParameterValueException
        error: SnapStart does not work for `errors-dev`
          Caused by: python3.11 is not supported for SnapStart enabled functions. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set `snap_start = "None"`, or choose a runtime, size of `/tmp` and region that have it
        --- ValidationException
        error: Lambda does not offer the runtime or the architecture of `errors-dev` here
          Caused by: 1 validation error detected: Value 'python3.99' at 'runtime' failed to satisfy constraint: Member must satisfy enum value set (ValidationException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set another `runtime` or `architecture`; not every region has all of them
        --- ValidationException
        error: the account does not allow `errors-dev` as much memory
          Caused by: 1 validation error detected: Value '10240' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 3008 (ValidationException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: lower `memory_size`, or ask AWS for more (new accounts have less)
        --- InvalidParameterValueException
        error: a layer of `errors-dev` cannot be used
          Caused by: Layer version arn:aws:lambda:eu-west-1:123456789012:layer:x:9 does not exist. (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `layers`: each is the ARN of a layer version in this region that the account may use
        --- EFSMountTimeoutException
        error: `errors-dev` cannot mount its file system
          Caused by: timed out (EFSMountTimeoutException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `efs_config`: a mount target in every subnet of `vpc_config`, and a security group that lets port 2049 through
        --- KMSAccessDeniedException
        error: the KMS key of `errors-dev` cannot be used
          Caused by: Lambda was unable to decrypt the environment variables (KMSAccessDeniedException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `aws_kms_key_arn`: the key must be enabled, and let both the deploying user and the role use it
        --- ResourceConflictException
        error: `errors-dev` is being changed by somebody else (`lambda:ListVersionsByFunction`)
          Caused by: The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:eu-west-1:123456789012:function:errors-dev (ResourceConflictException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: run the command again once that has ended
        --- ServiceQuotaExceededException
        error: a quota of the account is exhausted (`lambda:ListVersionsByFunction` on `errors-dev`)
          Caused by: Too many aliases (ServiceQuotaExceededException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: remove what is not needed any more, or ask AWS for a higher quota (console: Service Quotas)
        --- InvalidParameterValueException
        error: AWS does not take what `lambda:ListVersionsByFunction` asks for `errors-dev`
          Caused by: Something new (InvalidParameterValueException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)
        --- NeverHeardOfException
        error: `lambda:ListVersionsByFunction` failed on `errors-dev`
          Caused by: Something newer (NeverHeardOfException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)
    "#]].assert_eq(&text);
}

#[test]
fn roles_and_buckets_have_theirs() {
    let stage = Stage::new("errors-bucket", "s3_bucket = \"somebody-elses\"\n");
    let mut text = String::new();
    let faults = [
        ("iam:CreateRole", 409, "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"),
        ("iam:PutRolePolicy", 400, "MalformedPolicyDocument", "Syntax errors in policy."),
        ("s3:HeadBucket", 403, "", ""),
        ("s3:HeadBucket", 301, "", ""),
        ("s3:CreateBucket", 409, "BucketAlreadyExists", "The requested bucket name is not available."),
        (
            "s3:CreateBucket",
            400,
            "IllegalLocationConstraintException",
            "The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.",
        ),
    ];
    for (operation, status, code, message) in faults {
        stage.aws.clear();
        stage.aws.fault(Fault::error(status, code, message).on(operation));
        let outcome = stage.project.zappa(["deploy"]).expect_code(1);
        let _ = writeln!(text, "--- {operation} {status} {code}\nerror:{}", outcome.stderr.split_once("error:").unwrap().1.trim_end());
    }
    expect![[r#"
        --- iam:CreateRole 409 LimitExceeded
        error: a quota of the account is exhausted (`iam:CreateRole` on `errors-bucket-dev-ZappaLambdaExecutionRole`)
          Caused by: Cannot exceed quota for RolesPerAccount: 1000 (LimitExceeded, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: remove what is not needed any more, or ask AWS for a higher quota (console: Service Quotas)
        --- iam:PutRolePolicy 400 MalformedPolicyDocument
        error: IAM does not take the policy for `errors-bucket-dev-ZappaLambdaExecutionRole` (`iam:PutRolePolicy`)
          Caused by: Syntax errors in policy. (MalformedPolicyDocument, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: check `extra_permissions`, `attach_policy` and `assume_policy`
        --- s3:HeadBucket 403 
        error: access denied for `s3:ListBucket` on `somebody-elses`: it is somebody else's, or the permission is missing
          Caused by: request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f

        hint: allow `s3:ListBucket` on it, or set another `s3_bucket`
        --- s3:HeadBucket 301 
        error: the bucket `somebody-elses` is in another region
          Caused by: request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f

        hint: Lambda takes archives from buckets of its own region only: set another `s3_bucket`, or another `aws_region`
        --- s3:CreateBucket 409 BucketAlreadyExists
        error: the bucket name `somebody-elses` is taken by another account
          Caused by: The requested bucket name is not available. (BucketAlreadyExists, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: set another `s3_bucket`
        --- s3:CreateBucket 400 IllegalLocationConstraintException
        error: the bucket `somebody-elses` is in another region
          Caused by: The unspecified location constraint is incompatible for the region specific endpoint this request was sent to. (IllegalLocationConstraintException, request 5cfb3d5c-5d1f-4d0e-8d7e-0a1b2c3d4e5f)

        hint: Lambda takes archives from buckets of its own region only: set another `s3_bucket`, or another `aws_region`
    "#]].assert_eq(&text);
}

/// A stage whose way to AWS is what `variables` say.
fn nowhere(variables: &[(&str, &str)]) -> TestProject {
    let settings = "[dev]\nproject_name = \"shop\"\napp_function = \"app.app\"\n";
    let project = TestProject::new().file("zappa_settings.toml", settings).env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "*");
    variables.iter().fold(project, |project, (name, value)| project.env(name, *value))
}

#[test]
fn who_gets_nowhere_is_told_why() {
    let region = ("AWS_REGION", "eu-west-1");
    let keys =
        [region, ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")];
    let mut text = String::new();
    let mut tell = |name: &str, project: &TestProject| {
        let _ = writeln!(text, "--- {name}\n{}", project.snapshot(["status"]));
    };
    tell("no region", &nowhere(&keys[1..]));
    tell("no credentials", &nowhere(&[region]));
    tell("no URL", &nowhere(&[&keys[..], &[("AWS_ENDPOINT_URL_LAMBDA", "localhost:4566")]].concat()));
    tell("no endpoint", &nowhere(&[&keys[..], &[("AWS_ENDPOINT_URL", "http://nowhere.invalid")]].concat()));
    tell("no connection", &nowhere(&[&keys[..], &[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]].concat()));
    let mut sso = nowhere(&[("AWS_PROFILE", "sso")]);
    let config = "[profile sso]\nregion = eu-west-1\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = dev\n[sso-session s]\nsso_region = eu-west-1\nsso_start_url = https://example.com/start\n";
    std::fs::create_dir(sso.outside().join(".aws")).unwrap();
    std::fs::write(sso.outside().join(".aws/config"), config).unwrap();
    tell("no sign-in", &sso);
    sso.set_env("AWS_PROFILE", "ghost");
    tell("no such profile", &sso);
    expect![[r#"
        --- no region
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: no region is set

        hint: set `aws_region` for the stage, `region` for the profile, or `AWS_REGION`

        --- no credentials
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: no credentials for AWS
          Caused by: no credentials found in chain. Attempted:
              Environment: the credential provider was not enabled: environment variable not set
              Profile: the credential provider was not enabled
              WebIdentityToken: the credential provider was not enabled: $AWS_WEB_IDENTITY_TOKEN_FILE was not set
              EcsContainer: the credential provider was not enabled: ECS provider not configured
              Ec2InstanceMetadata: the credential provider was not enabled: IMDS disabled by AWS_EC2_METADATA_DISABLED env var set to `true`

        hint: `aws configure` or `aws sso login` sets them up; `profile_name` (or `AWS_PROFILE`) chooses a profile

        --- no URL
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: `AWS_ENDPOINT_URL_LAMBDA` is not the URL of an endpoint: `localhost:4566`

        hint: an endpoint is `https://host` or `http://host:port`

        --- no endpoint
        exit code: 1
        ----- stdout -----
        ----- stderr -----
        error: the endpoint of `lambda` does not exist (`lambda:GetAlias`)
          Caused by: failed to lookup address information: Name or service not known

        hint: check `aws_region`, and `AWS_ENDPOINT_URL` if it is set

        --- no connection
        exit code: 1
        ----- stdout -----
        ----- stderr -----
        error: no connection to `lambda` (`lambda:GetAlias` on `shop-dev`)
          Caused by: Connection refused (os error 111)

        hint: check the network; `HTTPS_PROXY` and `NO_PROXY` lead through a proxy or past it, `AWS_ENDPOINT_URL` to another endpoint

        --- no sign-in
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: the sign-in to AWS (SSO) has expired
          Caused by: failed to load the cached SSO token

        hint: `aws sso login` signs in again (with `--profile`, where one is set)

        --- no such profile
        exit code: 2
        ----- stdout -----
        ----- stderr -----
        error: no region is set

        hint: set `aws_region` for the stage, `region` for the profile, or `AWS_REGION`

    "#]]
    .assert_eq(&text);
}

#[test]
fn traces_tell_of_calls_and_of_no_secret() {
    let stage = Stage::new("traced", "environment_variables = { TOKEN = \"geheim\" }\n");
    let deployed = stage.run(&["deploy", "-vv"]).expect_code(0);
    let traced: Vec<&str> = deployed.stderr.lines().filter(|line| line.contains(" ms")).collect();
    assert!(traced.iter().any(|line| line.starts_with("lambda:CreateFunction /2015-03-31/functions 201 ")), "{}", deployed.stderr);
    assert!(traced.iter().any(|line| line.starts_with("iam:CreateRole 200 ")), "{}", deployed.stderr);
    assert!(traced.len() >= stage.aws.calls().len(), "{}", deployed.stderr);
    for secret in ["geheim", "AKIA", "wJalr", "Signature"] {
        assert!(!deployed.stderr.contains(secret), "{secret}: {}", deployed.stderr);
    }
    stage.aws.clear();
    stage.aws.fault(Fault::throttle().on("lambda:GetAlias").times(1));
    let status = stage.project.zappa(["status", "-vv"]).expect_code(0);
    assert!(status.stderr.lines().any(|line| line.starts_with("lambda:GetAlias") && line.ends_with(" ms, attempt 2")), "{}", status.stderr);
    assert!(!stage.project.zappa(["status", "-v"]).expect_code(0).stderr.contains("lambda:GetAlias"));
}

#[test]
fn a_call_that_must_not_be_done_twice_is_not() {
    let stage = Stage::new("once", "");
    stage.run(&["deploy"]).expect_code(0);
    for (fault, calls, code) in [(Fault::reset_after(), 1, 1), (Fault::server_error(), 1, 1), (Fault::throttle().times(1), 2, 0)] {
        stage.aws.clear();
        stage.aws.fault(fault.on("lambda:Invoke"));
        stage.project.zappa(["invoke", "app.task"]).expect_code(code);
        assert_eq!(stage.aws.calls().iter().filter(|call| call.operation == "Invoke").count(), calls);
    }
}

#[test]
fn the_stand_in_is_reached() {
    // The other tests would pass without it, too.
    let aws = Aws::new();
    aws.project(nowhere(&[])).zappa(["status"]).expect_code(2);
    assert!(!aws.calls().is_empty());
}
