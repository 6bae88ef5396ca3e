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

/// What would go.
#[derive(Debug, Serialize)]
pub struct UndeployPlan {
    /// The function.
    pub function_name: String,
    /// One line each; empty if there is nothing.
    pub removed: Removed,
    /// What would stay: logs, unless they shall go too.
    pub kept: Removed,
}

/// What [`undeploy`] would do; only reads from the target.
pub async fn plan(cloud: &dyn Cloud, id: &StageId, remove_logs: bool, observer: &dyn Observer) -> Result<UndeployPlan, OperationError> {
    let mut plan = plan_here(cloud, id, remove_logs, observer).await?;
    plan.removed.extend(cloud.remove_shared(id, true, observer).await?);
    Ok(plan)
}

/// As [`plan`], without what the stage's regions share.
pub(super) async fn plan_here(
    cloud: &dyn Cloud,
    id: &StageId,
    remove_logs: bool,
    observer: &dyn Observer,
) -> Result<UndeployPlan, OperationError> {
    let all = cloud.remove(id, true, true, observer).await?;
    let removed = if remove_logs { all.clone() } else { cloud.remove(id, false, true, observer).await? };
    let kept = all.into_iter().filter(|line| !removed.contains(line)).collect();
    Ok(UndeployPlan { function_name: id.function_name(), removed, kept })
}

/// Removes the stage.
pub async fn undeploy(
    cloud: &dyn Cloud,
    id: &StageId,
    remove_logs: bool,
    wait: bool,
    observer: &dyn Observer,
) -> Result<UndeployReport, OperationError> {
    let mut report = undeploy_here(cloud, id, remove_logs, wait, observer).await?;
    report.removed.extend(cloud.remove_shared(id, false, observer).await?);
    Ok(report)
}

/// As [`undeploy`], without what the stage's regions share.
pub(super) async fn undeploy_here(
    cloud: &dyn Cloud,
    id: &StageId,
    remove_logs: bool,
    wait: bool,
    observer: &dyn Observer,
) -> Result<UndeployReport, OperationError> {
    let removed = if cloud.releases(id).await?.is_some() {
        let lock = cloud.lock(id, wait, observer).await?;
        let removed = cloud.remove(id, remove_logs, false, observer).await;
        let released = lock.release(false).await;
        let removed = removed?;
        released?;
        removed
    } else {
        cloud.remove(id, remove_logs, false, observer).await?
    };
    Ok(UndeployReport { function_name: id.function_name(), removed })
}
