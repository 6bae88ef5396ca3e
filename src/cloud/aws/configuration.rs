//! A function's configuration in our words and in the SDK's.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::create_function::CreateFunctionOutput;
use aws_sdk_lambda::operation::create_function::builders::CreateFunctionFluentBuilder;
use aws_sdk_lambda::operation::publish_version::PublishVersionOutput;
use aws_sdk_lambda::operation::update_function_code::UpdateFunctionCodeOutput;
use aws_sdk_lambda::operation::update_function_configuration::UpdateFunctionConfigurationOutput;
use aws_sdk_lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use aws_sdk_lambda::types::{
    Architecture as SdkArchitecture, DeadLetterConfig, Environment, EphemeralStorage, FileSystemConfig, FunctionConfiguration,
    LastUpdateStatus, Runtime, SnapStart, SnapStartApplyOn, State, TracingConfig, TracingMode, VpcConfig,
};

use super::{dependencies, layer};
use crate::cloud::{DependenciesRef, FunctionSpec};
use crate::env;
use crate::model::{Architecture, FileSystem, LambdaSettings, Layout, Version, Vpc};

/// What Lambda gives a function that asks for nothing (API reference, `CreateFunction`).
const DEFAULT_STORAGE_MB: u32 = 512;

/// Both requests take the same members under the same names, and have no type in common.
macro_rules! configure {
    ($request:expr, $spec:expr, $dependencies:expr) => {{
        let FunctionSpec {
            runtime,
            architecture: _,
            handler,
            memory_mb,
            timeout_seconds,
            ephemeral_storage_mb,
            description,
            environment,
            lambda,
        } = $spec;
        let LambdaSettings { layers, vpc, file_systems, dead_letter_arn, kms_key_arn, tracing, snap_start } = lambda;
        let mode = if *tracing { TracingMode::Active } else { TracingMode::PassThrough };
        let apply_on = if *snap_start { SnapStartApplyOn::PublishedVersions } else { SnapStartApplyOn::None };
        $request
            .runtime(Runtime::from(runtime.to_string().as_str()))
            .handler(handler)
            .memory_size(number(*memory_mb))
            .timeout(number(*timeout_seconds))
            .set_ephemeral_storage(ephemeral_storage(*ephemeral_storage_mb))
            .description(description)
            .environment(variables($dependencies, environment))
            .set_layers(Some(all_layers($dependencies, layers)))
            .vpc_config(vpc_config(vpc.as_ref()))
            .set_file_system_configs(Some(file_systems.iter().filter_map(file_system).collect()))
            .dead_letter_config(DeadLetterConfig::builder().target_arn(dead_letter_arn.clone().unwrap_or_default()).build())
            .set_kms_key_arn(Some(kms_key_arn.clone().unwrap_or_default()))
            .tracing_config(TracingConfig::builder().mode(mode).build())
            .snap_start(SnapStart::builder().apply_on(apply_on).build())
    }};
}

/// What the function's dependencies are is a part of its configuration, too.
pub(super) type Dependencies<'a> = Option<&'a DependenciesRef>;

/// Ours first: what a layer holds hides what those before it hold under the same name (Lambda, "Working with layers"), and the user's have the last word.
fn all_layers(dependencies: Dependencies<'_>, layers: &[String]) -> Vec<String> {
    let own = dependencies.filter(|dependencies| dependencies.layout == Layout::Layer).map(|dependencies| dependencies.location.clone());
    own.into_iter().chain(layers.iter().cloned()).collect()
}

/// The stage's, and where the function fetches its dependencies from.
fn variables(dependencies: Dependencies<'_>, environment: &BTreeMap<String, String>) -> Environment {
    let fetched = dependencies.filter(|dependencies| dependencies.layout == Layout::Fetched);
    let own = fetched.map(|dependencies| (env::DEPENDENCIES.to_owned(), dependencies.location.clone()));
    Environment::builder().set_variables(Some(environment.clone().into_iter().chain(own).collect())).build()
}

/// Everything but name, role, code and tags.
pub(super) fn create(
    request: CreateFunctionFluentBuilder,
    spec: &FunctionSpec,
    dependencies: Dependencies<'_>,
) -> CreateFunctionFluentBuilder {
    let mut request = configure!(request, spec, dependencies).architectures(architecture(spec.architecture));
    // What is not wanted is left out: on creation an empty value is not "none" to every member.
    let LambdaSettings { layers, vpc, file_systems, dead_letter_arn, kms_key_arn, .. } = &spec.lambda;
    if all_layers(dependencies, layers).is_empty() {
        request = request.set_layers(None);
    }
    if vpc.is_none() {
        request = request.set_vpc_config(None);
    }
    if file_systems.is_empty() {
        request = request.set_file_system_configs(None);
    }
    if dead_letter_arn.is_none() {
        request = request.set_dead_letter_config(None);
    }
    if kms_key_arn.is_none() {
        request = request.set_kms_key_arn(None);
    }
    request
}

/// Everything but name and role; the instruction set goes with the code. What is not wanted is sent empty: left out, it would stay as it is.
pub(super) fn update(
    request: UpdateFunctionConfigurationFluentBuilder,
    spec: &FunctionSpec,
    dependencies: Dependencies<'_>,
) -> UpdateFunctionConfigurationFluentBuilder {
    configure!(request, spec, dependencies)
}

pub(super) fn architecture(architecture: Architecture) -> SdkArchitecture {
    match architecture {
        Architecture::X86_64 => SdkArchitecture::X8664,
        Architecture::Arm64 => SdkArchitecture::Arm64,
    }
}

/// `$LATEST` or a published version, as Lambda tells of it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// `None`: `$LATEST`.
    pub(super) version: Option<Version>,
    pub(super) arn: String,
    pub(super) code_sha256: String,
    /// Bytes.
    pub(super) code_size: u64,
    pub(super) revision: Option<String>,
    pub(super) role: String,
    /// RFC 3339.
    pub(super) modified: String,
    /// Not ready yet: just made, or published with a snapshot that takes its time.
    pub(super) pending: bool,
    /// An update has not come to its end.
    pub(super) updating: bool,
    /// Where its dependencies are, if they travel by themselves ([`DependenciesRef::location`]).
    pub(super) dependencies: Option<String>,
    /// Bytes of their layer.
    pub(super) layer_size: u64,
    /// `None` for what this tool does not make (container images, other languages).
    pub(super) spec: Option<FunctionSpec>,
}

/// The answers of these operations hold the same members and have no type in common.
macro_rules! known {
    ($($type:ty),*) => {$(
        impl From<&$type> for Known {
            fn from(there: &$type) -> Self {
                let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
                let vpc = there.vpc_config().filter(|vpc| !vpc.subnet_ids().is_empty()).map(|vpc| Vpc {
                    subnet_ids: sorted(vpc.subnet_ids()),
                    security_group_ids: sorted(vpc.security_group_ids()),
                    ipv6: vpc.ipv6_allowed_for_dual_stack().unwrap_or_default(),
                });
                let variables = there.environment().and_then(|there| there.variables());
                let mut environment: BTreeMap<String, String> =
                    variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
                let fetched = match environment.get(env::DEPENDENCIES) {
                    Some(location) if dependencies::is_fetched(location) => environment.remove(env::DEPENDENCIES),
                    _ => None,
                };
                let arm = there.architectures().contains(&SdkArchitecture::Arm64);
                let file_systems = there.file_system_configs().iter();
                let function = there.function_name().unwrap_or_default();
                let (own, layers) = match there.layers() {
                    [first, rest @ ..] if first.arn().is_some_and(|arn| layer::is_own(arn, function)) => (Some(first), rest),
                    all => (None, all),
                };
                let spec = there.runtime().and_then(|runtime| runtime.as_str().parse().ok()).map(|runtime| FunctionSpec {
                    runtime,
                    architecture: if arm { Architecture::Arm64 } else { Architecture::X86_64 },
                    handler: there.handler().unwrap_or_default().to_owned(),
                    memory_mb: unsigned(there.memory_size()),
                    timeout_seconds: unsigned(there.timeout()),
                    ephemeral_storage_mb: there.ephemeral_storage().map_or(DEFAULT_STORAGE_MB, |storage| unsigned(Some(storage.size()))),
                    description: there.description().unwrap_or_default().to_owned(),
                    environment,
                    lambda: LambdaSettings {
                        layers: layers.iter().filter_map(|layer| layer.arn().map(str::to_owned)).collect(),
                        vpc,
                        file_systems: file_systems
                            .map(|there| FileSystem { arn: there.arn().to_owned(), local_mount_path: there.local_mount_path().to_owned() })
                            .collect(),
                        dead_letter_arn: text(there.dead_letter_config().and_then(|there| there.target_arn())),
                        kms_key_arn: text(there.kms_key_arn()),
                        tracing: there.tracing_config().and_then(|there| there.mode()) == Some(&TracingMode::Active),
                        snap_start: there.snap_start().and_then(|there| there.apply_on()) == Some(&SnapStartApplyOn::PublishedVersions),
                    },
                });
                Self {
                    version: there.version().and_then(|version| version.parse().ok()),
                    arn: there.function_arn().unwrap_or_default().to_owned(),
                    code_sha256: there.code_sha256().unwrap_or_default().to_owned(),
                    code_size: u64::try_from(there.code_size()).unwrap_or_default(),
                    revision: there.revision_id().map(str::to_owned),
                    role: there.role().unwrap_or_default().to_owned(),
                    modified: there.last_modified().map(time).unwrap_or_default(),
                    pending: there.state() == Some(&State::Pending),
                    updating: there.last_update_status() == Some(&LastUpdateStatus::InProgress),
                    dependencies: own.and_then(|own| own.arn().map(str::to_owned)).or(fetched),
                    layer_size: own.and_then(|own| u64::try_from(own.code_size()).ok()).unwrap_or_default(),
                    spec,
                }
            }
        }
    )*};
}

known!(FunctionConfiguration, CreateFunctionOutput, UpdateFunctionCodeOutput, UpdateFunctionConfigurationOutput, PublishVersionOutput);

impl Known {
    /// Whether its configuration is the wanted one, the instruction set apart, which goes with the code.
    pub(super) fn is_configured(&self, spec: &FunctionSpec, dependencies: Dependencies<'_>) -> bool {
        self.dependencies.as_ref() == dependencies.map(|dependencies| &dependencies.location)
            && self.spec.as_ref().is_some_and(|there| *there == FunctionSpec { architecture: there.architecture, ..spec.clone() })
    }

    /// Whether it holds exactly this code.
    pub(super) fn has_code(&self, code_sha256: &str, spec: &FunctionSpec) -> bool {
        self.code_sha256 == code_sha256 && self.spec.as_ref().is_some_and(|there| there.architecture == spec.architecture)
    }

    /// Whether it was published from `latest` as that is now.
    pub(super) fn is_of(&self, latest: &Self) -> bool {
        self.code_sha256 == latest.code_sha256
            && self.dependencies == latest.dependencies
            && self.role == latest.role
            && self.spec == latest.spec
    }
}

/// `2026-11-24T12:34:56.000+0000`, as Lambda writes times, in RFC 3339.
fn time(text: &str) -> String {
    let read = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).and_then(|parsed| parsed.to_timestamp());
    read.map_or_else(|_| text.to_owned(), |time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn sorted(ids: &[String]) -> Vec<String> {
    let mut ids = ids.to_vec();
    ids.sort();
    ids
}

fn number(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn unsigned(value: Option<i32>) -> u32 {
    value.and_then(|value| u32::try_from(value).ok()).unwrap_or_default()
}

/// The builder fails only where the size is missing.
fn ephemeral_storage(size: u32) -> Option<EphemeralStorage> {
    EphemeralStorage::builder().size(number(size)).build().ok()
}

fn vpc_config(vpc: Option<&Vpc>) -> VpcConfig {
    let builder = VpcConfig::builder();
    match vpc {
        Some(Vpc { subnet_ids, security_group_ids, ipv6 }) => builder
            .set_subnet_ids(Some(subnet_ids.clone()))
            .set_security_group_ids(Some(security_group_ids.clone()))
            .ipv6_allowed_for_dual_stack(*ipv6)
            .build(),
        None => builder.set_subnet_ids(Some(Vec::new())).set_security_group_ids(Some(Vec::new())).build(),
    }
}

fn file_system(system: &FileSystem) -> Option<FileSystemConfig> {
    FileSystemConfig::builder().arn(&system.arn).local_mount_path(&system.local_mount_path).build().ok()
}
