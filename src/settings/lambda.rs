//! What only a function on AWS has, and what AWS refuses about it.

use super::error::Problem;
use super::remaining::{Remaining, number, number_text, texts};
use super::schema::EFS_MOUNT_PATH;
use super::tree::{Node, Value};
use super::written::Given;
use crate::model::{FileSystem, LambdaSettings, Layout, Runtime, Vpc};

/// Lambda's limit, layers of other accounts included, and the dependencies'.
const MAX_LAYERS: usize = 5;

/// What SnapStart takes of `/tmp` at most, in MB: the size that every function has.
const SNAP_START_STORAGE: u32 = 512;

/// The first Python that has SnapStart.
const SNAP_START_MINOR: u8 = 12;

/// What else there is of the function, which decides about what it can have.
pub(super) struct Fixed {
    pub(super) runtime: Option<Runtime>,
    /// MB of `/tmp`.
    pub(super) storage: u32,
    pub(super) layout: Layout,
}

/// The settings of the function itself.
pub(super) fn lambda(rest: &mut Remaining, fixed: &Fixed, problems: &mut Vec<Problem>) -> LambdaSettings {
    let Fixed { runtime, storage, layout } = *fixed;
    let layers = rest.given("layers");
    let count = layers.node.items().len();
    if count > MAX_LAYERS {
        problems.push(Problem::new(&layers.origin, format!("`layers` has {count} entries, and a function takes {MAX_LAYERS}")));
    } else if count == MAX_LAYERS && layout == Layout::Layer {
        let message = format!(
            "`layers` has {count} entries, and with the dependencies' own layer a function takes {} more; `dependencies_layer = false` does without it",
            MAX_LAYERS - 1
        );
        problems.push(Problem::new(&layers.origin, message));
    }
    let vpc = vpc(&rest.given("vpc_config"), problems);
    let efs = rest.given("efs_config");
    let file_systems = file_systems(&efs, problems);
    if !file_systems.is_empty() && vpc.is_none() {
        problems.push(Problem::new(&efs.origin, "`efs_config` needs `vpc_config`: a file system is reached through the network"));
    }
    let snap_start = rest.given("snap_start");
    let settings = LambdaSettings {
        layers: texts(&layers.node),
        vpc,
        file_systems,
        dead_letter_arn: rest.text("dead_letter_arn"),
        kms_key_arn: rest.text("aws_kms_key_arn"),
        tracing: rest.truth("xray_tracing"),
        snap_start: snap_start.node.as_text() == Some("PublishedVersions"),
    };
    if settings.snap_start {
        let mut refuse = |reason: String| problems.push(Problem::new(&snap_start.origin, format!("`snap_start` {reason}")));
        if !settings.file_systems.is_empty() {
            refuse("and `efs_config` exclude each other".to_owned());
        }
        if storage > SNAP_START_STORAGE {
            refuse(format!("takes an `ephemeral_storage` of {SNAP_START_STORAGE} MB, not {storage}"));
        }
        if let Some(runtime) = runtime.filter(|runtime| runtime.minor < SNAP_START_MINOR) {
            refuse(format!("needs `python3.{SNAP_START_MINOR}` or newer, and `runtime` is `{runtime}`"));
        }
    }
    settings
}

/// How many environments stand ready, next to what the function may have at all.
pub(super) fn provisioned_concurrency(given: &Given, reserved: Option<u32>, snap_start: bool, problems: &mut Vec<Problem>) -> Option<u32> {
    let provisioned = number(&given.node)?;
    if snap_start {
        problems.push(Problem::new(&given.origin, "`provisioned_concurrency` and `snap_start` exclude each other"));
    }
    if let Some(reserved) = reserved.filter(|reserved| provisioned > *reserved) {
        let message = format!("`provisioned_concurrency` is {provisioned}, more than `lambda_concurrency`, which is {reserved}");
        problems.push(Problem::new(&given.origin, message));
    }
    Some(provisioned)
}

/// For how many days logs are kept.
pub(super) fn log_retention_days(rest: &mut Remaining) -> Option<u32> {
    // `7.0` is 7 too.
    number_text(&rest.take("log_retention_days"))?.parse().ok()
}

fn vpc(given: &Given, problems: &mut Vec<Problem>) -> Option<Vpc> {
    // Lambda keeps them as sets: in another order they are the same.
    let set = |key: &str| {
        let mut ids = given.node.get(key).map(texts).unwrap_or_default();
        ids.sort();
        ids
    };
    let vpc = Vpc {
        subnet_ids: set("SubnetIds"),
        security_group_ids: set("SecurityGroupIds"),
        ipv6: given.node.get("Ipv6AllowedForDualStack").is_some_and(|node| node.value == Value::Bool(true)),
    };
    match (vpc.subnet_ids.is_empty(), vpc.security_group_ids.is_empty()) {
        (true, true) => None,
        (false, false) => Some(vpc),
        (no_subnets, _) => {
            let missing = if no_subnets { "SubnetIds" } else { "SecurityGroupIds" };
            problems.push(Problem::new(&given.origin, format!("`vpc_config.{missing}` needs at least one entry")));
            None
        }
    }
}

fn file_systems(given: &Given, problems: &mut Vec<Problem>) -> Vec<FileSystem> {
    let tables: Vec<&Node> = match &given.node.value {
        Value::Bool(true) => {
            problems.push(Problem::new(&given.origin, no_arn("efs_config")));
            return Vec::new();
        }
        Value::Table(_) => vec![&given.node],
        Value::List(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    if tables.len() > 1 {
        // `FileSystemConfigs` of the API.
        problems.push(Problem::new(&given.origin, format!("`efs_config` has {} entries, and a function mounts one", tables.len())));
    }
    tables.into_iter().filter_map(|table| file_system(table, given, problems)).collect()
}

fn file_system(table: &Node, given: &Given, problems: &mut Vec<Problem>) -> Option<FileSystem> {
    let place = given.origin.at_line(table.line);
    for field in ["ThroughputMode", "PerformanceMode"] {
        if table.get(field).is_some() {
            let message =
                format!("`efs_config.{field}` is for a file system that is yet to be made; the one behind an access point has it already");
            problems.push(Problem::new(&place, message));
        }
    }
    let Some(arn) = table.get("Arn").and_then(Node::as_text) else {
        problems.push(Problem::new(&place, no_arn("efs_config.Arn")));
        return None;
    };
    let path = table.get("LocalMountPath").and_then(Node::as_text).unwrap_or(EFS_MOUNT_PATH);
    Some(FileSystem { arn: arn.to_owned(), local_mount_path: path.to_owned() })
}

fn no_arn(key: &str) -> String {
    format!("`{key}`: file systems are not made; give the ARN of an access point: `{{ Arn = \"arn:aws:elasticfilesystem:...\" }}`")
}
