//! `schedule` and `unschedule`: what fires, without a release; and firing one now.

use jiff::Timestamp;
use serde::Serialize;

use super::OperationError;
use crate::cloud::{Cloud, CloudError, Deployment, ScheduleSpec, Scheduled};
use crate::model::{Outcome, StageId};
use crate::observe::Observer;
use crate::schedule::{Expression, Occasion, event};
use crate::settings::nearest;

/// What fires now.
#[derive(Debug, Serialize)]
pub struct ScheduleReport {
    /// The function.
    pub function_name: String,
    /// Whether anything was made, changed or removed.
    pub outcome: Outcome,
    /// All that there is.
    pub schedules: Vec<Scheduled>,
}

/// What fires no more.
#[derive(Debug, Serialize)]
pub struct UnscheduleReport {
    /// The function.
    pub function_name: String,
    /// The schedules that were there, by name.
    pub removed: Vec<String>,
}

/// Makes exactly these schedules.
pub async fn schedule(
    cloud: &dyn Cloud,
    id: &StageId,
    wanted: &[ScheduleSpec],
    wait: bool,
    observer: &dyn Observer,
) -> Result<ScheduleReport, OperationError> {
    // Asked before the lock is taken, which itself leaves a trace of the stage.
    existing(cloud, id).await?;
    let _lock = cloud.lock(id, wait, observer).await?;
    warn_of_idle(wanted, Timestamp::now(), observer);
    let outcome = cloud.sync_schedules(id, wanted).await?;
    let schedules = existing(cloud, id).await?.schedules;
    Ok(ScheduleReport { function_name: id.function_name(), outcome, schedules })
}

/// Removes every schedule, keep-warm too.
pub async fn unschedule(cloud: &dyn Cloud, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<UnscheduleReport, OperationError> {
    existing(cloud, id).await?;
    let _lock = cloud.lock(id, wait, observer).await?;
    let removed = existing(cloud, id).await?.schedules.into_iter().map(|schedule| schedule.spec.name).collect();
    cloud.sync_schedules(id, &[]).await?;
    Ok(UnscheduleReport { function_name: id.function_name(), removed })
}

/// The event that the deployed schedule `name` sends, as of now.
pub async fn event_of(cloud: &dyn Cloud, id: &StageId, name: &str) -> Result<serde_json::Value, OperationError> {
    let deployment = existing(cloud, id).await?;
    let names = || deployment.schedules.iter().map(|schedule| schedule.spec.name.as_str());
    let Some(found) = deployment.schedules.iter().find(|schedule| schedule.spec.name == name) else {
        return Err(OperationError::NoSuchSchedule {
            function: deployment.function_name.clone(),
            name: name.to_owned(),
            nearest: nearest(name, names()).map(str::to_owned),
            known: names().map(str::to_owned).collect(),
        });
    };
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME
    let mut arn = deployment.function_arn.split(':').skip(3);
    let (region, account) = (arn.next().unwrap_or_default(), arn.next().unwrap_or_default());
    let occasion =
        Occasion { id: uuid::Uuid::new_v4(), time: Timestamp::now(), account, region, function_name: &deployment.function_name, name };
    Ok(event(&found.spec.input, &occasion))
}

/// Tells of schedules that will not fire, which is never what was meant.
pub(super) fn warn_of_idle(schedules: &[ScheduleSpec], now: Timestamp, observer: &dyn Observer) {
    for ScheduleSpec { name, expression, .. } in schedules.iter().filter(|schedule| schedule.enabled) {
        // What cannot be read is for the target to refuse.
        let Ok(read) = expression.parse::<Expression>() else { continue };
        if read.next_after(now, now).is_none() {
            observer.warn(&match read {
                Expression::At(_) => format!("schedule `{name}` does not fire any more: `{expression}` (UTC) is over"),
                _ => format!("schedule `{name}` never fires: no day to come fits `{expression}`"),
            });
        }
    }
}

async fn existing(cloud: &dyn Cloud, id: &StageId) -> Result<Deployment, OperationError> {
    cloud.find(id).await?.ok_or_else(|| CloudError::NotDeployed { function: id.function_name() }.into())
}
