//! The lock of a stage: `live`'s description, changed only if nobody else has changed it (see `record`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::connect::Clients;
use super::record::Applied;
use super::stage::{self, Attempt, Stage};
use crate::cloud::{CloudError, StageLock};
use crate::observe::Observer;

/// Between two looks at a stage that is somebody else's.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A stage that is this run's.
pub(super) struct AwsLock {
    clients: Clients,
    stage: Arc<Stage>,
}

/// Gets hold of the stage, with `wait` as long as that takes. `look` reads the stage anew after something has changed.
pub(super) async fn acquire<F>(
    clients: &Clients,
    stage: &Arc<Stage>,
    wait: bool,
    observer: &dyn Observer,
    look: impl Fn() -> F,
) -> Result<AwsLock, CloudError>
where
    F: Future<Output = Result<(), CloudError>>,
{
    let mut told = false;
    loop {
        match stage::take(clients, stage).await? {
            Attempt::Held => return Ok(AwsLock { clients: clients.clone(), stage: stage.clone() }),
            Attempt::Busy(lock) if !wait => {
                return Err(CloudError::Locked { stage: stage.names.id.stage.clone(), holder: lock.words() });
            }
            Attempt::Busy(lock) => {
                if !std::mem::replace(&mut told, true) {
                    observer.note(&format!("waiting for another run on stage `{}` ({})", stage.names.id.stage, lock.words()));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Attempt::Again => {}
        }
        look().await?;
    }
}

#[async_trait]
impl StageLock for AwsLock {
    async fn release(self: Box<Self>, finished: bool) -> Result<(), CloudError> {
        let mut state = self.stage.state.lock().await;
        let Some(hold) = state.hold.take() else { return Ok(()) };
        state.found = None;
        // Nothing stands in AWS: the function was never made, or is gone; or moving `live` has given the stage free already.
        let mut live = self.stage.live.lock().await;
        let Some(alias) = live.as_ref().filter(|alias| alias.record.lock.is_some()) else { return Ok(()) };
        let version = alias.version;
        let released = stage::update(&self.clients, &self.stage, &mut live, version, |record| {
            record.lock = None;
            if !finished && hold.touched {
                record.applied = Applied::default();
            }
        })
        .await;
        match released {
            // It had expired, and somebody else has gone on from there.
            Err(CloudError::Changed { .. }) if !finished => Ok(()),
            other => other,
        }
    }
}
