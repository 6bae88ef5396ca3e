//! `rollback`: `live` moves to an earlier version. Nothing is built, nothing is sent.

use serde::Serialize;

use super::OperationError;
use crate::cloud::{Cloud, CloudError};
use crate::model::{StageId, Version};
use crate::observe::Observer;

/// Where to.
#[derive(Debug, Clone, Copy)]
pub enum RollbackTo {
    /// So many releases before the live one.
    Steps(u32),
    /// This version.
    Version(Version),
}

/// From where to where.
#[derive(Debug, Serialize)]
pub struct RollbackReport {
    /// The function.
    pub function_name: String,
    /// What served before.
    pub from: Version,
    /// What serves now.
    pub to: Version,
}

/// Moves `live`.
pub async fn rollback(
    cloud: &dyn Cloud,
    id: &StageId,
    to: RollbackTo,
    wait: bool,
    observer: &dyn Observer,
) -> Result<RollbackReport, OperationError> {
    let function = id.function_name();
    if cloud.find(id).await?.is_none() {
        return Err(CloudError::NotDeployed { function }.into());
    }
    let _lock = cloud.lock(id, wait, observer).await?;
    let Some(current) = cloud.find(id).await? else { return Err(CloudError::NotDeployed { function }.into()) };
    let Some(live) = current.live else { return Err(OperationError::NothingLive { function }) };
    let version = match to {
        RollbackTo::Version(version) => version,
        RollbackTo::Steps(steps) => {
            let earlier: Vec<Version> = current.releases.iter().map(|release| release.version).filter(|version| *version < live).collect();
            match earlier.len().checked_sub(steps as usize).and_then(|index| earlier.get(index)) {
                Some(version) => *version,
                None => {
                    return Err(OperationError::NothingBefore { steps, live, oldest: earlier.first().copied().unwrap_or(live) });
                }
            }
        }
    };
    cloud.move_live(id, version).await?;
    Ok(RollbackReport { function_name: function, from: live, to: version })
}
