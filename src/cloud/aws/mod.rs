//! The AWS target: the same trait over the SDK. Nothing is kept on this machine; what a deployment is, is asked from AWS, by derived names and tags.
//!
//! ```text
//! connect        one configuration, one client for each service        classify    what errors mean
//! names          names, ARNs, tags                                      record      what a stage remembers of itself: the description of `live`
//! stage, lock    what a run has read and holds                          machine     whose lock it is, and whether that run still goes on
//! role, policy   the execution role                                     storage     archives on their way
//! function       versions (`configuration`: our words and the SDK's)    invoke      calls
//! surroundings   tags, concurrency, log retention                       route       REST API, HTTP API, Function URL
//! rules          schedules                                              logs        CloudWatch Logs
//! template       who needs which permissions                            kinds       what AWS's codes and texts mean
//! bucket, upload where archives go through, and how they get there      retries     which calls are made again      trace   what `-vv` shows
//! ```

mod bucket;
mod classify;
mod configuration;
mod connect;
mod function;
mod invoke;
mod kinds;
mod lock;
mod logs;
mod machine;
mod names;
mod permission;
mod policy;
mod record;
mod retries;
mod role;
mod route;
mod rules;
mod stage;
mod storage;
mod surroundings;
mod template;
mod together;
mod trace;
mod upload;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OnceCell;

pub use classify::AwsError;
pub use template::{Documents, TemplateRequest, documents};
pub use trace::Trace;

use connect::Clients;
use function::Build;
use names::Place;
use route::{Door, Site};
use stage::{Stage, State};
use storage::{Location, Store};

use super::{
    Cloud, CloudError, CodeRef, CodeSpec, Deployment, Fingerprints, FunctionSpec, Invocation, LogPage, LogQuery, LogSink, OutputSink,
    Releases, Removed, Route, RouteSpec, ScheduleSpec, StageLock, StageSpec, Surroundings,
};
use crate::model::{AwsAccess, FrontDoor, Outcome, StageId, Target, Version};
use crate::observe::Observer;

/// What the adapter needs to know beside the specification of a stage.
#[derive(Debug, Clone, Default)]
pub struct AwsOptions {
    /// Account, region, endpoints.
    pub access: AwsAccess,
    /// The bucket for archives; `None`: one is made where an archive is too large to do without.
    pub bucket: Option<String>,
    /// Whether an archive is removed from there once the function has it.
    pub delete_archives: bool,
    /// Tags for whatever is made.
    pub tags: BTreeMap<String, String>,
    /// The role as the settings name it: what a removal looks for.
    pub role: crate::model::RoleSettings,
    /// Who is told of every call.
    pub trace: Option<Trace>,
}

/// Stages in one region of one account.
#[derive(Debug)]
pub struct AwsCloud {
    options: AwsOptions,
    /// Made when the first call is, on the runtime that makes it.
    clients: OnceCell<Clients>,
    stages: Mutex<BTreeMap<StageId, Arc<Stage>>>,
}

impl AwsCloud {
    /// Touches nothing yet.
    #[must_use]
    pub fn new(options: AwsOptions) -> Self {
        Self { options, clients: OnceCell::new(), stages: Mutex::default() }
    }

    async fn clients(&self) -> Result<&Clients, AwsError> {
        self.clients.get_or_try_init(|| Clients::connect(&self.options.access, self.options.trace.as_ref())).await
    }

    fn stage(&self, id: &StageId) -> Arc<Stage> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.entry(id.clone()).or_insert_with(|| Arc::new(Stage::new(id))).clone()
    }

    /// Reads the stage: alias, versions and rules at the same time, then the front door that the alias names.
    async fn look(&self, stage: &Stage, state: &mut State, full: bool) -> Result<Option<Deployment>, CloudError> {
        let names = &stage.names;
        let clients = self.clients().await?;
        let schedules = async { if full { rules::inspect(clients, names).await } else { rules::list(clients, names).await } };
        let mut known_alias = stage.live.lock().await;
        let (alias, versions, schedules) = tokio::join!(stage::read_alias(clients, names), function::list(clients, names), schedules);
        // Whoever may not look is told so before anything is made.
        let (read, versions, schedules) = (alias?, versions?, schedules?);
        let Some(latest) = function::latest(&versions) else {
            *known_alias = None;
            *state = State { hold: state.hold.take(), place: state.place.clone(), role: state.role.clone(), ..State::default() };
            return Ok(None);
        };
        let place = Place::of_arn(&latest.arn, &clients.region).ok_or_else(|| AwsError::NoArn { text: latest.arn.clone() })?;
        // What this run holds is what it has written last.
        let alias = if state.hold.is_some() { known_alias.clone() } else { read };
        let record = alias.as_ref().map(|alias| alias.record.clone()).unwrap_or_default();
        let door: Option<Door> = record.door.as_deref().and_then(|door| door.parse().ok());
        let route = match &door {
            Some(door) => route::look(Site { clients, names, place: &place }, door).await?,
            None => None,
        };
        let live = alias.as_ref().filter(|_| record.released).and_then(|alias| alias.version);
        let held = state.hold.is_some() || record.lock.is_none();
        let deployment = Deployment {
            function_name: names.function.clone(),
            function_arn: place.function_arn(names),
            live,
            releases: function::releases(&versions),
            function: live.and_then(|live| versions.iter().find(|there| there.version == Some(live))?.spec.clone()),
            // What a run that holds the stage, or died holding it, has done to the rest cannot be known.
            applied: record.applied.complete().filter(|_| held),
            route,
            schedules,
            host: None,
            sandboxes: None,
            last_error: None,
            facts: facts(latest, &place, door.as_ref()),
        };
        state.place = Some(place);
        *known_alias = alias;
        state.versions = versions;
        Ok(Some(deployment))
    }

    /// As [`Cloud::find`], for a run that begins or that has seen something change.
    async fn find_anew(&self, stage: &Stage) -> Result<Option<Deployment>, CloudError> {
        let mut state = stage.state.lock().await;
        let found = self.look(stage, &mut state, false).await?;
        state.found = Some(found.clone());
        Ok(found)
    }

    async fn store<'a>(&'a self, names: &'a names::Names, place: &'a Place) -> Result<Store<'a>, AwsError> {
        Ok(Store { clients: self.clients().await?, names, place, bucket: self.options.bucket.as_deref() })
    }

    /// Where the stage is: known from the function, the role, or asked.
    async fn place(&self, state: &mut State) -> Result<Place, CloudError> {
        if let Some(place) = &state.place {
            return Ok(place.clone());
        }
        let answer = self
            .clients()
            .await?
            .sts
            .get_caller_identity()
            .send()
            .await
            .map_err(classify::failed("sts:GetCallerIdentity", "the account"))?;
        let arn = answer.arn().unwrap_or_default();
        let place = Place::of_arn(arn, &self.clients().await?.region).ok_or_else(|| AwsError::NoArn { text: arn.to_owned() })?;
        state.place = Some(place.clone());
        Ok(place)
    }
}

#[async_trait]
impl Cloud for AwsCloud {
    fn target(&self) -> Target {
        Target::Aws
    }

    fn calls_are_free(&self) -> bool {
        false
    }

    async fn find(&self, id: &StageId) -> Result<Option<Deployment>, CloudError> {
        let stage = self.stage(id);
        if let State { hold: Some(_), found: Some(found), .. } = &*stage.state.lock().await {
            return Ok(found.clone());
        }
        self.find_anew(&stage).await
    }

    async fn inspect(&self, id: &StageId) -> Result<Option<Deployment>, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let Some(mut deployment) = self.look(&stage, &mut state, true).await? else { return Ok(None) };
        let (clients, names) = (self.clients().await?, &stage.names);
        deployment.facts.extend(surroundings::facts(clients, names).await?);
        if let (Some(Route { front_door: FrontDoor::Rest, .. }), Some(place)) = (&deployment.route, &state.place) {
            let key = route::key_id(Site { clients, names, place }).await?;
            deployment.facts.extend(key.map(|id| ("api key".to_owned(), id)));
        }
        Ok(Some(deployment))
    }

    async fn releases(&self, id: &StageId) -> Result<Option<Releases>, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let (alias, versions) =
            tokio::join!(stage::read_alias(self.clients().await?, &stage.names), function::list(self.clients().await?, &stage.names));
        let (alias, versions) = (alias?, versions?);
        state.versions = versions;
        let live = alias.as_ref().filter(|alias| alias.record.released).and_then(|alias| alias.version);
        *stage.live.lock().await = alias;
        let Some(latest) = function::latest(&state.versions) else { return Ok(None) };
        state.place = Place::of_arn(&latest.arn, &self.clients().await?.region);
        Ok(Some(Releases { live, all: function::releases(&state.versions) }))
    }

    async fn lock(&self, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<Box<dyn StageLock>, CloudError> {
        let stage = self.stage(id);
        let look = || async { self.find_anew(&stage).await.map(|_| ()) };
        Ok(Box::new(lock::acquire(self.clients().await?, &stage, wait, observer, look).await?))
    }

    async fn ensure_prerequisites(&self, id: &StageId, spec: &StageSpec, observer: &dyn Observer) -> Result<Outcome, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let wanted = Fingerprints::of(spec);
        state.wanted = Some(wanted.clone());
        if state.role.is_some() {
            return Ok(Outcome::Unchanged);
        }
        let applied = state.found.as_ref().and_then(|found| found.as_ref()?.applied.as_ref());
        let latest =
            function::latest(&state.versions).filter(|_| applied.is_some_and(|applied| applied.surroundings == wanted.surroundings));
        if let Some(latest) = latest {
            state.role = Some(latest.role.clone());
            return Ok(Outcome::Unchanged);
        }
        if let Some(hold) = &mut state.hold {
            hold.touched = true;
        }
        let (outcome, role) = role::ensure(self.clients().await?, &stage.names, spec, observer).await?;
        if state.hold.is_none() {
            // Of a new stage, while its bundle is being built.
            self.store(&stage.names, &role.place).await?.prepare().await?;
        }
        state.role = Some(role.arn);
        state.place = Some(role.place);
        Ok(outcome)
    }

    async fn put_code(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<CodeRef, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        // Code that the function has already is not sent again.
        if function::latest(&state.versions).is_some_and(|latest| latest.code_sha256 == code.code_sha256) {
            let location = Location::File(code.path.clone()).to_string();
            return Ok(CodeRef { code_sha256: code.code_sha256.clone(), code_size: code.size, location });
        }
        let place = self.place(&mut state).await?;
        drop(state);
        Ok(self.store(&stage.names, &place).await?.put(code, observer).await?)
    }

    async fn ensure_version(
        &self,
        id: &StageId,
        function: &FunctionSpec,
        code: &CodeRef,
        _observer: &dyn Observer,
    ) -> Result<(Outcome, Version), CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let role = state.role.clone().ok_or_else(|| AwsError::NoRole { name: stage.names.role(&self.options.role) })?;
        let build = Build { spec: function, code, role, tags: stage.names.tags(&self.options.tags) };
        let made = function::ensure(self.clients().await?, &stage, &mut state, &build).await?;
        if self.options.delete_archives {
            let place = self.place(&mut state).await?;
            self.store(&stage.names, &place).await?.forget(&code.location).await?;
        }
        Ok(made)
    }

    async fn move_live(&self, id: &StageId, version: Version, last: bool) -> Result<Outcome, CloudError> {
        let stage = self.stage(id);
        let mut live = stage.live.lock().await;
        let alias = live.as_mut().ok_or_else(|| CloudError::Changed { stage: id.stage.clone() })?;
        let before = alias.version.filter(|_| alias.record.released);
        let outcome = match before {
            Some(before) if before == version => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
            None => Outcome::Created,
        };
        if alias.version == Some(version) && !last {
            // It points there already, of a first release since it was made; that this is one is written down with all the rest.
            alias.record.released = true;
            return Ok(outcome);
        }
        stage::update(self.clients().await?, &stage, &mut live, Some(version), |record| {
            record.released = true;
            if last {
                record.lock = None;
            }
        })
        .await?;
        Ok(outcome)
    }

    async fn swap_live(&self, id: &StageId, from: Version, to: Version) -> Result<(), CloudError> {
        let stage = self.stage(id);
        let mut live = stage.live.lock().await;
        let changed = || CloudError::Changed { stage: id.stage.clone() };
        let alias = live.clone().filter(|alias| alias.version == Some(from)).ok_or_else(changed)?;
        let mut record = alias.record.clone();
        if let Some(lock) = record.lock.take() {
            if !machine::is_dead(&lock) {
                return Err(CloudError::Locked { stage: id.stage.clone(), holder: lock.words() });
            }
            record.applied = record::Applied::default();
        }
        *live = Some(stage::write_alias(self.clients().await?, &stage.names, &alias, Some(to), record).await?.ok_or_else(changed)?);
        Ok(())
    }

    async fn ensure_surroundings(&self, id: &StageId, wanted: &Surroundings) -> Result<Outcome, CloudError> {
        let stage = self.stage(id);
        let Some((place, known)) = stage.begin_step(|applied, wanted| applied.surroundings == wanted.surroundings).await? else {
            return Ok(Outcome::Unchanged);
        };
        let outcome = surroundings::ensure(self.clients().await?, &stage.names, &place, wanted, known.is_some());
        let outcome = Box::pin(outcome).await?;
        stage.end_step(|record, wanted| record.applied.surroundings = wanted.map(|wanted| wanted.surroundings.clone())).await;
        Ok(outcome)
    }

    async fn ensure_route(&self, id: &StageId, route: &RouteSpec, observer: &dyn Observer) -> Result<(Outcome, Route), CloudError> {
        let stage = self.stage(id);
        let same = |applied: &Fingerprints, wanted: &Fingerprints| applied.route == wanted.route;
        let (place, known) = match stage.begin_step(same).await? {
            Some(step) => step,
            None => match stage.route().await {
                Some(route) => return Ok((Outcome::Unchanged, route)),
                None => stage.begin_step(|_, _| false).await?.ok_or_else(|| CloudError::Changed { stage: id.stage.clone() })?,
            },
        };
        let door = known.and_then(|record| record.door).and_then(|door| door.parse().ok());
        let tags = stage.names.tags(&self.options.tags);
        let site = Site { clients: self.clients().await?, names: &stage.names, place: &place };
        let (outcome, found, door) = Box::pin(route::ensure(site, route, &tags, door.as_ref(), observer)).await?;
        stage
            .end_step(|record, wanted| {
                record.applied.route = wanted.map(|wanted| wanted.route.clone());
                record.door = Some(door.to_string());
            })
            .await;
        Ok((outcome, found))
    }

    async fn sync_schedules(&self, id: &StageId, schedules: &[ScheduleSpec]) -> Result<Outcome, CloudError> {
        let stage = self.stage(id);
        let wanted = Fingerprints::of_schedules(schedules);
        let Some((place, _)) = stage.begin_step(|_, _| false).await? else { return Ok(Outcome::Unchanged) };
        let (known, inputs_known) = stage.schedules(&wanted, schedules).await;
        let tags = stage.names.tags(&self.options.tags);
        let change = rules::Change { wanted: schedules, known: &known, inputs_known, tags: &tags };
        let outcome = rules::sync(self.clients().await?, &stage.names, &place, change).await?;
        stage.end_step(|record, _| record.applied.schedules = Some(wanted)).await;
        Ok(outcome)
    }

    async fn remove_stale(&self, id: &StageId, _route: &RouteSpec, observer: &dyn Observer) -> Result<Removed, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let place = self.place(&mut state).await?;
        let door = stage.live.lock().await.as_ref().and_then(|alias| alias.record.door.clone()).and_then(|door| door.parse::<Door>().ok());
        let before = state.found.as_ref().and_then(|found| found.as_ref()?.route.as_ref().map(|route| route.front_door));
        let complete = state.found.as_ref().is_some_and(|found| found.as_ref().is_some_and(|found| found.applied.is_some()));
        let is_new = matches!(state.found, Some(None));
        drop(state);
        match door.filter(|_| !is_new) {
            // Only a change of kind, or a run that died, leaves anything behind.
            Some(door) if !complete || before != Some(door.kind) => {
                let site = Site { clients: self.clients().await?, names: &stage.names, place: &place };
                Ok(route::remove_others(site, &door, observer).await?)
            }
            _ => Ok(Removed::new()),
        }
    }

    async fn remove_versions(&self, id: &StageId, versions: &[Version]) -> Result<Vec<Version>, CloudError> {
        let stage = self.stage(id);
        let mut removed = Vec::new();
        for version in versions {
            if function::remove_version(self.clients().await?, &stage.names, *version).await? {
                removed.push(*version);
            }
        }
        Ok(removed)
    }

    async fn invoke(
        &self,
        id: &StageId,
        version: Option<Version>,
        payload: Bytes,
        _output: Option<OutputSink<'_>>,
    ) -> Result<Invocation, CloudError> {
        invoke::invoke(self.clients().await?, &self.stage(id).names, version, payload).await
    }

    async fn logs(&self, id: &StageId, query: &LogQuery, sink: LogSink<'_>) -> Result<LogPage, CloudError> {
        let stage = self.stage(id);
        let mut any = false;
        let mut watched = |event| {
            any = true;
            sink(event)
        };
        let page = logs::read(self.clients().await?, &stage.names, query, &mut watched).await?;
        // Asked at the beginning only, and only where nothing is left to be read: whoever follows a log may do so past the stage's end and into its next
        // life.
        if query.after.is_none() && !any && function::list(self.clients().await?, &stage.names).await?.is_empty() {
            return Err(CloudError::NotDeployed { function: stage.names.function.clone() });
        }
        Ok(page)
    }

    async fn remove(&self, id: &StageId, remove_logs: bool, dry_run: bool, observer: &dyn Observer) -> Result<Removed, CloudError> {
        let stage = self.stage(id);
        let names = &stage.names;
        let mut state = stage.state.lock().await;
        let place = self.place(&mut state).await?;
        if let Some(hold) = state.hold.as_mut().filter(|_| !dry_run) {
            hold.touched = true;
        }
        // From the outside in: nothing that can be called is left with nothing behind it.
        let clients = self.clients().await?;
        let mut removed = route::remove_all(Site { clients, names, place: &place }, dry_run, observer).await?;
        removed.extend(rules::remove_all(clients, names, dry_run).await?);
        removed.extend(function::remove(clients, names, dry_run).await?);
        if !dry_run {
            *stage.live.lock().await = None;
            state.versions.clear();
        }
        removed.extend(self.store(names, &place).await?.remove(dry_run).await?);
        if self.options.role.manage && self.options.role.arn.is_none() {
            removed.extend(role::remove(clients, names, &names.role(&self.options.role), dry_run).await?);
        }
        if remove_logs {
            removed.extend(logs::remove(clients, names, dry_run).await?);
        }
        Ok(removed)
    }
}

fn facts(latest: &configuration::Known, place: &Place, door: Option<&Door>) -> Vec<(String, String)> {
    let mut facts = vec![
        ("account".to_owned(), format!("{}, {}", place.account, place.region)),
        ("role".to_owned(), latest.role.rsplit('/').next().unwrap_or_default().to_owned()),
    ];
    if let Some(id) = door.and_then(|door| door.id.as_deref()) {
        facts.push(("api".to_owned(), id.to_owned()));
    }
    facts
}
