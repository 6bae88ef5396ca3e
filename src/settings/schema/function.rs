//! The Lambda function and its environment.

use super::Preset::{Derived, Json, Unset};
use super::words;
use super::{Field, Key, Kind};

const VPC: &[Field] = &[
    Field::new("SubnetIds", Kind::List(&Kind::Text)).required(),
    Field::new("SecurityGroupIds", Kind::List(&Kind::Text)).required(),
    Field::new("Ipv6AllowedForDualStack", Kind::Bool),
];

/// Where a file system is mounted that names no place: where zappa/Zappa mounts it.
pub(in crate::settings) const EFS_MOUNT_PATH: &str = "/mnt/efs";

const EFS: &[Field] = &[
    Field::new("Arn", words::ACCESS_POINT_ARN),
    Field::new("LocalMountPath", words::MOUNT_PATH),
    Field::new("ThroughputMode", Kind::Choice(&["bursting", "elastic", "provisioned"])),
    Field::new("PerformanceMode", Kind::Choice(&["generalPurpose", "maxIO"])),
];

const EFS_ONE: Kind = Kind::Table(EFS);
const EFS_SEVERAL: Kind = Kind::List(&EFS_ONE);
const EFS_TABLES: Kind = Kind::Either(&EFS_ONE, &EFS_SEVERAL);

const STORAGE: &[Field] = &[Field::new("Size", Kind::Integer(512, 10_240)).required()];

/// The periods that `PutRetentionPolicy` takes.
const LOG_RETENTION: Kind = Kind::Number(&[
    1.0, 3.0, 5.0, 7.0, 14.0, 30.0, 60.0, 90.0, 120.0, 150.0, 180.0, 365.0, 400.0, 545.0, 731.0, 1096.0, 1827.0, 2192.0, 2557.0, 2922.0,
    3288.0, 3653.0,
]);

const RETAINED: Kind = Kind::Integer(1, 1_000_000);
const ALL: Kind = Kind::Choice(&["all"]);

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "runtime",
        words::RUNTIME,
        Derived("the version of the project's interpreter"),
        "\"python3.13\"",
        "The Python runtime of the function.",
    ),
    Key::new("architecture", Kind::Choice(&["x86_64", "arm64"]), Json("\"x86_64\""), "\"arm64\"", "Instruction set of the function."),
    Key::new("memory_size", Kind::Integer(128, 10_240), Json("512"), "1024", "Memory in MB; processor time comes in proportion."),
    Key::new("timeout_seconds", Kind::Integer(1, 900), Json("30"), "30", "How long one call may take."),
    Key::new(
        "ephemeral_storage",
        Kind::Table(STORAGE),
        Json("{\"Size\": 512}"),
        "{ Size = 1024 }",
        "Size of `/tmp` in MB, from 512 to 10240.",
    ),
    Key::new("lambda_description", words::DESCRIPTION, Json("\"Zappa Deployment\""), "\"The shop\"", "Description of the function.").aws(),
    Key::new(
        "lambda_concurrency",
        Kind::Integer(0, 1_000_000),
        Unset,
        "10",
        "How many requests are served at the same time at most (reserved concurrency; locally the number of sandboxes).",
    ),
    Key::new("provisioned_concurrency", Kind::Integer(1, 1_000_000), Unset, "2", "How many environments stand ready at all times.").aws(),
    Key::new(
        "snap_start",
        Kind::Choice(&["None", "PublishedVersions"]),
        Json("\"None\""),
        "\"PublishedVersions\"",
        "Whether new environments start from a snapshot taken when the version was published.",
    )
    .aws(),
    Key::new(
        "num_retained_versions",
        Kind::Either(&RETAINED, &ALL),
        Json("5"),
        "\"all\"",
        "How many released versions are kept for `zappa rollback`; `\"all\"` keeps every one.",
    )
    .nullable(),
    Key::new(
        "layers",
        Kind::List(&words::LAYER_ARN),
        Json("[]"),
        "[\"arn:aws:lambda:eu-central-1:123456789012:layer:fonts:3\"]",
        "Layers to add to the function, at most five.",
    )
    .aws(),
    Key::new(
        "vpc_config",
        Kind::Table(VPC),
        Json("{}"),
        "{ SubnetIds = [\"subnet-1\", \"subnet-2\"], SecurityGroupIds = [\"sg-1\"] }",
        "The private network that the function joins.",
    )
    .aws(),
    Key::new(
        "efs_config",
        Kind::Either(&Kind::Bool, &EFS_TABLES),
        Unset,
        "{ Arn = \"arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0123456789abcdef0\", LocalMountPath = \"/mnt/efs\" }",
        "The file system to mount, by the ARN of its access point; needs `vpc_config`. File systems are not made: `true`, and a table without `Arn`, \
         are refused on AWS.",
    )
    .aws(),
    Key::new(
        "dead_letter_arn",
        words::DEAD_LETTER_ARN,
        Unset,
        "\"arn:aws:sqs:eu-central-1:123456789012:failed\"",
        "The SQS queue or SNS topic that gets events that failed for good.",
    )
    .aws(),
    Key::new(
        "aws_kms_key_arn",
        words::KEY_ARN,
        Unset,
        "\"arn:aws:kms:eu-central-1:123456789012:key/1234\"",
        "The key that encrypts environment variables at rest.",
    )
    .aws(),
    Key::new("xray_tracing", Kind::Bool, Json("false"), "true", "Whether requests are traced with X-Ray.").aws(),
    Key::new(
        "log_retention_days",
        LOG_RETENTION,
        Unset,
        "30",
        "For how many days CloudWatch Logs keeps what the function logs. Left out: for ever.",
    )
    .aws(),
];

const VARIABLES: Kind = Kind::NamedMap(words::variable_name, &Kind::Text);

pub(super) const ENVIRONMENT_KEYS: &[Key] = &[
    Key::new(
        "environment_variables",
        VARIABLES,
        Json("{}"),
        "{ DATABASE_URL = \"sqlite:////tmp/shop.db\" }",
        "Environment variables of the function. Names and values together may take 4 KB.",
    )
    .secret(),
    Key::new(
        "aws_environment_variables",
        VARIABLES,
        Json("{}"),
        "{ STRIPE_MODE = \"test\" }",
        "As `environment_variables`, which win where both name the same variable.",
    )
    .secret(),
    Key::new("remote_env", Kind::Text, Unset, "\"\"", "An object on S3 with further environment variables.").not_yet(&[], ""),
    Key::new("remote_env_bucket", Kind::Text, Unset, "\"\"", "Legacy form of `remote_env`: the bucket.").not_yet(&[], ""),
    Key::new("remote_env_file", Kind::Text, Unset, "\"\"", "Legacy form of `remote_env`: the object.").not_yet(&[], ""),
];
