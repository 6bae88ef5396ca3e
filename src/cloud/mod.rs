//! The seam between what is wanted (`ops`) and where it happens: `trait Cloud`, with one adapter for AWS and one for this machine.
//!
//! Every `ensure_*` looks first, writes only what differs and can be repeated: a run that was killed anywhere is finished by the next one.
//! Callers never ask which adapter they hold.

use async_trait::async_trait;
use bytes::Bytes;

use crate::hint::Hint;
use crate::model::{Outcome, StageId, Target, Version};
use crate::observe::Observer;

pub mod aws;
mod domain;
mod found;
pub mod local;
mod logs;
mod spec;

pub use domain::{Certificate, DnsRecord, DomainState, Domains, Endpoint, HealthCheck, Records, Routing};
pub use found::{Deployment, Host, Invocation, LastError, Release, Releases, Route, Sandbox, Scheduled, ScheduledRun};
pub use logs::{LogEvent, LogKind, LogPage, LogPosition, LogQuery, LogSink};
pub use spec::{
    ArchiveSpec, CodeRef, CodeSpec, DependenciesRef, Fingerprint, Fingerprints, FunctionSpec, RouteSpec, ScheduleSpec, StageSpec,
    Surroundings,
};

/// Takes what a function writes while it runs, as bytes and as soon as it is there.
pub type OutputSink<'a> = &'a mut (dyn FnMut(&[u8]) + Send);

/// A stage's lock: nobody else changes the stage until it is released. Dropped without that (a kill, a panic), it is one of a dead run, and expires.
#[async_trait]
pub trait StageLock: Send {
    /// Lets others at the stage. `finished` says whether everything has come to its end: if not, the next run looks at all of it again.
    async fn release(self: Box<Self>, finished: bool) -> Result<(), CloudError>;
}

/// What a removal did away with, one line each.
pub type Removed = Vec<String>;

/// Where stages live.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Which target this is, for messages only.
    fn target(&self) -> Target;

    /// Whether a call costs neither money nor a way through the network, so that one more is no matter.
    fn calls_are_free(&self) -> bool;

    /// The stage as it is, with as few calls as tell whether anything has to be done; `None` if nothing of it exists. While this run holds the
    /// stage's lock, what was found before may be given again.
    async fn find(&self, id: &StageId) -> Result<Option<Deployment>, CloudError>;

    /// As [`Self::find`], in full: what `status` shows.
    async fn inspect(&self, id: &StageId) -> Result<Option<Deployment>, CloudError>;

    /// The part of [`Self::find`] that a rollback needs.
    async fn releases(&self, id: &StageId) -> Result<Option<Releases>, CloudError>;

    /// Whether a stage that is not there yet can be: fails where something that it needs is not to be had, before anything is made. Only reads.
    async fn offers(&self, id: &StageId, spec: &StageSpec) -> Result<(), CloudError>;

    /// Keeps other runs off the stage. With `wait`, waits for a running one (telling `observer`) instead of refusing. What was found before the lock
    /// was taken may no longer hold: find again.
    async fn lock(&self, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<Box<dyn StageLock>, CloudError>;

    /// Whatever must be there before a function can be (role, runtime). Needs no lock: it may run while the bundle is still being built.
    async fn ensure_prerequisites(&self, id: &StageId, spec: &StageSpec, observer: &dyn Observer) -> Result<Outcome, CloudError>;

    /// Brings archives near the target that take a way of their own. Needs no lock, and nothing else to be there.
    async fn send(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<(), CloudError>;

    /// Hands the archives over, unless the target has the same bytes already.
    async fn put_code(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<CodeRef, CloudError>;

    /// A published version with exactly this code, these dependencies and this configuration: the newest one if it is that already, else a new one. Nothing is live yet.
    async fn ensure_version(
        &self,
        id: &StageId,
        function: &FunctionSpec,
        code: &CodeRef,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Version), CloudError>;

    /// Removes archives that lay ready for the regions of this run, but for those that one of `failed` will want from here.
    async fn tidy_up(&self, id: &StageId, failed: &[&str]) -> Result<(), CloudError>;

    /// Points `live` at a version, under the lock. `last` says that nothing follows: a target that can gives the stage free in the same step.
    async fn move_live(&self, id: &StageId, version: Version, last: bool) -> Result<Outcome, CloudError>;

    /// Points `live` from one version to another in a single step that needs no lock, and that fails if `live` is no longer at `from` or another run is
    /// at work.
    async fn swap_live(&self, id: &StageId, from: Version, to: Version) -> Result<(), CloudError>;

    /// Tags, concurrency, how long logs are kept.
    async fn ensure_surroundings(&self, id: &StageId, surroundings: &Surroundings) -> Result<Outcome, CloudError>;

    /// A front door of this kind, pointing at `live`. One of another kind that the stage had stays until [`Self::remove_stale`].
    async fn ensure_route(&self, id: &StageId, route: &RouteSpec, observer: &dyn Observer) -> Result<(Outcome, Route), CloudError>;

    /// Exactly these schedules, pointing at `live`.
    async fn sync_schedules(&self, id: &StageId, schedules: &[ScheduleSpec]) -> Result<Outcome, CloudError>;

    /// Removes front doors that the stage had before, and what belongs to them. Comes last.
    async fn remove_stale(&self, id: &StageId, route: &RouteSpec, observer: &dyn Observer) -> Result<Removed, CloudError>;

    /// Removes these versions, and dependencies that no version uses (any more). One that an alias uses stays; one that is gone is no error. Returns the
    /// versions that were removed.
    async fn remove_versions(&self, id: &StageId, versions: &[Version]) -> Result<Vec<Version>, CloudError>;

    /// Calls a version, or `live` if `None`, and waits for the answer. A target that can tell what the function writes meanwhile (and nothing of
    /// the platform's) tells `output`; one that cannot never calls it. If the caller stops waiting, the function's run goes on.
    async fn invoke(
        &self,
        id: &StageId,
        version: Option<Version>,
        payload: Bytes,
        output: Option<OutputSink<'_>>,
    ) -> Result<Invocation, CloudError>;

    /// Hands to `sink` the events that `query` wants of what has been logged up to now. A log that does not exist yet has none.
    async fn logs(&self, id: &StageId, query: &LogQuery, sink: LogSink<'_>) -> Result<LogPage, CloudError>;

    /// Domain names of the user's own, where the target has such.
    fn domains(&self) -> Option<&dyn Domains>;

    /// Removes the stage altogether, except for what its regions share; with `dry_run` only says what there is to remove. On a stage that is not there it
    /// does nothing.
    async fn remove(&self, id: &StageId, remove_logs: bool, dry_run: bool, observer: &dyn Observer) -> Result<Removed, CloudError>;

    /// Removes what the regions of a stage share, unless it still is in one of them. Comes when it has been removed from all that it shall leave.
    async fn remove_shared(&self, id: &StageId, dry_run: bool, observer: &dyn Observer) -> Result<Removed, CloudError>;
}

/// Why a target did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// Somebody else is at work on the stage.
    #[error("another run is at work on stage `{stage}` ({holder})")]
    Locked {
        /// The stage.
        stage: String,
        /// Whoever holds the lock.
        holder: String,
    },
    /// There is no such version.
    #[error("version {version} of `{function}` does not exist")]
    NoSuchVersion {
        /// The function.
        function: String,
        /// What was asked for.
        version: Version,
    },
    /// Another run has changed the stage since this one looked at it.
    #[error("another run has changed stage `{stage}` in the meantime")]
    Changed {
        /// The stage.
        stage: String,
    },
    /// Nothing of the stage exists.
    #[error("`{function}` is not deployed")]
    NotDeployed {
        /// The function.
        function: String,
    },
    /// The target failed in its own way.
    #[error(transparent)]
    Target(TargetFailure),
}

/// What adapters raise: an error that knows its hints.
pub trait TargetError: std::error::Error + Hint + Send + Sync {
    /// Whether the region is not there, is not open to the account, or lacks what the stage needs.
    fn is_out_of_reach(&self) -> bool {
        false
    }
}

/// An adapter's error, whichever adapter's it is.
#[derive(Debug)]
pub struct TargetFailure(Box<dyn TargetError>);

impl std::fmt::Display for TargetFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for TargetFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl<E: TargetError + 'static> From<E> for CloudError {
    fn from(error: E) -> Self {
        Self::Target(TargetFailure(Box::new(error)))
    }
}

impl CloudError {
    /// Whether the region is not there, is not open to the account, or lacks what the stage needs.
    #[must_use]
    pub fn is_out_of_reach(&self) -> bool {
        match self {
            Self::Target(error) => error.0.is_out_of_reach(),
            Self::Locked { .. } | Self::NoSuchVersion { .. } | Self::Changed { .. } | Self::NotDeployed { .. } => false,
        }
    }
}

impl Hint for CloudError {
    fn hints(&self) -> Vec<String> {
        match self {
            Self::Locked { .. } => vec!["wait for it to end, or pass `--wait`".to_owned()],
            Self::Changed { .. } => vec!["run the command again".to_owned()],
            Self::NoSuchVersion { .. } => vec!["`zappa status` lists the versions that exist".to_owned()],
            Self::NotDeployed { .. } => vec!["`zappa deploy` puts it up".to_owned()],
            Self::Target(error) => error.0.hints(),
        }
    }

    fn is_input(&self) -> bool {
        match self {
            Self::NoSuchVersion { .. } | Self::NotDeployed { .. } => true,
            Self::Locked { .. } | Self::Changed { .. } => false,
            Self::Target(error) => error.0.is_input(),
        }
    }
}
