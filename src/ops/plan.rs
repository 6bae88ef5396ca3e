//! What a deployment wants and how that differs from what is there: plain values, made before anything is touched. `--dry-run` stops here.

use serde::Serialize;
use serde_json::json;

use crate::cloud::{
    CodeSpec, Deployment, Fingerprints, FunctionSpec, Release, RouteSpec, ScheduleSpec, Scheduled, StageSpec, Surroundings,
};
use crate::model::{GatewaySettings, HANDLER, LambdaSettings, Layout, Outcome, RoleSettings, Runtime, Target, Version};
use crate::settings::Settings;

/// The name of the schedule that keeps a sandbox warm.
pub const KEEP_WARM: &str = "zappa-keep-warm";

/// What the settings ask for; `runtime` is the project's, for settings that leave it open.
#[must_use]
pub fn wanted(settings: &Settings, runtime: Runtime) -> StageSpec {
    // What has no effect on this machine is not wanted there either: changing it makes no release.
    let (lambda, gateway, role) = match settings.target {
        Target::Aws => (settings.lambda.clone(), settings.gateway.clone(), settings.role.clone()),
        Target::Local => (LambdaSettings::default(), GatewaySettings::default(), RoleSettings::default()),
    };
    let on_aws = settings.target == Target::Aws;
    StageSpec {
        function: FunctionSpec {
            runtime: settings.runtime.unwrap_or(runtime),
            architecture: settings.architecture,
            handler: HANDLER.to_owned(),
            memory_mb: settings.memory_size,
            timeout_seconds: settings.timeout_seconds,
            ephemeral_storage_mb: settings.ephemeral_storage,
            description: settings.lambda_description.clone(),
            environment: settings.environment.clone(),
            lambda,
        },
        surroundings: Surroundings {
            role,
            tags: settings.tags.clone(),
            concurrency: settings.lambda_concurrency,
            provisioned_concurrency: settings.provisioned_concurrency.filter(|_| on_aws),
            log_retention_days: settings.log_retention_days.filter(|_| on_aws),
            fetches_dependencies: on_aws && settings.packaging.layout == Layout::Fetched,
        },
        route: RouteSpec {
            front_door: settings.front_door,
            binary_support: settings.shim.binary_support,
            cors: settings.cors.clone(),
            gateway,
            port: settings.local_port,
        },
        schedules: schedules(settings),
    }
}

/// What the settings want to fire, keep-warm first.
#[must_use]
pub fn schedules(settings: &Settings) -> Vec<ScheduleSpec> {
    let keep_warm = settings.keep_warm.iter().map(|expression| ScheduleSpec {
        name: KEEP_WARM.to_owned(),
        expression: expression.clone(),
        input: json!({ "zappa": "keep-warm" }),
        description: "keeps one sandbox warm".to_owned(),
        enabled: true,
    });
    let here = settings.schedules.iter().filter(|schedule| settings.is_home || schedule.every_region);
    let events = here.map(|schedule| ScheduleSpec {
        name: schedule.name.clone(),
        expression: schedule.expression.clone(),
        // The function is named for releases that are older than the schedule; the others know it by the schedule's name.
        input: json!({ "zappa": "schedule", "name": schedule.name, "function": schedule.function, "kwargs": schedule.kwargs }),
        description: schedule.description.clone().unwrap_or_else(|| format!("calls `{}`", schedule.function)),
        enabled: schedule.enabled,
    });
    keep_warm.chain(events).collect()
}

/// What a deployment would do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// A new version, or the live one as it is.
    pub release: Outcome,
    /// Why there is a new version: "code", "dependencies", "memory_size"… Names only, never values.
    pub changes: Vec<String>,
    /// Where `live` points now.
    pub live: Option<Version>,
    /// Role, tags, concurrency, how long logs are kept.
    pub surroundings: Outcome,
    /// The front door.
    pub route: Outcome,
    /// The schedules.
    pub schedules: Outcome,
    /// Versions beyond `num_retained_versions`, as far as they are known now.
    pub remove: Vec<Version>,
    /// The run before did not come to its end, or what it left does not hold any more: everything is looked at again.
    pub resume: bool,
}

impl Plan {
    /// Compares with what there is: `None` for a stage that is not there. `keep` is how many versions stay.
    #[must_use]
    pub fn new(current: Option<&Deployment>, spec: &StageSpec, code: &CodeSpec, keep: Option<u32>) -> Self {
        let Some(current) = current else {
            return Self {
                release: Outcome::Created,
                changes: vec!["first release".to_owned()],
                live: None,
                surroundings: Outcome::Created,
                route: Outcome::Created,
                schedules: if spec.schedules.is_empty() { Outcome::Unchanged } else { Outcome::Created },
                remove: Vec::new(),
                resume: false,
            };
        };
        let changes = release_changes(current, spec, code);
        let fingerprints = Fingerprints::of(spec);
        let applied = current.applied.as_ref();
        let changed = |same: bool| if same { Outcome::Unchanged } else { Outcome::Updated };
        Self {
            release: if changes.is_empty() { Outcome::Unchanged } else { Outcome::Created },
            changes,
            live: current.live,
            surroundings: changed(applied.is_none_or(|applied| applied.surroundings == fingerprints.surroundings)),
            route: match &current.route {
                None => Outcome::Created,
                Some(route) => changed(
                    route.front_door == spec.route.front_door
                        && applied.is_none_or(|applied| applied.route == fingerprints.route)
                        && spec.route.port.is_none_or(|port| route.port.is_none_or(|there| there == port)),
                ),
            },
            schedules: match current.schedules.as_slice() {
                [] if !spec.schedules.is_empty() => Outcome::Created,
                there => changed(
                    applied.is_none_or(|applied| applied.schedules == fingerprints.schedules) && same_schedules(there, &spec.schedules),
                ),
            },
            remove: match (keep, current.live) {
                (Some(keep), Some(live)) => beyond(&current.releases, keep, live),
                _ => Vec::new(),
            },
            resume: applied.is_none(),
        }
    }

    /// Whether the stage is as wanted already.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.release == Outcome::Unchanged && !self.goes_on()
    }

    /// Whether something is to be done beside the release itself.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        let Self { release: _, changes: _, live: _, surroundings, route, schedules, remove, resume } = self;
        *resume || !remove.is_empty() || [surroundings, route, schedules].into_iter().any(|part| *part != Outcome::Unchanged)
    }
}

/// The oldest versions beyond `keep`, never the live one.
pub(super) fn beyond(releases: &[Release], keep: u32, live: Version) -> Vec<Version> {
    let excess = releases.len().saturating_sub(keep as usize);
    releases.iter().map(|release| release.version).take(excess).filter(|version| *version != live).collect()
}

/// Whether exactly these fire already.
pub(super) fn scheduled(current: &Deployment, wanted: &[ScheduleSpec]) -> bool {
    let applied = current.applied.as_ref().is_some_and(|applied| applied.schedules == Fingerprints::of_schedules(wanted));
    applied && same_schedules(&current.schedules, wanted)
}

/// Whether the list of what fires is this one, as far as the list itself tells; what is sent is for the fingerprint to tell.
fn same_schedules(there: &[Scheduled], wanted: &[ScheduleSpec]) -> bool {
    let key = |spec: &ScheduleSpec| (spec.name.clone(), spec.expression.clone(), spec.description.clone(), spec.enabled);
    let sorted = |mut keys: Vec<_>| {
        keys.sort();
        keys
    };
    sorted(there.iter().map(|schedule| key(&schedule.spec)).collect()) == sorted(wanted.iter().map(key).collect())
}

fn release_changes(current: &Deployment, spec: &StageSpec, code: &CodeSpec) -> Vec<String> {
    let live = current.live.and_then(|live| current.releases.iter().find(|release| release.version == live));
    let (Some(live), Some(function)) = (live, &current.function) else { return vec!["nothing is live yet".to_owned()] };
    let mut changes = Vec::new();
    if code.app.sha256 != live.code_sha256 {
        changes.push("code".to_owned());
    }
    if code.dependencies_sha256() != live.dependencies_sha256.as_deref() {
        changes.push("dependencies".to_owned());
    }
    changes.extend(function_changes(function, &spec.function));
    changes
}

/// The settings in which two configurations differ, by their names in the settings file.
pub(super) fn function_changes(function: &FunctionSpec, new: &FunctionSpec) -> Vec<String> {
    // Destructured in full: a new field that nobody compares does not compile.
    let FunctionSpec {
        runtime,
        architecture,
        handler,
        memory_mb,
        timeout_seconds,
        ephemeral_storage_mb,
        description,
        environment,
        lambda: LambdaSettings { layers, vpc, file_systems, dead_letter_arn, kms_key_arn, tracing, snap_start },
    } = function;
    let compared = [
        ("runtime", *runtime == new.runtime),
        ("architecture", *architecture == new.architecture),
        ("handler", *handler == new.handler),
        ("memory_size", *memory_mb == new.memory_mb),
        ("timeout_seconds", *timeout_seconds == new.timeout_seconds),
        ("ephemeral_storage", *ephemeral_storage_mb == new.ephemeral_storage_mb),
        ("lambda_description", *description == new.description),
        ("environment_variables", *environment == new.environment),
        ("layers", *layers == new.lambda.layers),
        ("vpc_config", *vpc == new.lambda.vpc),
        ("efs_config", *file_systems == new.lambda.file_systems),
        ("dead_letter_arn", *dead_letter_arn == new.lambda.dead_letter_arn),
        ("aws_kms_key_arn", *kms_key_arn == new.lambda.kms_key_arn),
        ("xray_tracing", *tracing == new.lambda.tracing),
        ("snap_start", *snap_start == new.lambda.snap_start),
    ];
    compared.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()).collect()
}

/// In what a stage differs from its settings, by the names that they have in the file, or by the part they belong to.
pub(super) fn drift(current: &Deployment, spec: &StageSpec) -> Vec<String> {
    let mut drift = current.function.as_ref().map_or_else(Vec::new, |function| function_changes(function, &spec.function));
    let Some(applied) = &current.applied else { return drift };
    let fingerprints = Fingerprints::of(spec);
    let parts = [
        ("role, tags, concurrency or log retention", applied.surroundings == fingerprints.surroundings),
        (
            "front door",
            applied.route == fingerprints.route && current.route.as_ref().is_some_and(|route| route.front_door == spec.route.front_door),
        ),
        ("schedules", applied.schedules == fingerprints.schedules && same_schedules(&current.schedules, &spec.schedules)),
    ];
    drift.extend(parts.into_iter().filter(|(_, same)| !same).map(|(name, _)| name.to_owned()));
    drift
}
