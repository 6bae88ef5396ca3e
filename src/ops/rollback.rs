//! `rollback`: `live` moves to an earlier version. Nothing is built, nothing is sent.

use serde::Serialize;

use super::OperationError;
use crate::cloud::{Cloud, CloudError, Release, Releases};
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

/// What [`rollback`] would do; only reads from the target.
pub async fn plan(cloud: &dyn Cloud, id: &StageId, to: RollbackTo) -> Result<RollbackReport, OperationError> {
    let function_name = id.function_name();
    let Some(Releases { live, all }) = cloud.releases(id).await? else {
        return Err(CloudError::NotDeployed { function: function_name }.into());
    };
    let Some(from) = live else { return Err(OperationError::NothingLive { function: function_name }) };
    let to = target(&function_name, &all, from, to)?;
    Ok(RollbackReport { function_name, from, to })
}

/// Moves `live`.
pub async fn rollback(
    cloud: &dyn Cloud,
    id: &StageId,
    to: RollbackTo,
    wait: bool,
    observer: &dyn Observer,
) -> Result<RollbackReport, OperationError> {
    loop {
        let planned = plan(cloud, id, to).await?;
        let RollbackReport { function_name: _, from, to } = planned;
        if to == from {
            return Ok(planned);
        }
        match cloud.swap_live(id, from, to).await {
            Ok(()) => return Ok(planned),
            // Waits for its turn, and then sees what the other run has left.
            Err(CloudError::Locked { .. } | CloudError::Changed { .. }) if wait => {
                cloud.lock(id, true, observer).await?.release(true).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

pub(super) fn target(function: &str, all: &[Release], live: Version, to: RollbackTo) -> Result<Version, OperationError> {
    match to {
        RollbackTo::Version(version) if all.iter().any(|release| release.version == version) => Ok(version),
        RollbackTo::Version(version) => Err(CloudError::NoSuchVersion { function: function.to_owned(), version }.into()),
        RollbackTo::Steps(steps) => {
            let earlier: Vec<Version> = all.iter().map(|release| release.version).filter(|version| *version < live).collect();
            match earlier.len().checked_sub(steps as usize).and_then(|index| earlier.get(index)) {
                Some(version) => Ok(*version),
                None => Err(OperationError::NothingBefore { steps, live, oldest: earlier.first().copied().unwrap_or(live) }),
            }
        }
    }
}
