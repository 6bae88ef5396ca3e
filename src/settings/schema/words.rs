//! Kinds of text that have a shape: names, paths, regions, expressions.

use super::Kind;
use crate::model::Runtime;
use crate::settings::expression;

type Checked = Result<(), String>;

pub(super) const APP: Kind = Kind::Checked("`module.callable`, `module:callable` or `module:factory()`", app);
pub(super) const MODULE: Kind = Kind::Checked("a dotted module name", module);
pub(super) const FUNCTION: Kind = Kind::Checked("a dotted function name", function);
pub(super) const RUNTIME: Kind = Kind::Checked("`python3.N`", runtime_words);
pub(super) const PROJECT_NAME: Kind = Kind::Checked("1 to 80 letters, digits, `-` and `_`", project_name);
pub(super) const REGION: Kind = Kind::Checked("a region such as `eu-central-1`", region);
pub(super) const BUCKET: Kind = Kind::Checked("the name of a bucket", bucket);
pub(super) const URL: Kind = Kind::Checked("`http://` or `https://` URLs", url);
pub(super) const ARN: Kind = Kind::Checked("`arn:...`", arn);
pub(super) const ROLE_ARN: Kind = Kind::Checked("the ARN of a role", role_arn);
pub(super) const ROLE_NAME: Kind = Kind::Checked("1 to 64 letters, digits and `_+=,.@-`", role_name);
pub(super) const FUNCTION_ARN: Kind = Kind::Checked("the ARN of a Lambda function", function_arn);
pub(super) const LAYER_ARN: Kind = Kind::Checked("ARNs of layers' versions", layer_arn);
pub(super) const DEAD_LETTER_ARN: Kind = Kind::Checked("the ARN of an SQS queue or SNS topic", dead_letter_arn);
pub(super) const KEY_ARN: Kind = Kind::Checked("the ARN of a KMS key", key_arn);
pub(super) const ACCESS_POINT_ARN: Kind = Kind::Checked("the ARN of an EFS access point", access_point_arn);
pub(super) const USER_POOL_ARN: Kind = Kind::Checked("the ARN of a Cognito user pool", user_pool_arn);
pub(super) const API_KEY: Kind = Kind::Checked("20 to 128 characters", api_key);
pub(super) const DESCRIPTION: Kind = Kind::Checked("text of at most 256 characters", description);
pub(super) const ISSUER: Kind = Kind::Checked("a URL that begins with `https://`", issuer);
pub(super) const DOMAIN: Kind = Kind::Checked("a domain name", domain);
pub(super) const PATH: Kind = Kind::Checked("a path that begins with `/`", path);
pub(super) const MOUNT_PATH: Kind = Kind::Checked("a path that begins with `/mnt/`", mount_path);
pub(super) const EXPRESSION: Kind = Kind::Checked("`rate(...)`, `cron(...)` or `at(...)`", expression::check);
pub(super) const INTERVAL: Kind = Kind::Checked("`rate(...)` or `cron(...)`", expression::check_repeating);
pub(super) const SCHEDULE_NAME: Kind = Kind::Checked("1 to 64 letters, digits, `.`, `-` and `_`", schedule_name);

/// The variables that Lambda sets itself and refuses to have set (developer guide, "Defined runtime environment variables").
const RESERVED_VARIABLES: [&str; 18] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// A Python identifier. Which letters Python takes beyond ASCII is Python's to say.
fn is_identifier(word: &str) -> bool {
    word.chars().all(|c| c == '_' || c.is_alphanumeric()) && word.chars().next().is_some_and(|c| !c.is_numeric())
}

fn is_dotted(text: &str) -> bool {
    text.split('.').all(is_identifier)
}

fn shaped(right: bool, text: &str, what: &str) -> Checked {
    if right { Ok(()) } else { Err(format!("`{text}` is not {what}")) }
}

fn app(text: &str) -> Checked {
    let name = text.strip_suffix("()").unwrap_or(text);
    let right = match name.split_once(':') {
        Some((module, callable)) => is_dotted(module) && is_dotted(callable),
        None => is_dotted(name) && name.contains('.'),
    };
    shaped(right, text, "`module.callable`, `module:callable` or `module:factory()`")
}

fn module(text: &str) -> Checked {
    shaped(is_dotted(text), text, "a dotted module name, as in `import`")
}

fn function(text: &str) -> Checked {
    shaped(is_dotted(text) && text.contains('.'), text, "a dotted function name: `module.function`")
}

fn runtime_words(text: &str) -> Checked {
    runtime(text).map(|_| ())
}

/// The runtime that `text` names.
pub(in crate::settings) fn runtime(text: &str) -> Result<Runtime, String> {
    text.parse().map_err(|error: crate::model::InvalidValue| error.to_string())
}

fn is_name(text: &str, extra: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
}

fn project_name(text: &str) -> Checked {
    let right = is_name(text, "-_") && text.len() <= 80 && text.contains(|c: char| c.is_ascii_alphanumeric());
    shaped(right, text, "a project name: 1 to 80 letters, digits, `-` and `_`")
}

/// A stage's name: it becomes part of names in AWS.
pub(in crate::settings) fn stage_name(text: &str) -> Checked {
    let right = is_name(text, "-_") && text.contains(|c: char| c.is_ascii_alphanumeric());
    shaped(right, text, "a stage name: letters, digits, `-` and `_`")
}

/// The name of a rule (`PutRule`) or schedule (`CreateSchedule`).
pub(in crate::settings) fn schedule_name(text: &str) -> Checked {
    shaped(is_name(text, ".-_") && text.len() <= 64, text, "a schedule name: 1 to 64 letters, digits, `.`, `-` and `_`")
}

/// The name of an environment variable of a Lambda function (`Environment` in its API: `[a-zA-Z]([a-zA-Z0-9_])+`).
pub(super) fn variable_name(text: &str) -> Checked {
    if RESERVED_VARIABLES.contains(&text) {
        return Err(format!("`{text}` is set by Lambda itself and cannot be set"));
    }
    let right = text.len() > 1 && is_name(text, "_") && text.starts_with(|c: char| c.is_ascii_alphabetic());
    shaped(right, text, "a name that Lambda accepts for a variable: a letter, then letters, digits and `_`, two characters at least")
}

fn region(text: &str) -> Checked {
    let parts: Vec<&str> = text.split('-').collect();
    let right = match parts.split_last() {
        Some((number, words)) => {
            words.len() >= 2
                && words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
                && !number.is_empty()
                && number.bytes().all(|b| b.is_ascii_digit())
        }
        None => false,
    };
    shaped(right, text, "a region such as `eu-central-1`")
}

fn bucket(text: &str) -> Checked {
    let right = (3..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && !text.starts_with(['-', '.'])
        && !text.ends_with(['-', '.'])
        && !text.contains("..");
    shaped(right, text, "a bucket name: 3 to 63 lower-case letters, digits, `-` and `.`")
}

fn url(text: &str) -> Checked {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    shaped(rest.is_some_and(|rest| !rest.is_empty()), text, "a URL that begins with `http://` or `https://`")
}

fn arn(text: &str) -> Checked {
    shaped(text.starts_with("arn:") && text.split(':').count() >= 6, text, "an ARN: `arn:partition:service:region:account:resource`")
}

/// Whether `text` is an ARN of `service` whose resource begins with `resource`.
fn is_arn_of(text: &str, service: &str, resource: &str) -> bool {
    let mut parts = text.splitn(6, ':').skip(2);
    parts.next() == Some(service) && parts.nth(2).and_then(|rest| rest.strip_prefix(resource)).is_some_and(|rest| !rest.is_empty())
}

fn arn_of(text: &str, right: bool, what: &str) -> Checked {
    arn(text)?;
    shaped(right, text, what)
}

fn role_arn(text: &str) -> Checked {
    arn_of(text, is_arn_of(text, "iam", "role/"), "the ARN of a role: `arn:aws:iam::account:role/name`")
}

/// `roleNameType` of the IAM API.
fn role_name(text: &str) -> Checked {
    shaped(is_name(text, "_+=,.@-") && text.len() <= 64, text, "the name of a role: 1 to 64 letters, digits and `_+=,.@-`")
}

fn function_arn(text: &str) -> Checked {
    arn_of(text, is_arn_of(text, "lambda", "function:"), "the ARN of a function: `arn:aws:lambda:region:account:function:name`")
}

/// `LayerVersionArn` of the Lambda API: the version is part of it.
fn layer_arn(text: &str) -> Checked {
    let version = text.rsplit(':').next().unwrap_or_default();
    let versioned = text.split(':').count() == 8 && version.bytes().all(|b| b.is_ascii_digit()) && !version.is_empty();
    let right = (is_arn_of(text, "lambda", "layer:") && versioned) || is_arn_of(text, "lambda", "awslayer:");
    arn_of(text, right, "the ARN of a layer's version: `arn:aws:lambda:region:account:layer:name:version`")
}

fn dead_letter_arn(text: &str) -> Checked {
    arn_of(text, is_arn_of(text, "sqs", "") || is_arn_of(text, "sns", ""), "the ARN of an SQS queue or SNS topic")
}

fn key_arn(text: &str) -> Checked {
    arn_of(text, is_arn_of(text, "kms", "key/"), "the ARN of a key: `arn:aws:kms:region:account:key/id`")
}

/// `FileSystemArn` of the Lambda API.
fn access_point_arn(text: &str) -> Checked {
    let right = is_arn_of(text, "elasticfilesystem", "access-point/") || is_arn_of(text, "s3files", "file-system/");
    arn_of(text, right, "the ARN of an access point: `arn:aws:elasticfilesystem:region:account:access-point/fsap-...`")
}

fn user_pool_arn(text: &str) -> Checked {
    arn_of(text, is_arn_of(text, "cognito-idp", "userpool/"), "the ARN of a user pool: `arn:aws:cognito-idp:region:account:userpool/id`")
}

/// The developer guide of API Gateway: an API key value has 20 to 128 characters.
fn api_key(text: &str) -> Checked {
    shaped((20..=128).contains(&text.chars().count()), text, "an API key: 20 to 128 characters")
}

/// `Description` of the Lambda API.
fn description(text: &str) -> Checked {
    let length = text.chars().count();
    if length <= 256 { Ok(()) } else { Err(format!("{length} characters, and Lambda takes 256")) }
}

fn issuer(text: &str) -> Checked {
    shaped(text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()), text, "a URL that begins with `https://`")
}

fn domain(text: &str) -> Checked {
    let label =
        |label: &str| !label.is_empty() && label.len() <= 63 && is_name(label, "-*") && !label.starts_with('-') && !label.ends_with('-');
    shaped(text.contains('.') && text.len() <= 253 && text.split('.').all(label), text, "a domain name, without `https://` and path")
}

fn path(text: &str) -> Checked {
    shaped(text.starts_with('/') && !text.contains(|c: char| c.is_whitespace() || c.is_control()), text, "a path that begins with `/`")
}

fn mount_path(text: &str) -> Checked {
    shaped(text.strip_prefix("/mnt/").is_some_and(|rest| is_name(rest, "-_.")), text, "a path that begins with `/mnt/`")
}
