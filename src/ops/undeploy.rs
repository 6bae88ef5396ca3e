//! `undeploy`: everything of the stage goes. Can be repeated; a stage that is not there is no error.

use serde::Serialize;

use super::OperationError;
use crate::cloud::{Cloud, Removed};
use crate::model::StageId;
use crate::observe::Observer;

/// What is gone.
#[derive(Debug, Serialize)]
pub struct UndeployReport {
    /// The function.
    pub function_name: String,
    /// One line each; empty if there was nothing.
    pub removed: Removed,
}

/// Removes the stage.
pub async fn undeploy(
    cloud: &dyn Cloud,
    id: &StageId,
    remove_logs: bool,
    wait: bool,
    observer: &dyn Observer,
) -> Result<UndeployReport, OperationError> {
    let removed = if cloud.find(id).await?.is_some() {
        let _lock = cloud.lock(id, wait, observer).await?;
        cloud.remove(id, remove_logs, observer).await?
    } else {
        cloud.remove(id, remove_logs, observer).await?
    };
    Ok(UndeployReport { function_name: id.function_name(), removed })
}
