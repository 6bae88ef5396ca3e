//! The documents that say who may do what, as values: the trust of the execution role, and what it allows. Pure: nothing here asks AWS.
//!
//! Least privilege: a function may write its own log, call itself (tasks that run later), and use what its settings name; nothing else. A role is
//! shared by the regions of a stage, so regions are `*` wherever the setting itself does not say one.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::bucket;
use super::names::{Names, Place};
use crate::cloud::{FunctionSpec, StageSpec};
use crate::model::RoleSettings;

/// The version of the policy language (IAM reference, "IAM JSON policy elements: Version").
pub(super) const LANGUAGE: &str = "2012-10-17";

/// Who may take the role: Lambda, or what the settings say instead.
///
/// No condition on the account: `iam:PassRole` works within an account only, and the role's own account is not known before it is made.
pub(super) fn trust(settings: &RoleSettings) -> Value {
    settings.assume_policy.clone().unwrap_or_else(|| {
        json!({
            "Version": LANGUAGE,
            "Statement": [{ "Effect": "Allow", "Principal": { "Service": "lambda.amazonaws.com" }, "Action": "sts:AssumeRole" }],
        })
    })
}

/// What the function may do.
pub(super) fn execution(names: &Names, place: &Place, spec: &StageSpec) -> Value {
    let settings = &spec.surroundings.role;
    let mut document = match &settings.attach_policy {
        Some(policy) => policy.clone(),
        None => json!({ "Version": LANGUAGE, "Statement": computed(names, place, &spec.function) }),
    };
    let mut statements = match document["Statement"].take() {
        Value::Array(statements) => statements,
        statement => vec![statement],
    };
    if spec.surroundings.fetches_dependencies {
        // Whatever else it may do: without this it cannot start.
        let buckets = names.buckets(&Place { region: "*".to_owned(), ..place.clone() });
        let keys = buckets.iter().map(|name| format!("arn:{}:s3:::{name}/{}{}/*", place.partition, bucket::KEPT_PREFIX, names.function));
        let mut keys: Vec<String> = keys.collect();
        let keys = if keys.len() == 1 { json!(keys.remove(0)) } else { json!(keys) };
        statements.push(allow("Dependencies", &["s3:GetObject"], keys));
    }
    statements.extend(settings.extra_permissions.iter().cloned());
    document["Statement"] = Value::Array(statements);
    document
}

fn computed(names: &Names, place: &Place, function: &FunctionSpec) -> Vec<Value> {
    let anywhere = Place { region: "*".to_owned(), ..place.clone() };
    let group = anywhere.arn("logs", &format!("log-group:{}", names.log_group()));
    let itself = anywhere.function_arn(names);
    let mut statements = vec![
        allow(
            "Logs",
            &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            // The group itself is what is made, its streams are what is written.
            json!([group, format!("{group}:*")]),
        ),
        allow("Tasks", &["lambda:InvokeFunction"], json!([itself, format!("{itself}:*")])),
    ];
    let lambda = &function.lambda;
    if lambda.vpc.is_some() {
        // Lambda makes the interfaces before it knows their names: these cannot be narrowed (AWSLambdaVPCAccessExecutionRole).
        let actions = [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ];
        statements.push(allow("Network", &actions, json!("*")));
    }
    if lambda.tracing {
        // X-Ray's writing actions know no resources (Service Authorization Reference).
        statements.push(allow("Traces", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"], json!("*")));
    }
    if let Some(arn) = &lambda.dead_letter_arn {
        let action = if arn.split(':').nth(2) == Some("sns") { "sns:Publish" } else { "sqs:SendMessage" };
        statements.push(allow("DeadLetters", &[action], json!(arn)));
    }
    if let Some(key) = &lambda.kms_key_arn {
        statements.push(allow("Key", &["kms:Decrypt"], json!(key)));
    }
    if !lambda.file_systems.is_empty() {
        // The actions are about file systems, of which the settings name only the access points.
        let points: Vec<&str> = lambda.file_systems.iter().map(|system| system.arn.as_str()).collect();
        let systems = anywhere.arn("elasticfilesystem", "file-system/*");
        let mut statement = allow("Files", &["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"], json!(systems));
        statement["Condition"] = json!({ "StringEquals": { "elasticfilesystem:AccessPointArn": points } });
        statements.push(statement);
    }
    statements
}

/// A statement that allows.
pub(super) fn allow(sid: &str, actions: &[&str], resources: Value) -> Value {
    let mut statement = json!({ "Sid": sid, "Effect": "Allow", "Action": actions });
    statement["Resource"] = resources;
    statement
}

/// A document as IAM's reading calls give it: percent-encoded.
pub(super) fn parse(document: &str) -> Value {
    let decoded = percent_decode_str(document).decode_utf8_lossy();
    // Stand-ins for IAM give it as it is.
    serde_json::from_str(document).or_else(|_| serde_json::from_str(&decoded)).unwrap_or(Value::Null)
}

/// Whether two documents say the same: order means nothing in them, and a list of one is that one.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    normal(one) == normal(other)
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            items.sort_by_cached_key(ToString::to_string);
            items.dedup();
            match items.len() {
                1 => items.remove(0),
                _ => Value::Array(items),
            }
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            Value::Object(fields.into_iter().map(|(name, value)| (name.clone(), normal(value))).collect())
        }
        scalar => scalar.clone(),
    }
}

/// Whether a trust lets Lambda take the role.
pub(super) fn trusts_lambda(trust: &Value) -> bool {
    each(&trust["Statement"]).any(|statement| {
        let services = each(&statement["Principal"]["Service"]).filter_map(Value::as_str);
        statement["Effect"] == "Allow"
            && services.into_iter().any(|service| service.starts_with("lambda."))
            && each(&statement["Action"]).any(|action| action == "sts:AssumeRole" || action == "sts:*" || action == "*")
    })
}

/// The actions that `before` allows by name and `now` does not.
pub(super) fn lost(before: &Value, now: &Value) -> Vec<String> {
    let kept = allowed(now);
    allowed(before).into_iter().filter(|action| !kept.contains(action)).collect()
}

fn allowed(policy: &Value) -> Vec<String> {
    let statements = each(&policy["Statement"]).filter(|statement| statement["Effect"] == "Allow");
    statements.flat_map(|statement| each(&statement["Action"])).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The items of a list, or the one thing that stands in its place.
fn each(value: &Value) -> impl Iterator<Item = &Value> {
    match value {
        Value::Array(items) => items.iter(),
        Value::Null => [].iter(),
        one => std::slice::from_ref(one).iter(),
    }
}
