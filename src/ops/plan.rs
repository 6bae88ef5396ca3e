//! What a deployment wants and how that differs from what is there: plain values, made before anything is touched. `--dry-run` stops here.

use serde::Serialize;
use serde_json::json;

use crate::bundle::Bundle;
use crate::cloud::{Deployment, FunctionSpec, RouteSpec, ScheduleSpec};
use crate::model::{HANDLER, Outcome, Runtime, Version};
use crate::settings::Settings;

/// Everything that shall be true of the stage.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What a version freezes.
    pub function: FunctionSpec,
    /// The front door.
    pub route: RouteSpec,
    /// What fires, keep-warm among it.
    pub schedules: Vec<ScheduleSpec>,
}

/// The name of the schedule that keeps a sandbox warm.
pub const KEEP_WARM: &str = "zappa-keep-warm";

impl Wanted {
    /// What the settings ask for; `runtime` is the project's, for settings that leave it open.
    #[must_use]
    pub fn new(settings: &Settings, runtime: Runtime) -> Self {
        let function = FunctionSpec {
            runtime: settings.runtime.unwrap_or(runtime),
            architecture: settings.architecture,
            handler: HANDLER.to_owned(),
            memory_mb: settings.memory_size,
            timeout_seconds: settings.timeout_seconds,
            ephemeral_storage_mb: settings.ephemeral_storage,
            description: settings.lambda_description.clone(),
            environment: settings.environment.clone(),
            concurrency: settings.lambda_concurrency,
            tags: settings.tags.clone(),
        };
        let route = RouteSpec {
            front_door: settings.front_door,
            binary_support: settings.shim.binary_support,
            cors: settings.cors.clone(),
            port: settings.local_port,
        };
        Self { function, route, schedules: schedules(settings) }
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
    let events = settings.schedules.iter().map(|schedule| ScheduleSpec {
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
    /// A new version, or the newest one as it is.
    pub release: Outcome,
    /// Why there is a new version: "code", "memory_size"… Names only, never values.
    pub changes: Vec<String>,
    /// Where `live` points now.
    pub live: Option<Version>,
    /// The front door.
    pub route: Outcome,
    /// The schedules.
    pub schedules: Outcome,
}

impl Plan {
    /// Compares. `current` is `None` for a stage that is not there.
    #[must_use]
    pub fn new(current: Option<&Deployment>, wanted: &Wanted, bundle: &Bundle) -> Self {
        let Some(current) = current else {
            let schedules = if wanted.schedules.is_empty() { Outcome::Unchanged } else { Outcome::Created };
            return Self {
                release: Outcome::Created,
                changes: vec!["first release".to_owned()],
                live: None,
                route: Outcome::Created,
                schedules,
            };
        };
        let changes = changes(current, wanted, bundle);
        let route = match &current.route {
            None => Outcome::Created,
            Some(route) if route.front_door == wanted.route.front_door => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        };
        Self {
            release: if changes.is_empty() { Outcome::Unchanged } else { Outcome::Created },
            changes,
            live: current.live,
            route,
            schedules: if current.schedules.iter().map(|schedule| &schedule.spec).eq(&wanted.schedules) {
                Outcome::Unchanged
            } else {
                Outcome::Updated
            },
        }
    }
}

fn changes(current: &Deployment, wanted: &Wanted, bundle: &Bundle) -> Vec<String> {
    let live = current.live.and_then(|live| current.releases.iter().find(|release| release.version == live));
    let (Some(live), Some(function)) = (live, &current.function) else { return vec!["nothing is live yet".to_owned()] };
    let mut changes = Vec::new();
    if bundle.code().is_none_or(|code| code.code_sha256 != live.code_sha256) {
        changes.push("code".to_owned());
    }
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
        concurrency,
        tags,
    } = function;
    let new = &wanted.function;
    for (name, same) in [
        ("runtime", *runtime == new.runtime),
        ("architecture", *architecture == new.architecture),
        ("handler", *handler == new.handler),
        ("memory_size", *memory_mb == new.memory_mb),
        ("timeout_seconds", *timeout_seconds == new.timeout_seconds),
        ("ephemeral_storage", *ephemeral_storage_mb == new.ephemeral_storage_mb),
        ("lambda_description", *description == new.description),
        ("environment_variables", *environment == new.environment),
        ("lambda_concurrency", *concurrency == new.concurrency),
        ("tags", *tags == new.tags),
    ] {
        if !same {
            changes.push(name.to_owned());
        }
    }
    changes
}
