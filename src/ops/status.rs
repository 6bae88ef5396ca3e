//! `status`: what is there, and in what it differs from the settings.

use serde::Serialize;

use super::OperationError;
use super::plan::{drift, wanted};
use crate::cloud::{Cloud, CloudError, Deployment};
use crate::model::{OLDEST_PYTHON_MINOR, Runtime};
use crate::settings::Settings;

/// A stage and its settings.
#[derive(Debug, Serialize)]
pub struct StatusReport {
    /// The stage as it is.
    #[serde(flatten)]
    pub deployment: Deployment,
    /// The settings that say something else than what is deployed, by name.
    pub drift: Vec<String>,
}

/// Looks.
pub async fn status(cloud: &dyn Cloud, settings: &Settings) -> Result<StatusReport, OperationError> {
    let id = &settings.id;
    let deployment = cloud.inspect(id).await?.ok_or_else(|| CloudError::NotDeployed { function: id.function_name() })?;
    // Settings that leave the runtime to the project's interpreter do not differ in it.
    let runtime = deployment.function.as_ref().map_or(Runtime { minor: OLDEST_PYTHON_MINOR }, |function| function.runtime);
    let drift = drift(&deployment, &wanted(settings, runtime));
    Ok(StatusReport { deployment, drift })
}
