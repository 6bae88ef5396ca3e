//! Names, target, account, and what the function may do.

use super::Preset::{Derived, Json, Unset};
use super::words;
use super::{Key, Kind};

pub(super) const KEYS: &[Key] = &[
    Key::new(
        "project_name",
        words::PROJECT_NAME,
        Derived("the directory's name, as a slug of at most 15 characters"),
        "\"shop\"",
        "What every name of this deployment begins with.",
    ),
    Key::new("extends", Kind::Text, Unset, "\"dev\"", "Another stage of this file: what this one does not say is taken from there."),
    Key::new(
        "target",
        Kind::Choice(&["aws", "local"]),
        Derived("\"aws\"; \"local\" for the stage named `local`"),
        "\"aws\"",
        "Where the stage lives: in an AWS account, or on this machine.",
    ),
    Key::new(
        "local_port",
        Kind::Integer(1, 65535),
        Unset,
        "8000",
        "Port of the local URL. Left out: the one used before, else a free one. No effect on AWS.",
    ),
    Key::new("profile_name", Kind::Text, Unset, "\"shop-deploy\"", "The AWS profile whose credentials are used.").aws(),
    Key::new(
        "aws_region",
        words::REGION,
        Unset,
        "\"eu-central-1\"",
        "The region; what a local function sees as `AWS_REGION`. Left out: that of the profile or `AWS_REGION`.",
    ),
    Key::new(
        "aws_regions",
        Kind::Either(&Kind::List(&words::REGION), &Kind::Choice(&["all"])),
        Json("[]"),
        "[\"eu-central-1\", \"us-east-1\"]",
        "The regions that the stage is in at once; \"all\": every one that the account has enabled. Home is `aws_region` if it is among them, else the \
         first.",
    )
    .aws(),
    Key::new(
        "exclude_regions",
        Kind::List(&words::REGION),
        Json("[]"),
        "[\"me-south-1\"]",
        "Regions that `aws_regions` and `--all-regions` leave out.",
    )
    .aws(),
    Key::new(
        "s3_bucket",
        words::BUCKET,
        Unset,
        "\"shop-artefacts\"",
        "The bucket that uploads go through. Left out: one whose name follows from project, account and region.",
    )
    .aws(),
    Key::new(
        "aws_endpoint_urls",
        Kind::Map(&words::URL),
        Json("{}"),
        "{ s3 = \"http://localhost:4566\" }",
        "Endpoints other than AWS's own, by service.",
    )
    .aws(),
    Key::new("tags", Kind::Map(&Kind::Text), Json("{}"), "{ team = \"shop\" }", "Tags for everything that can carry them.").aws(),
    Key::new("callbacks", Kind::Map(&Kind::Text), Json("{}"), "{}", "Python functions of the project to call while deploying.")
        .not_yet(&[], ""),
    Key::new("prebuild_script", Kind::Text, Unset, "\"\"", "A Python function of the project to call before packaging.").not_yet(&[], ""),
];

pub(super) const ROLE_KEYS: &[Key] = &[
    Key::new("manage_roles", Kind::Bool, Json("true"), "true", "Whether the function's role is made and kept up to date.").aws(),
    Key::new("role_name", words::ROLE_NAME, Unset, "\"shop-role\"", "Name of the role. Left out: one that follows from project and stage.")
        .aws(),
    Key::new(
        "role_arn",
        words::ROLE_ARN,
        Unset,
        "\"arn:aws:iam::123456789012:role/shop\"",
        "An existing role to use as it is; wins over `role_name`.",
    )
    .aws(),
    Key::new(
        "assume_policy",
        Kind::Text,
        Unset,
        "\"trust.json\"",
        "JSON file with a trust policy to use instead of the usual one, relative to this file.",
    )
    .aws(),
    Key::new(
        "attach_policy",
        Kind::Text,
        Unset,
        "\"policy.json\"",
        "JSON file with a policy to use instead of the usual one, relative to this file.",
    )
    .aws(),
    Key::new(
        "extra_permissions",
        Kind::List(&Kind::Map(&Kind::Any)),
        Json("[]"),
        "[{ Effect = \"Allow\", Action = [\"s3:GetObject\"], Resource = \"*\" }]",
        "Policy statements in addition to the usual ones.",
    )
    .aws(),
];
