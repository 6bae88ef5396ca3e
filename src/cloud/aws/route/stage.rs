//! The stage of a REST API: its name, which deployment it shows, and what can be set for it.

use aws_sdk_apigateway::operation::get_stage::GetStageOutput;
use aws_sdk_apigateway::types::{MethodSetting, PatchOperation};

use super::rest::{ABSENT, GET, PATCH, patch, path};
use super::{RouteError, Site};
use crate::cloud::aws::AwsError;
use crate::cloud::aws::classify::{failed, found};
use crate::cloud::aws::names::Names;
use crate::model::{GatewayLogLevel, GatewaySettings, Outcome};

/// What a stage is before anything is set.
const DEFAULT_TTL: i32 = 300;

/// A stage as it is.
pub(super) struct Shown {
    /// Of the deployment that it shows.
    pub(super) description: String,
    settings: Settings,
}

/// In the API's own terms, as they hold for all methods.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Settings {
    tracing: bool,
    /// The size of the cache.
    cache: Option<String>,
    caching: bool,
    ttl_seconds: i32,
    encrypted: bool,
    log_level: String,
    data_trace: bool,
    metrics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tracing: false,
            cache: None,
            caching: false,
            ttl_seconds: DEFAULT_TTL,
            encrypted: false,
            log_level: GatewayLogLevel::Off.as_str().to_owned(),
            data_trace: false,
            metrics: false,
        }
    }
}

/// The stage's name in the URL; API Gateway takes letters, digits and `_`.
pub(super) fn name(names: &Names) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    names.id.stage.chars().map(kept).collect()
}

/// Whether the stage is to write logs, for which API Gateway needs a role that the whole account shares.
pub(super) fn logs(gateway: &GatewaySettings) -> bool {
    gateway.log_level != GatewayLogLevel::Off || gateway.data_trace
}

/// It is not for a deployment to change what holds for everybody in the account: without the role this says what to do.
pub(super) async fn require_log_role(site: Site<'_>) -> Result<(), AwsError> {
    let account = site.clients.rest_apis.get_account().send().await.map_err(failed(GET, "/account"))?;
    if account.cloudwatch_role_arn().is_none_or(str::is_empty) {
        return Err(RouteError::NoLogRole { region: site.place.region.clone() }.into());
    }
    Ok(())
}

/// The stage of an API, if it has been deployed.
pub(super) async fn shown(site: Site<'_>, id: &str) -> Result<Option<Shown>, AwsError> {
    let client = &site.clients.rest_apis;
    let request = client.get_stage().rest_api_id(id).stage_name(name(site.names));
    let stage = found(request.send().await, &ABSENT).map_err(failed(GET, path(id, "stages")))?;
    let Some(stage) = stage else { return Ok(None) };
    let deployment = match stage.deployment_id() {
        Some(deployment) => {
            let request = client.get_deployment().rest_api_id(id).deployment_id(deployment);
            found(request.send().await, &ABSENT).map_err(failed(GET, path(id, "deployments")))?
        }
        None => None,
    };
    let description = deployment.and_then(|deployment| deployment.description).unwrap_or_default();
    Ok(Some(Shown { description, settings: Settings::of(&stage) }))
}

/// Sets what differs. A stage that has just been made (`None`) has the defaults.
pub(super) async fn ensure(site: Site<'_>, id: &str, gateway: &GatewaySettings, shown: Option<&Shown>) -> Result<Outcome, AwsError> {
    let default = Settings::default();
    let patches = Settings::wanted(gateway).patches(shown.map_or(&default, |shown| &shown.settings));
    if patches.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let request = site.clients.rest_apis.update_stage().rest_api_id(id).stage_name(name(site.names)).set_patch_operations(Some(patches));
    request.send().await.map_err(failed(PATCH, path(id, "stages")))?;
    Ok(Outcome::Updated)
}

impl Settings {
    fn wanted(gateway: &GatewaySettings) -> Self {
        let default = Self::default();
        let cache = gateway.cache.as_ref();
        Self {
            tracing: gateway.tracing,
            cache: cache.map(|cache| cache.size.clone()),
            caching: cache.is_some(),
            ttl_seconds: cache.and_then(|cache| i32::try_from(cache.ttl_seconds).ok()).unwrap_or(default.ttl_seconds),
            encrypted: cache.is_some_and(|cache| cache.encrypted),
            log_level: gateway.log_level.as_str().to_owned(),
            data_trace: gateway.data_trace,
            metrics: gateway.metrics,
        }
    }

    fn of(stage: &GetStageOutput) -> Self {
        let default = Self::default();
        let method: Option<&MethodSetting> = stage.method_settings().and_then(|settings| settings.get("*/*"));
        Self {
            tracing: stage.tracing_enabled(),
            cache: stage.cache_cluster_size().filter(|_| stage.cache_cluster_enabled()).map(|size| size.as_str().to_owned()),
            caching: method.is_some_and(MethodSetting::caching_enabled),
            ttl_seconds: method.map_or(default.ttl_seconds, MethodSetting::cache_ttl_in_seconds),
            encrypted: method.is_some_and(MethodSetting::cache_data_encrypted),
            log_level: method.and_then(MethodSetting::logging_level).map_or(default.log_level, str::to_owned),
            data_trace: method.is_some_and(MethodSetting::data_trace_enabled),
            metrics: method.is_some_and(MethodSetting::metrics_enabled),
        }
    }

    fn patches(&self, there: &Self) -> Vec<PatchOperation> {
        let mut patches = Vec::new();
        let mut set = |differs: bool, path: &str, value: &str| {
            if differs {
                patches.push(patch(path, value));
            }
        };
        let truth = |value: bool| if value { "true" } else { "false" };
        set(self.tracing != there.tracing, "/tracingEnabled", truth(self.tracing));
        if let Some(size) = &self.cache {
            set(self.cache != there.cache, "/cacheClusterSize", size);
        }
        set(self.cache.is_some() != there.cache.is_some(), "/cacheClusterEnabled", truth(self.cache.is_some()));
        set(self.log_level != there.log_level, "/*/*/logging/loglevel", &self.log_level);
        set(self.data_trace != there.data_trace, "/*/*/logging/dataTrace", truth(self.data_trace));
        set(self.metrics != there.metrics, "/*/*/metrics/enabled", truth(self.metrics));
        set(self.caching != there.caching, "/*/*/caching/enabled", truth(self.caching));
        // Without a cache these have no effect.
        if self.caching {
            set(self.ttl_seconds != there.ttl_seconds, "/*/*/caching/ttlInSeconds", &self.ttl_seconds.to_string());
            set(self.encrypted != there.encrypted, "/*/*/caching/dataEncrypted", truth(self.encrypted));
        }
        patches
    }
}
