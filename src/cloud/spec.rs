//! What is wanted of a stage, as plain values that every adapter is given.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::model::{Architecture, Cors, FrontDoor, GatewaySettings, LambdaSettings, Layout, RoleSettings, Runtime};

/// Everything that shall be true of a stage.
#[derive(Debug, Clone)]
pub struct StageSpec {
    /// What a version freezes.
    pub function: FunctionSpec,
    /// What stands around the versions.
    pub surroundings: Surroundings,
    /// The front door.
    pub route: RouteSpec,
    /// What fires, keep-warm among it.
    pub schedules: Vec<ScheduleSpec>,
}

/// What a function shall be, as far as a version freezes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionSpec {
    /// `pythonX.Y`.
    pub runtime: Runtime,
    /// Instruction set.
    pub architecture: Architecture,
    /// `module.function`.
    pub handler: String,
    /// MB.
    pub memory_mb: u32,
    /// Function timeout in seconds.
    pub timeout_seconds: u32,
    /// MB of `/tmp`.
    pub ephemeral_storage_mb: u32,
    /// Free text.
    pub description: String,
    /// Environment variables of the process. Never printed.
    pub environment: BTreeMap<String, String>,
    /// What only Lambda itself has.
    #[serde(default)]
    pub lambda: LambdaSettings,
}

/// What belongs to a function and is not frozen in a version: it holds for all of them at once, and no rollback changes it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Surroundings {
    /// The execution role.
    pub role: RoleSettings,
    /// Tags beside the ones by which a deployment is found again.
    pub tags: BTreeMap<String, String>,
    /// Reserved concurrency.
    pub concurrency: Option<u32>,
    /// Environments that stand ready behind `live`.
    pub provisioned_concurrency: Option<u32>,
    /// For how many days logs are kept; `None`: for ever.
    pub log_retention_days: Option<u32>,
    /// Whether the function fetches its dependencies, and has to be allowed to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fetches_dependencies: bool,
}

/// What to hand over.
#[derive(Debug, Clone)]
pub struct CodeSpec {
    /// What is unpacked to the task root.
    pub app: ArchiveSpec,
    /// The dependencies, where they travel by themselves and there are any.
    pub dependencies: Option<ArchiveSpec>,
    /// How they travel.
    pub layout: Layout,
    /// What they were chosen for.
    pub runtime: Runtime,
    /// As well.
    pub architecture: Architecture,
}

impl CodeSpec {
    /// What [`super::Release::dependencies_sha256`] says of a version with this code.
    #[must_use]
    pub fn dependencies_sha256(&self) -> Option<&str> {
        self.dependencies.as_ref().map(|archive| archive.sha256.as_str())
    }
}

/// One archive.
#[derive(Debug, Clone)]
pub struct ArchiveSpec {
    /// The zip file on this machine.
    pub path: PathBuf,
    /// Base64 of its SHA-256.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// Code that the target has got, to be used by [`super::Cloud::ensure_version`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRef {
    /// Base64 of the archive's SHA-256.
    pub code_sha256: String,
    /// Bytes of the archive.
    pub code_size: u64,
    /// Where the adapter put it, in its own terms.
    pub location: String,
    /// The dependencies, where they travel by themselves and there are any.
    pub dependencies: Option<DependenciesRef>,
}

/// Dependencies that the target has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependenciesRef {
    /// How they travel.
    pub layout: Layout,
    /// Base64 of the archive's SHA-256.
    pub sha256: String,
    /// Bytes of the archive.
    pub size: u64,
    /// Where the adapter put them, in its own terms.
    pub location: String,
}

/// What stands before the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteSpec {
    /// Which kind.
    pub front_door: FrontDoor,
    /// Whether bodies that are not text pass unharmed.
    pub binary_support: bool,
    /// What it tells scripts of other origins by itself.
    pub cors: Option<Cors>,
    /// What only the front doors of AWS have.
    pub gateway: GatewaySettings,
    /// Port wanted for a local URL.
    #[serde(skip)]
    pub port: Option<u16>,
}

/// Something that fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleSpec {
    /// Unique within the stage.
    pub name: String,
    /// `rate(...)`, `cron(...)` or `at(...)`.
    pub expression: String,
    /// The event that the function gets; null where only a look at the target's list was taken ([`super::Cloud::find`]).
    pub input: serde_json::Value,
    /// Free text.
    pub description: String,
    /// Whether it fires.
    pub enabled: bool,
}

/// A short fingerprint of something wanted: what a target remembers of it, to tell later whether something else is wanted now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// The first 12 hexadecimal digits of the SHA-256 of the value's JSON. Fields are written in the order of their declaration and maps are sorted,
    /// so that equal values have equal JSON.
    #[must_use]
    pub fn of(value: &impl Serialize) -> Self {
        let json = serde_json::to_vec(value).unwrap_or_default();
        let digits: String = Sha256::digest(json).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self(digits)
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Of what does not show by itself whether it is as wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Of [`Surroundings`], and of whatever the role's policy depends on.
    pub surroundings: Fingerprint,
    /// Of [`RouteSpec`], the port apart.
    pub route: Fingerprint,
    /// Of all the [`ScheduleSpec`]s.
    pub schedules: Fingerprint,
}

/// Raised when an adapter makes something else than before of the same specification (another policy, another OpenAPI document), so that a stage
/// deployed by an earlier version of the tool gets it too.
const GENERATION: u32 = 1;

impl Fingerprints {
    /// Of a specification.
    #[must_use]
    pub fn of(spec: &StageSpec) -> Self {
        Self {
            surroundings: Fingerprint::of(&(GENERATION, &spec.surroundings, &spec.function.lambda)),
            route: Fingerprint::of(&(GENERATION, &spec.route)),
            schedules: Self::of_schedules(&spec.schedules),
        }
    }

    /// Of schedules alone.
    #[must_use]
    pub fn of_schedules(schedules: &[ScheduleSpec]) -> Fingerprint {
        Fingerprint::of(&(GENERATION, schedules))
    }
}
