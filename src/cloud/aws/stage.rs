//! What a run knows of one stage: names, what it has read, and the hold it has on it.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::bucket;
use super::classify::{AwsError, code, failed, found};
use super::configuration::Known;
use super::connect::Clients;
use super::layer::LayerVersion;
use super::machine::{is_dead, new_lock};
use super::names::{Names, Place};
use super::record::{Applied, LEASE, Lock, Record};
use crate::cloud::{CloudError, Deployment, Fingerprint, Fingerprints, Route, ScheduleSpec, Scheduled};
use crate::model::{LIVE, Version};

/// `RevisionId` is not what it was.
const CHANGED: &str = "PreconditionFailedException";
pub(super) const CONFLICT: &str = "ResourceConflictException";
pub(super) const ABSENT: &str = "ResourceNotFoundException";

/// One stage, shared by the steps of a run and the task that renews its lock.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) names: Names,
    /// Locked for as long as a step takes.
    pub(super) state: Mutex<State>,
    /// `live`, as last read or written. Locked while it is, and no longer: a hold on the stage has to be renewed in the middle of a step that takes its
    /// time. Whoever needs both locks `state` first.
    pub(super) live: Mutex<Option<Alias>>,
    /// See `Store`.
    pub(super) bucket: bucket::Progress,
}

/// What has been read and what is held.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) place: Option<Place>,
    /// The execution role, once it has been seen to in this run.
    pub(super) role: Option<String>,
    /// `$LATEST` and every published version, as last read.
    pub(super) versions: Vec<Known>,
    /// The versions of the dependencies' layer, likewise.
    pub(super) layers: Vec<LayerVersion>,
    /// What the last look came to, as long as it holds.
    pub(super) found: Option<Option<Deployment>>,
    /// What this deployment wants, once it has begun.
    pub(super) wanted: Option<Fingerprints>,
    pub(super) hold: Option<Hold>,
}

/// The alias `live`.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// `None`: `$LATEST`, which no release ever is.
    pub(super) version: Option<Version>,
    revision: String,
    pub(super) record: Record,
}

/// This run's hold on the stage.
#[derive(Debug)]
pub(super) struct Hold {
    lock: Lock,
    /// Something beside the versions may have been changed.
    pub(super) touched: bool,
    /// Renews it, once it stands in AWS. Until the function exists there is nothing that it could stand in, and nothing to protect.
    renewal: Option<JoinHandle<()>>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
    }
}

impl Stage {
    pub(super) fn new(names: Names) -> Self {
        Self { names, state: Mutex::default(), live: Mutex::default(), bucket: bucket::Progress::default() }
    }
}

/// Reads `live`; `None` where there is no such alias, or no function.
pub(super) async fn read_alias(clients: &Clients, names: &Names) -> Result<Option<Alias>, AwsError> {
    let answer = clients.lambda.get_alias().function_name(&names.function).name(LIVE).send().await;
    let answer = found(answer, &[ABSENT]).map_err(failed("lambda:GetAlias", &names.function))?;
    Ok(answer.map(|alias| Alias {
        version: alias.function_version().and_then(|version| version.parse().ok()),
        revision: alias.revision_id().unwrap_or_default().to_owned(),
        record: Record::read(alias.description().unwrap_or_default()),
    }))
}

/// Writes `live` as `record` says, at `version`, if nobody has written it since it was read. `None`: somebody has.
///
/// An answer that was lost on its way lets the repeated call find its own work: that is success, too.
pub(super) async fn write_alias(
    clients: &Clients,
    names: &Names,
    before: &Alias,
    version: Option<Version>,
    record: Record,
) -> Result<Option<Alias>, AwsError> {
    let target = version.map_or_else(|| "$LATEST".to_owned(), |version| version.to_string());
    let request = clients.lambda.update_alias().function_name(&names.function).name(LIVE).revision_id(&before.revision);
    match request.function_version(target).description(record.to_string()).send().await {
        Ok(answer) => Ok(Some(Alias { version, revision: answer.revision_id().unwrap_or_default().to_owned(), record })),
        Err(error) if code(&error) == CHANGED => {
            let now = read_alias(clients, names).await?;
            Ok(now.filter(|now| now.version == version && now.record.to_string() == record.to_string()))
        }
        Err(error) => Err(failed("lambda:UpdateAlias", format!("{}:{LIVE}", names.function))(error)),
    }
}

/// How an attempt to get hold of the stage ended.
pub(super) enum Attempt {
    /// It is ours, or there is nothing yet that could be held.
    Held,
    /// Another run has it.
    Busy(Lock),
    /// Somebody has changed something in between: look again.
    Again,
}

/// Tries once. What has been read of the stage stays true if it succeeds.
pub(super) async fn take(clients: &Clients, stage: &Arc<Stage>) -> Result<Attempt, CloudError> {
    let mut state = stage.state.lock().await;
    let mut live = stage.live.lock().await;
    let lock = new_lock();
    let Some(alias) = live.clone() else {
        if state.versions.is_empty() {
            state.hold = Some(Hold { lock, touched: false, renewal: None });
            return Ok(Attempt::Held);
        }
        drop(live);
        return begin(clients, stage, &mut state, lock).await;
    };
    let mut record = Record { lock: Some(lock.clone()), ..alias.record.clone() };
    if let Some(other) = &alias.record.lock {
        if !is_dead(other) {
            return Ok(Attempt::Busy(other.clone()));
        }
        // What a dead run has done cannot be known, by this run as little as by the next if this one dies, too.
        state.found = None;
        record.applied = Applied::default();
    }
    let Some(written) = write_alias(clients, &stage.names, &alias, alias.version, record).await? else { return Ok(Attempt::Again) };
    *live = Some(written);
    hold(clients, stage, &mut state, lock);
    Ok(Attempt::Held)
}

/// Makes the alias of a function that has none: whoever comes first has the stage. It points at nothing that was released.
async fn begin(clients: &Clients, stage: &Arc<Stage>, state: &mut State, lock: Lock) -> Result<Attempt, CloudError> {
    let names = &stage.names;
    let newest = state.versions.iter().filter_map(|there| there.version).max();
    let target = newest.map_or_else(|| "$LATEST".to_owned(), |version| version.to_string());
    let record = Record { lock: Some(lock.clone()), ..Record::default() };
    let request = clients.lambda.create_alias().function_name(&names.function).name(LIVE);
    match request.function_version(target).description(record.to_string()).send().await {
        Ok(answer) => {
            let revision = answer.revision_id().unwrap_or_default().to_owned();
            *stage.live.lock().await = Some(Alias { version: newest, revision, record });
            hold(clients, stage, state, lock);
            Ok(Attempt::Held)
        }
        // Somebody else's, or the repetition of a call whose answer was lost.
        Err(error) if code(&error) == CONFLICT => match read_alias(clients, names).await? {
            Some(alias) if alias.record.lock.as_ref().is_some_and(|there| there.token == lock.token) => {
                *stage.live.lock().await = Some(alias);
                hold(clients, stage, state, lock);
                Ok(Attempt::Held)
            }
            _ => Ok(Attempt::Again),
        },
        Err(error) => Err(failed("lambda:CreateAlias", format!("{}:{LIVE}", names.function))(error).into()),
    }
}

/// Once the function exists, what was held in thought only is held in AWS.
pub(super) async fn take_new(clients: &Clients, stage: &Arc<Stage>, state: &mut State) -> Result<(), CloudError> {
    let Some(hold) = state.hold.take() else { return Ok(()) };
    if stage.live.lock().await.is_some() {
        state.hold = Some(hold);
        return Ok(());
    }
    match begin(clients, stage, state, hold.lock.clone()).await? {
        Attempt::Held => Ok(()),
        Attempt::Busy(_) | Attempt::Again => Err(CloudError::Changed { stage: stage.names.id.stage.clone() }),
    }
}

fn hold(clients: &Clients, stage: &Arc<Stage>, state: &mut State, lock: Lock) {
    let renewal = Some(tokio::spawn(renew(clients.clone(), stage.clone(), lock.token.clone())));
    state.hold = Some(Hold { lock, touched: false, renewal });
}

/// Keeps a lock from expiring for as long as the run goes on.
async fn renew(clients: Clients, stage: Arc<Stage>, token: String) {
    let period = std::time::Duration::from_secs(LEASE.as_secs().unsigned_abs() / 3);
    loop {
        tokio::time::sleep(period).await;
        let mut live = stage.live.lock().await;
        let Some(alias) = live.clone() else { return };
        let Some(lock) = alias.record.lock.clone().filter(|lock| lock.token == token) else { return };
        let record = Record { lock: Some(Lock { until: Timestamp::now() + LEASE, ..lock }), ..alias.record.clone() };
        // A failure here shows at the next step, which writes with the same condition.
        if let Ok(Some(alias)) = write_alias(&clients, &stage.names, &alias, alias.version, record).await {
            *live = Some(alias);
        }
    }
}

/// Writes `live` under the hold of this run. `keep` says whether it stays held.
pub(super) async fn update(
    clients: &Clients,
    stage: &Stage,
    live: &mut Option<Alias>,
    version: Option<Version>,
    change: impl FnOnce(&mut Record),
) -> Result<(), CloudError> {
    let lost = || CloudError::Changed { stage: stage.names.id.stage.clone() };
    let before = live.clone().ok_or_else(lost)?;
    let mut record = before.record.clone();
    change(&mut record);
    let after = write_alias(clients, &stage.names, &before, version, record).await?.ok_or_else(lost)?;
    *live = Some(after);
    Ok(())
}

impl Stage {
    /// Before something beside the versions is changed: where the stage is, and what it remembers if it was there before. `None` where `same` says that
    /// what was put in place last is what is wanted now.
    pub(super) async fn begin_step(
        &self,
        same: impl FnOnce(&Fingerprints, &Fingerprints) -> bool,
    ) -> Result<Option<(Place, Option<Record>)>, CloudError> {
        let mut state = self.state.lock().await;
        let before = state.found.as_ref().and_then(Option::as_ref);
        let applied = before.and_then(|before| before.applied.as_ref());
        if applied.zip(state.wanted.as_ref()).is_some_and(|(applied, wanted)| same(applied, wanted)) {
            return Ok(None);
        }
        let known = before.and(self.live.lock().await.as_ref()).map(|alias| alias.record.clone());
        let changed = || CloudError::Changed { stage: self.names.id.stage.clone() };
        let place = state.place.clone().ok_or_else(changed)?;
        state.hold.as_mut().ok_or_else(changed)?.touched = true;
        Ok(Some((place, known)))
    }

    /// Once it has been changed: remembered now, and written down when the lock is renewed or released.
    pub(super) async fn end_step(&self, change: impl FnOnce(&mut Record, Option<&Fingerprints>)) {
        let state = self.state.lock().await;
        if let Some(alias) = &mut *self.live.lock().await {
            change(&mut alias.record, state.wanted.as_ref());
        }
    }

    /// The front door as it was found.
    pub(super) async fn route(&self) -> Option<Route> {
        self.state.lock().await.found.as_ref()?.as_ref()?.route.clone()
    }

    /// The schedules as they were found, and whether it is known what they send: it is what `wanted` send if they have the fingerprint of those.
    pub(super) async fn schedules(&self, fingerprint: &Fingerprint, wanted: &[ScheduleSpec]) -> (Vec<Scheduled>, bool) {
        let state = self.state.lock().await;
        let Some(Some(found)) = &state.found else { return (Vec::new(), false) };
        let mut known = found.schedules.clone();
        let same = found.applied.as_ref().is_some_and(|applied| applied.schedules == *fingerprint);
        for scheduled in known.iter_mut().filter(|_| same) {
            if let Some(spec) = wanted.iter().find(|spec| spec.name == scheduled.spec.name) {
                scheduled.spec.input = spec.input.clone();
            }
        }
        (known, same)
    }
}
