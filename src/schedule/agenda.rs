//! What of a stage is to be run when: pure bookkeeping. Whoever keeps an agenda asks it at any time what is due, runs that, and tells how it ended.
//!
//! The clock is a wall clock, which jumps. Each schedule remembers up to when it has fired. Turned back, the clock has to pass that moment again before
//! anything fires (so nothing fires twice), unless it is off by more than a day. Turned forward, or after a sleep, a schedule fires once, however
//! often it would have fired meanwhile.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Expression;

/// How long Lambda waits before it runs a failed asynchronous invocation again ("How Lambda handles errors and retries with asynchronous invocation").
const RETRY_AFTER: [SignedDuration; 2] = [SignedDuration::from_mins(1), SignedDuration::from_mins(2)];
/// A clock that was turned back by more than this was wrong before.
const TURNED_BACK: SignedDuration = SignedDuration::from_hours(24);

/// One schedule that shall fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Unique within the agenda.
    pub name: String,
    /// When.
    pub expression: Expression,
    /// When it was made, or its expression was changed.
    pub since: Timestamp,
}

/// What is kept of a schedule when the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// [`Plan::since`] of the schedule that this is about.
    pub since: Timestamp,
    /// Up to when everything has fired.
    pub fired: Timestamp,
    /// The last run, if there was one.
    pub last: Option<LastRun>,
}

/// The last run of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// When it began.
    pub started: Timestamp,
    /// 1, or more if earlier ones failed.
    pub attempt: u32,
    /// How it ended.
    pub outcome: RunOutcome,
    /// When it will be tried again.
    pub retry: Option<Timestamp>,
}

impl LastRun {
    /// Of a schedule that was changed, or whose process ended: its retries are gone, and if it ran, nobody will hear how it ended.
    fn let_go(mut self) -> Self {
        self.retry = None;
        if self.outcome == RunOutcome::Running {
            self.outcome = RunOutcome::Failed("its end was not seen".to_owned());
        }
        self
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// It has not ended.
    Running,
    /// Well.
    Succeeded,
    /// With this error.
    Failed(String),
}

/// Something to run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The schedule's.
    pub name: String,
    /// Of the event; the same for every attempt.
    pub id: Uuid,
    /// When it was to be.
    pub due: Timestamp,
    /// From 1.
    pub attempt: u32,
    /// When this attempt began.
    pub started: Timestamp,
    since: Timestamp,
}

/// The schedules of one stage.
#[derive(Debug, Default)]
pub struct Agenda {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    plan: Plan,
    memory: Memory,
    /// The first time after `memory.fired`.
    next: Option<Timestamp>,
    retries: Vec<Retry>,
}

#[derive(Debug)]
struct Retry {
    at: Timestamp,
    delay: SignedDuration,
    run: Run,
}

impl Entry {
    fn new(plan: Plan, memory: Memory) -> Self {
        let mut entry = Self { plan, memory, next: None, retries: Vec::new() };
        entry.advance(entry.memory.fired);
        entry
    }

    fn advance(&mut self, fired: Timestamp) {
        self.memory.fired = fired;
        self.next = self.plan.expression.next_after(fired, self.plan.since);
    }
}

impl Agenda {
    /// Exactly these schedules from now on. One that has not changed goes on as it was; the others begin anew, with what `memory` knows of them.
    pub fn set(&mut self, plans: Vec<Plan>, memory: &BTreeMap<String, Memory>) {
        let mut before = std::mem::take(&mut self.entries);
        for plan in plans {
            let entry = match before.remove(&plan.name) {
                Some(entry) if entry.plan == plan => entry,
                known => {
                    let known = known.map(|entry| entry.memory).or_else(|| memory.get(&plan.name).cloned());
                    let fired = known.as_ref().filter(|known| known.since == plan.since).map_or(plan.since, |known| known.fired);
                    let last = known.and_then(|known| known.last).map(LastRun::let_go);
                    let memory = Memory { since: plan.since, fired, last };
                    Entry::new(plan, memory)
                }
            };
            self.entries.insert(entry.plan.name.clone(), entry);
        }
    }

    /// What is to be run now. It counts as run from here on.
    pub fn due(&mut self, now: Timestamp, mut new_id: impl FnMut() -> Uuid) -> Vec<Run> {
        let mut runs = Vec::new();
        for entry in self.entries.values_mut() {
            if entry.memory.fired.duration_since(now) > TURNED_BACK {
                entry.advance(now);
            }
            for retry in &mut entry.retries {
                retry.at = retry.at.min(now.saturating_add(retry.delay).unwrap_or(now));
            }
            let (due, waiting) = entry.retries.drain(..).partition(|retry| retry.at <= now);
            entry.retries = waiting;
            let due: Vec<Retry> = due;
            runs.extend(due.into_iter().map(|retry| Run { started: now, ..retry.run }));
            if let Some(due) = entry.next.filter(|next| *next <= now) {
                entry.advance(now);
                runs.push(Run { name: entry.plan.name.clone(), id: new_id(), due, attempt: 1, started: now, since: entry.plan.since });
            }
        }
        for run in &runs {
            self.note(run, RunOutcome::Running, None);
        }
        runs
    }

    /// A run has ended, well or with an error. Returns when it is tried again.
    pub fn ended(&mut self, run: &Run, now: Timestamp, result: Result<(), String>) -> Option<Timestamp> {
        let entry = self.entries.get_mut(&run.name).filter(|entry| entry.plan.since == run.since)?;
        let delay = RETRY_AFTER.get(run.attempt as usize - 1).copied().filter(|_| result.is_err());
        let at = delay.map(|delay| now.saturating_add(delay).unwrap_or(now));
        if let Some((at, delay)) = at.zip(delay) {
            let run = Run { attempt: run.attempt + 1, ..run.clone() };
            entry.retries.push(Retry { at, delay, run });
        }
        let outcome = match result {
            Ok(()) => RunOutcome::Succeeded,
            Err(error) => RunOutcome::Failed(error),
        };
        self.note(run, outcome, at);
        at
    }

    /// Runs may overlap; the one that began last is the last one.
    fn note(&mut self, run: &Run, outcome: RunOutcome, retry: Option<Timestamp>) {
        if let Some(entry) = self.entries.get_mut(&run.name)
            && entry.memory.last.as_ref().is_none_or(|last| last.started <= run.started || last.outcome != RunOutcome::Running)
        {
            entry.memory.last = Some(LastRun { started: run.started, attempt: run.attempt, outcome, retry });
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.entries.values().flat_map(|entry| entry.next.into_iter().chain(entry.retries.iter().map(|retry| retry.at))).min()
    }

    /// What is to be kept, by schedule.
    #[must_use]
    pub fn memory(&self) -> BTreeMap<String, Memory> {
        self.entries.iter().map(|(name, entry)| (name.clone(), entry.memory.clone())).collect()
    }
}
