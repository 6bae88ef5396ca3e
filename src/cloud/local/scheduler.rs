//! Has the schedules of every stage call `live`, as EventBridge does: asynchronously, with its event, and twice more if the function fails.
//!
//! When something is due is the agenda's affair (`schedule`); here are the clock, the calls, and `schedules.json`, by which a restarted process knows
//! what has fired. A process that was not there when a schedule was due behaves as a computer that slept: the schedule fires once, late.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::Notify;

use super::state::{ScheduleState, read_json, write_json};
use super::{ACCOUNT, LocalError};
use crate::cloud::{ScheduleSpec, Scheduled, ScheduledRun};
use crate::emulator::{Clock, Emulator, Ids};
use crate::schedule::{self, Agenda, Expression, LastRun, Memory, Occasion, Plan, Run, RunOutcome};

/// How often the clock is read while something waits for its time: timers do not notice that the clock was set or that the computer slept.
const LOOK: Duration = Duration::from_secs(5);

/// What one stage wants to have run.
#[derive(Debug, Clone)]
pub struct StageSchedules {
    /// The function, called at `live`.
    pub function_name: String,
    /// What events name as their region.
    pub region: String,
    /// The schedules, each with when it was made.
    pub schedules: Vec<(ScheduleSpec, jiff::Timestamp)>,
    /// Where what has fired is remembered.
    pub memory: PathBuf,
}

/// Runs schedules on an emulator. Cheap to clone; all clones are the same one.
#[derive(Clone)]
pub struct Scheduler {
    shared: Arc<Shared>,
}

struct Shared {
    emulator: Emulator,
    clock: Clock,
    ids: Ids,
    stages: Mutex<BTreeMap<String, Stage>>,
    changed: Notify,
}

struct Stage {
    region: String,
    inputs: BTreeMap<String, Value>,
    agenda: Agenda,
    memory: PathBuf,
}

impl std::fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scheduler").field("stages", &self.shared.stages().keys()).finish_non_exhaustive()
    }
}

impl Shared {
    fn stages(&self) -> MutexGuard<'_, BTreeMap<String, Stage>> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Scheduler {
    /// Without stages. Nothing fires until [`Scheduler::run`] is polled.
    #[must_use]
    pub fn new(emulator: Emulator, clock: Clock, ids: Ids) -> Self {
        Self { shared: Arc::new(Shared { emulator, clock, ids, stages: Mutex::default(), changed: Notify::new() }) }
    }

    /// Exactly these schedules for the stage from now on. What has not changed goes on as it was.
    pub fn set(&self, wanted: StageSchedules) -> Result<(), LocalError> {
        let enabled = wanted.schedules.iter().filter(|(spec, _)| spec.enabled);
        let plans = enabled.clone().filter_map(|(spec, since)| {
            let expression: Expression = spec.expression.parse().ok()?;
            Some(Plan { name: spec.name.clone(), expression, since: *since })
        });
        let inputs = enabled.clone().map(|(spec, _)| (spec.name.clone(), spec.input.clone())).collect();
        let memory = read_memory(&wanted.memory)?;
        {
            let mut stages = self.shared.stages();
            let agenda = stages.remove(&wanted.function_name).map(|stage| stage.agenda);
            let mut stage = Stage { region: wanted.region, inputs, agenda: agenda.unwrap_or_default(), memory: wanted.memory };
            stage.agenda.set(plans.collect(), &memory);
            // What is gone is forgotten: a schedule that comes back later begins anew.
            if stage.agenda.memory() != memory {
                stage.remember();
            }
            stages.insert(wanted.function_name, stage);
        }
        self.wake();
        Ok(())
    }

    /// Nothing of the stage fires any more, retries included.
    pub fn remove(&self, function_name: &str) {
        self.shared.stages().remove(function_name);
    }

    /// Reads the clock again, now.
    pub fn wake(&self) {
        self.shared.changed.notify_one();
    }

    /// What is known of a stage's schedules.
    #[must_use]
    pub fn memory(&self, function_name: &str) -> BTreeMap<String, Memory> {
        self.shared.stages().get(function_name).map(|stage| stage.agenda.memory()).unwrap_or_default()
    }

    /// Fires what is due, for ever.
    pub async fn run(&self) {
        loop {
            let now = (self.shared.clock)();
            let mut next = None;
            let mut calls = Vec::new();
            for (function_name, stage) in self.shared.stages().iter_mut() {
                let runs = stage.agenda.due(now, &*self.shared.ids);
                if !runs.is_empty() {
                    // Before it runs: a process that is killed in the middle of it must not run it again.
                    stage.remember();
                }
                calls.extend(runs.into_iter().map(|run| (function_name.clone(), stage.event(function_name, &run), run)));
                next = next.into_iter().chain(stage.agenda.next()).min();
            }
            for (function_name, event, run) in calls {
                tokio::spawn(self.clone().call(function_name, event, run));
            }
            let wait = next.map(|next: jiff::Timestamp| Duration::try_from(next.duration_since(now)).unwrap_or_default().min(LOOK));
            tokio::select! {
                () = self.shared.changed.notified() => {}
                () = tokio::time::sleep(wait.unwrap_or(Duration::MAX)) => {}
            }
        }
    }

    async fn call(self, function_name: String, event: Bytes, run: Run) {
        let result = match self.shared.emulator.invoke(&function_name, None, event).await {
            Ok(answer) if answer.function_error.is_none() => Ok(()),
            Ok(answer) => Err(failure(&answer.payload)),
            Err(error) => Err(error.to_string()),
        };
        let now = (self.shared.clock)();
        if let Some(stage) = self.shared.stages().get_mut(&function_name) {
            let retry = stage.agenda.ended(&run, now, result.clone());
            stage.remember();
            if let Err(error) = result {
                let then = retry.map_or_else(|| "it is not tried again".to_owned(), |at| format!("it is tried again at {at:.0}"));
                super::daemon::log(&format!("{function_name}: schedule `{}`, attempt {}: {error}; {then}", run.name, run.attempt));
            }
        }
        self.wake();
    }
}

impl Stage {
    fn event(&self, function_name: &str, run: &Run) -> Bytes {
        let Run { id, due, name, .. } = run;
        let occasion = Occasion { id: *id, time: *due, partition: "aws", account: ACCOUNT, region: &self.region, function_name, name };
        let input = self.inputs.get(&run.name).unwrap_or(&Value::Null);
        Bytes::from(schedule::event(input, &occasion).to_string())
    }

    /// What cannot be written now is written after the next run; a full disk must not keep schedules from firing.
    fn remember(&self) {
        let _ = write_json(&self.memory, &self.agenda.memory());
    }
}

/// What has fired, as the file says; nothing if it says nothing that can be read.
fn read_memory(path: &Path) -> Result<BTreeMap<String, Memory>, LocalError> {
    match read_json(path) {
        Err(LocalError::Damaged { .. }) => Ok(BTreeMap::new()),
        read => Ok(read?.unwrap_or_default()),
    }
}

/// Lambda's error object in one line.
fn failure(payload: &[u8]) -> String {
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    let text = |key| payload.get(key).and_then(Value::as_str).unwrap_or_default();
    let line = format!("{}: {}", text("errorType"), text("errorMessage"));
    line.lines().next().unwrap_or_default().to_owned()
}

/// Schedules as they are, with what the emulator's process remembers of them.
pub(super) fn scheduled(schedules: &[ScheduleState], memory: &Path, now: jiff::Timestamp) -> Result<Vec<Scheduled>, LocalError> {
    let memory = read_memory(memory)?;
    let one = |schedule: &ScheduleState| {
        let known = memory.get(&schedule.spec.name);
        let fired = known.filter(|known| known.since == schedule.since).map_or(schedule.since, |known| known.fired);
        let expression = schedule.spec.expression.parse::<Expression>().ok().filter(|_| schedule.spec.enabled);
        let next = expression.and_then(|expression| expression.next_after(fired.max(now), schedule.since));
        let last = known.and_then(|known| known.last.clone());
        Scheduled { spec: schedule.spec.clone(), next_run: next.map(written), last_run: last.map(scheduled_run) }
    };
    Ok(schedules.iter().map(one).collect())
}

fn scheduled_run(run: LastRun) -> ScheduledRun {
    let (result, error) = match run.outcome {
        RunOutcome::Running => ("running", None),
        RunOutcome::Succeeded => ("succeeded", None),
        RunOutcome::Failed(error) => ("failed", Some(error)),
    };
    ScheduledRun { started: written(run.started), attempt: run.attempt, result: result.to_owned(), error, retry: run.retry.map(written) }
}

fn written(moment: jiff::Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
