//! One operation in several regions at once. A failure in one neither stops nor undoes the others: at the end, every one of them has a result.

pub mod certify;
pub mod deploy;
pub mod others;
pub mod rollback;

use std::error::Error;
use std::future::Future;
use std::time::Instant;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use super::OperationError;
use crate::cloud::{Cloud, CloudError};
use crate::hint::Hint as _;
use crate::model::Version;
use crate::observe::{Observer, RegionsObserver};
use crate::settings::Settings;

/// The stage in one region.
pub struct Place {
    /// Its region.
    pub region: String,
    /// The target there.
    pub cloud: Box<dyn Cloud>,
    /// What holds there.
    pub settings: Settings,
}

/// Where and how an operation runs.
pub struct Run<'a> {
    /// Home first.
    pub places: &'a [Place],
    /// Whether the account was asked for its regions: the stage need not be in all of them.
    pub is_open: bool,
    /// How many regions are worked on at a time.
    pub jobs: usize,
    /// Turns `true` when no new work shall begin.
    pub stop: watch::Receiver<bool>,
    /// Who is told.
    pub observer: &'a dyn RegionsObserver,
}

/// How it ended in one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The stage was not there before.
    Created,
    /// Something was changed.
    Updated,
    /// It was as wanted already.
    Unchanged,
    /// An earlier release serves again.
    RolledBack,
    /// The stage was removed.
    Removed,
    /// What was asked for has been done; nothing was changed.
    Done,
    /// The region cannot have the stage; nothing was made there.
    Skipped,
    /// The stage is not there, and need not be.
    Absent,
    /// Another region kept a new version from serving (`--atomic`).
    HeldBack,
    /// It did not come about.
    Failed,
    /// Ctrl-C came before it had begun.
    Stopped,
}

impl Ending {
    /// In one or two words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::RolledBack => "rolled back",
            Self::Removed => "removed",
            Self::Done => "done",
            Self::Skipped => "skipped",
            Self::Absent => "not there",
            Self::HeldBack => "held back",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }

    /// Whether nothing is left to be wished for.
    #[must_use]
    pub fn is_well(self) -> bool {
        !matches!(self, Self::HeldBack | Self::Failed | Self::Stopped)
    }
}

/// One line of the table.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The region.
    pub region: String,
    /// How it ended.
    pub result: Ending,
    /// What serves there now, as far as known.
    pub version: Option<Version>,
    /// Where it answers, as far as known.
    pub url: Option<String>,
    /// Base64 of the SHA-256 of the code that serves there, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// In what it differs from the settings, or from home.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub drift: Vec<String>,
    /// How long it took.
    pub seconds: f64,
    /// Why it was not done, the outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cause: Vec<String>,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
    /// What was done, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// The whole table.
#[derive(Debug, Serialize)]
pub struct RegionsReport {
    /// The function.
    pub function_name: String,
    /// One for each region, home first.
    pub regions: Vec<Row>,
    /// What was done for all of them, one line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<String>,
}

impl RegionsReport {
    /// Whether everything has been done that can be.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.regions.iter().all(|row| row.result.is_well())
    }
}

/// What an operation says of a region in which it was done.
#[derive(Debug, Default)]
pub struct Told {
    /// How it ended; `None`: [`Ending::Done`].
    pub result: Option<Ending>,
    /// What serves there now.
    pub version: Option<Version>,
    /// Where it answers.
    pub url: Option<String>,
    /// Base64 of the SHA-256 of the code that serves there.
    pub code: Option<String>,
    /// In what it differs from the settings.
    pub drift: Vec<String>,
    /// What was done, one line each.
    pub details: Vec<String>,
}

/// How one region ended, with whatever the operation came to.
pub(super) struct Ended<T> {
    seconds: f64,
    /// `None`: it was stopped before it began.
    pub(super) outcome: Option<Result<T, OperationError>>,
}

impl<T> Ended<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Ended<U> {
        Ended { seconds: self.seconds, outcome: self.outcome.map(|outcome| outcome.map(change)) }
    }
}

impl Run<'_> {
    /// Runs `work` in every region, and gives its results in the order of the regions.
    pub(super) async fn each<'s, T, F>(
        &'s self,
        name: impl Fn(&T) -> Ending,
        work: impl Fn(&'s Place, Box<dyn Observer + 's>) -> F,
    ) -> Vec<Ended<T>>
    where
        F: Future<Output = Result<T, OperationError>>,
    {
        let slots = Semaphore::new(self.jobs.max(1));
        let one = async |place: &'s Place| {
            let _slot = slots.acquire().await;
            self.one(place, &name, |observer| work(place, observer)).await
        };
        join_all(self.places.iter().map(one)).await
    }

    /// Runs `work` in one region, unless everything is to stop.
    pub(super) async fn one<'s, T, F>(
        &'s self,
        place: &'s Place,
        name: impl Fn(&T) -> Ending,
        work: impl FnOnce(Box<dyn Observer + 's>) -> F,
    ) -> Ended<T>
    where
        F: Future<Output = Result<T, OperationError>>,
    {
        let since = Instant::now();
        if *self.stop.borrow() {
            return Ended { seconds: 0.0, outcome: None };
        }
        let outcome = work(self.observer.region(&place.region)).await;
        let ending = match &outcome {
            Ok(done) => name(done),
            Err(error) => self.ending_of(error),
        };
        self.observer.ended(&place.region, ending.words(), ending.is_well());
        Ended { seconds: since.elapsed().as_secs_f64(), outcome: Some(outcome) }
    }

    /// The table. Where the stage is nowhere that could be reached, that is a failure.
    pub(super) fn report<T>(&self, ended: Vec<Ended<T>>, tell: impl Fn(T) -> Told) -> RegionsReport {
        let mut report = self.table(ended, tell);
        if report.regions.iter().all(|row| matches!(row.result, Ending::Skipped | Ending::Absent)) {
            for row in &mut report.regions {
                row.result = Ending::Failed;
                if row.cause.is_empty() {
                    let absent = CloudError::NotDeployed { function: report.function_name.clone() };
                    (row.cause, row.hints) = (vec![absent.to_string()], absent.hints());
                }
            }
        }
        report
    }

    /// The table, whatever it says.
    pub(super) fn table<T>(&self, ended: Vec<Ended<T>>, tell: impl Fn(T) -> Told) -> RegionsReport {
        let regions = self.places.iter().zip(ended).map(|(place, ended)| self.row(place, ended, &tell)).collect();
        let function_name = self.places.first().map(|place| place.settings.id.function_name()).unwrap_or_default();
        RegionsReport { function_name, regions, shared: Vec::new() }
    }

    fn ending_of(&self, error: &OperationError) -> Ending {
        match error {
            OperationError::HeldBack { .. } => Ending::HeldBack,
            OperationError::Cloud(CloudError::NotDeployed { .. }) if self.is_open => Ending::Absent,
            error if error.is_out_of_reach() => Ending::Skipped,
            _ => Ending::Failed,
        }
    }

    fn row<T>(&self, place: &Place, ended: Ended<T>, tell: impl Fn(T) -> Told) -> Row {
        let Ended { seconds, outcome } = ended;
        let mut row = Row {
            region: place.region.clone(),
            result: Ending::Stopped,
            version: None,
            url: None,
            code: None,
            drift: Vec::new(),
            seconds,
            cause: Vec::new(),
            hints: Vec::new(),
            details: Vec::new(),
        };
        match outcome {
            None => {}
            Some(Ok(done)) => {
                let Told { result, version, url, code, drift, details } = tell(done);
                (row.result, row.version, row.url) = (result.unwrap_or(Ending::Done), version, url);
                (row.code, row.drift, row.details) = (code, drift, details);
            }
            Some(Err(error)) => {
                row.result = self.ending_of(&error);
                if let OperationError::HeldBack { live, .. } | OperationError::Unhealthy { live, .. } = &error {
                    row.version = *live;
                }
                row.hints = error.hints();
                row.cause = causes(&error);
            }
        }
        row
    }
}

/// An error and what caused it, the outermost first.
fn causes(error: &OperationError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    // An error that shows another's words as its own says them once.
    causes.dedup();
    causes
}
