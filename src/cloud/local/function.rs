//! From a version as the trait describes it to what the emulator runs.

use std::path::PathBuf;
use std::time::Duration;

use super::ACCOUNT;
use super::told::function_arn;
use crate::cloud::FunctionSpec;
use crate::emulator::FunctionConfig;
use crate::env;
use crate::model::Version;

/// How many sandboxes a function may have where the settings do not say.
const DEFAULT_CONCURRENCY: u32 = 10;

/// Where a version runs.
pub(super) struct Place {
    pub(super) region: String,
    /// The task root.
    pub(super) code: PathBuf,
    /// What is to be at `/opt`.
    pub(super) layer: Option<PathBuf>,
    /// Where it fetches its dependencies from.
    pub(super) fetched: Option<String>,
    pub(super) python: PathBuf,
    pub(super) scratch: PathBuf,
    pub(super) log_file: PathBuf,
    /// How many sandboxes there may be.
    pub(super) concurrency: Option<u32>,
}

pub(super) fn function_config(function_name: String, version: Version, function: &FunctionSpec, place: Place) -> FunctionConfig {
    let mut environment = function.environment.clone();
    // Asynchronous tasks would go to AWS by its SDK; here they run where they are called.
    environment.entry("ZAPPA_TASKS".to_owned()).or_insert_with(|| "inline".to_owned());
    environment.extend(place.fetched.map(|location| (env::DEPENDENCIES.to_owned(), location)));
    FunctionConfig {
        function_arn: function_arn(&place.region, &function_name),
        account_id: ACCOUNT.to_owned(),
        version,
        region: place.region,
        code: place.code,
        layer: place.layer,
        handler: function.handler.clone(),
        python: place.python,
        runtime: function.runtime.to_string(),
        environment,
        memory_mb: function.memory_mb,
        ephemeral_storage_mb: function.ephemeral_storage_mb,
        timeout: Duration::from_secs(function.timeout_seconds.into()),
        concurrency: place.concurrency.unwrap_or(DEFAULT_CONCURRENCY) as usize,
        scratch: place.scratch,
        log_file: place.log_file,
        function_name,
    }
}
