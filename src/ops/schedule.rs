//! `schedule` and `unschedule`: what fires, without a release; and firing one now.

use jiff::Timestamp;
use serde::Serialize;

use super::OperationError;
use super::plan::scheduled;
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

/// What would be done to schedules, by their names.
#[derive(Debug, Default, Serialize)]
pub struct SchedulePlan {
    /// The function.
    pub function_name: String,
    /// Those that are not there.
    pub created: Vec<String>,
    /// Those that are there in another form.
    pub updated: Vec<String>,
    /// Those that are there and not wanted.
    pub removed: Vec<String>,
    /// Those that are there as wanted.
    pub unchanged: Vec<String>,
}

/// What [`schedule`] would do, or [`unschedule`] where nothing is wanted; only reads from the target.
pub async fn plan(cloud: &dyn Cloud, id: &StageId, wanted: &[ScheduleSpec]) -> Result<SchedulePlan, OperationError> {
    let there = cloud.inspect(id).await?.ok_or_else(|| CloudError::NotDeployed { function: id.function_name() })?.schedules;
    let mut plan = SchedulePlan { function_name: id.function_name(), ..SchedulePlan::default() };
    for spec in wanted {
        let names = match there.iter().find(|there| there.spec.name == spec.name) {
            None => &mut plan.created,
            Some(there) if there.spec == *spec => &mut plan.unchanged,
            Some(_) => &mut plan.updated,
        };
        names.push(spec.name.clone());
    }
    let unwanted = there.into_iter().map(|there| there.spec.name).filter(|name| wanted.iter().all(|spec| spec.name != *name));
    plan.removed = unwanted.collect();
    Ok(plan)
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
    let before = existing(cloud, id).await?;
    warn_of_idle(wanted, Timestamp::now(), observer);
    if scheduled(&before, wanted) {
        return Ok(ScheduleReport { function_name: id.function_name(), outcome: Outcome::Unchanged, schedules: before.schedules });
    }
    let outcome = sync(cloud, id, wanted, wait, observer).await?;
    let schedules = existing(cloud, id).await?.schedules;
    Ok(ScheduleReport { function_name: id.function_name(), outcome, schedules })
}

/// Removes every schedule, keep-warm too.
pub async fn unschedule(cloud: &dyn Cloud, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<UnscheduleReport, OperationError> {
    let before = existing(cloud, id).await?;
    if !scheduled(&before, &[]) {
        sync(cloud, id, &[], wait, observer).await?;
    }
    let removed = before.schedules.into_iter().map(|schedule| schedule.spec.name).collect();
    Ok(UnscheduleReport { function_name: id.function_name(), removed })
}

async fn sync(
    cloud: &dyn Cloud,
    id: &StageId,
    wanted: &[ScheduleSpec],
    wait: bool,
    observer: &dyn Observer,
) -> Result<Outcome, OperationError> {
    let lock = cloud.lock(id, wait, observer).await?;
    let outcome = cloud.sync_schedules(id, wanted).await;
    let released = lock.release(outcome.is_ok()).await;
    let outcome = outcome?;
    released?;
    Ok(outcome)
}

/// The event that the deployed schedule `name` sends, as of now.
pub async fn event_of(cloud: &dyn Cloud, id: &StageId, name: &str) -> Result<serde_json::Value, OperationError> {
    let deployment = cloud.inspect(id).await?.ok_or_else(|| CloudError::NotDeployed { function: id.function_name() })?;
    let names = || deployment.schedules.iter().map(|schedule| schedule.spec.name.as_str());
    let Some(found) = deployment.schedules.iter().find(|schedule| schedule.spec.name == name) else {
        return Err(OperationError::NoSuchSchedule {
            function: deployment.function_name.clone(),
            name: name.to_owned(),
            nearest: nearest(name, names()).map(str::to_owned),
            known: names().map(str::to_owned).collect(),
        });
    };
    // arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME
    let arn: Vec<&str> = deployment.function_arn.split(':').collect();
    let part = |index: usize| arn.get(index).copied().unwrap_or_default();
    let occasion = Occasion {
        id: uuid::Uuid::new_v4(),
        time: Timestamp::now(),
        partition: part(1),
        account: part(4),
        region: part(3),
        function_name: &deployment.function_name,
        name,
    };
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
