//! The AWS target: the same trait over the SDK. Nothing is kept on this machine; what a deployment is, is asked from AWS, by derived names and tags.
//!
//! ```text
//! connect        one configuration, one client for each service        classify    what errors mean
//! names          names, ARNs, tags                                      record      what a stage remembers of itself: the description of `live`
//! stage, lock    what a run has read and holds                          machine     whose lock it is, and whether that run still goes on
//! role, policy   the execution role (`region_tags`: who uses it)         storage     archives on their way
//! function       versions (`configuration`: our words and the SDK's)    invoke      calls
//! dependencies   what travels by itself, as a layer (`layer`) or to be fetched
//! surroundings   tags, concurrency, log retention                       route       REST API, HTTP API, Function URL
//! rules          schedules                                              logs        CloudWatch Logs
//! domain         the user's own domain names: ACM, Route 53
//! template       who needs which permissions                            kinds       what AWS's codes and texts mean
//! look           a stage as it is                                       fleet       what the regions of one run share
//! prepare        what comes before there is a function
//! bucket, upload where archives go through, and how they get there      retries     which calls are made again      trace   what `-vv` shows
//! ```

mod bucket;
mod classify;
mod configuration;
mod connect;
mod dependencies;
mod domain;
mod fleet;
mod function;
mod invoke;
mod kinds;
mod layer;
mod lock;
mod logs;
mod look;
mod machine;
mod names;
mod permission;
mod policy;
mod prepare;
mod record;
mod region_tags;
mod retries;
mod role;
mod route;
mod rules;
mod ship;
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
pub use fleet::{Enabled, Fleet};
pub use template::{Documents, TemplateRequest, documents};
pub use trace::Trace;

use connect::Clients;
use dependencies::{Delivery, There};
use function::Build;
use names::Place;
use route::{Door, Site};
use stage::{Stage, State};
use storage::{Location, Store};

use super::{
    Cloud, CloudError, CodeRef, CodeSpec, Deployment, Domains, Fingerprints, FunctionSpec, Invocation, LogPage, LogQuery, LogSink,
    OutputSink, Releases, Removed, Route, RouteSpec, ScheduleSpec, StageLock, StageSpec, Surroundings,
};
use crate::model::{DomainSettings, FrontDoor, Outcome, StageId, Target, Version};
use crate::observe::Observer;

/// What the adapter needs to know beside the specification of a stage.
#[derive(Debug, Clone)]
pub struct AwsOptions {
    /// Where; `None`: home, in the words of [`Fleet`].
    pub region: Option<String>,
    /// The way to the account, shared with the adapters of the run's other regions.
    pub fleet: Arc<Fleet>,
    /// Where else the stage is according to the settings.
    pub elsewhere: Vec<String>,
    /// `s3_bucket`, if this is home.
    pub bucket: Option<String>,
    /// `s3_bucket` of a stage in several regions.
    pub home_bucket: Option<String>,
    /// Whether an archive is removed from its bucket once the function has it.
    pub delete_archives: bool,
    /// Tags for whatever is made.
    pub tags: BTreeMap<String, String>,
    /// The role as the settings name it: what a removal looks for.
    pub role: crate::model::RoleSettings,
    /// The domain of the settings.
    pub domain: Option<DomainSettings>,
}

impl AwsOptions {
    fn names(&self, id: &StageId) -> names::Names {
        names::Names { home_bucket: self.home_bucket.clone(), ..names::Names::new(id, self.bucket.as_deref()) }
    }
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
        self.clients.get_or_try_init(|| self.options.fleet.connect(self.options.region.as_deref())).await
    }

    fn stage(&self, id: &StageId) -> Arc<Stage> {
        let mut stages = self.stages.lock().unwrap_or_else(PoisonError::into_inner);
        stages.entry(id.clone()).or_insert_with(|| Arc::new(Stage::new(self.options.names(id)))).clone()
    }

    async fn store<'a>(&'a self, stage: &'a Stage, place: &'a Place) -> Result<Store<'a>, AwsError> {
        let (clients, fleet) = (self.clients().await?, &*self.options.fleet);
        let progress = if fleet.regions().first() == Some(&place.region) { &fleet.home_bucket } else { &stage.bucket };
        Ok(Store { clients, names: &stage.names, place, progress, fleet, sending: 0 })
    }

    /// Whether archives are removed from the bucket as soon as Lambda has them. Where others copy from it, that is for [`Cloud::tidy_up`].
    fn forgets(&self) -> bool {
        self.options.delete_archives && self.options.fleet.regions().is_empty()
    }

    /// Where the stage is: known from the function, the role, or asked.
    async fn place(&self, state: &mut State) -> Result<Place, CloudError> {
        if let Some(place) = &state.place {
            return Ok(place.clone());
        }
        let clients = self.clients().await?;
        let account = match self.options.fleet.account.get() {
            Some(account) => account.clone(),
            // Each region asks by itself: one that does not answer holds nobody up.
            None => {
                let answer = clients.sts.get_caller_identity().send().await;
                let answer = answer.map_err(classify::failed("sts:GetCallerIdentity", "the account"))?;
                let arn = answer.arn().unwrap_or_default();
                let account = Place::of_arn(arn, &clients.region).ok_or_else(|| AwsError::NoArn { text: arn.to_owned() })?;
                // Another one may have said so first.
                let _ = self.options.fleet.account.set(account.clone());
                account
            }
        };
        let place = Place { region: clients.region.clone(), ..account };
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

    fn domains(&self) -> Option<&dyn Domains> {
        Some(self)
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
        drop(state);
        if let Some(domain) = &self.options.domain {
            deployment.domain = Some(Domains::look(self, id, domain).await?);
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
        Ok(Some(Releases { live, all: function::releases(&state.versions, &[]) }))
    }

    async fn offers(&self, id: &StageId, spec: &StageSpec) -> Result<(), CloudError> {
        Box::pin(self.look_for_offers(&self.stage(id), spec)).await
    }

    async fn lock(&self, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<Box<dyn StageLock>, CloudError> {
        let stage = self.stage(id);
        let look = || async { self.find_anew(&stage).await.map(|_| ()) };
        Ok(Box::new(lock::acquire(self.clients().await?, &stage, wait, observer, look).await?))
    }

    async fn ensure_prerequisites(&self, id: &StageId, spec: &StageSpec, observer: &dyn Observer) -> Result<Outcome, CloudError> {
        self.prepare(&self.stage(id), spec, observer).await
    }

    async fn send(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<(), CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        let there = There::of(&state, code);
        if there.is_all(code) {
            return Ok(());
        }
        let place = self.place(&mut state).await?;
        drop(state);
        let store = Store { sending: there.missing(code), ..self.store(&stage, &place).await? };
        Delivery { store, stage: &stage, code, forget: false }.send(&there, observer).await?;
        Ok(())
    }

    async fn put_code(&self, id: &StageId, code: &CodeSpec, observer: &dyn Observer) -> Result<CodeRef, CloudError> {
        let stage = self.stage(id);
        let mut state = stage.state.lock().await;
        // What the function has already is not sent again.
        let there = There::of(&state, code);
        if there.is_all(code) {
            return Ok(there.reference(code, &Location::File(code.app.path.clone())));
        }
        let place = self.place(&mut state).await?;
        drop(state);
        let store = Store { sending: there.missing(code), ..self.store(&stage, &place).await? };
        Ok(Delivery { store, stage: &stage, code, forget: self.forgets() }.run(there, observer).await?)
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
        let place = self.place(&mut state).await?;
        self.store(&stage, &place).await?.taken(&code.location.parse()?, self.forgets()).await?;
        layer::prune(self.clients().await?, &stage.names, &mut state).await?;
        Ok(made)
    }

    async fn tidy_up(&self, id: &StageId, failed: &[&str]) -> Result<(), CloudError> {
        let keys = self.options.fleet.at(&self.clients().await?.region, failed);
        if self.options.delete_archives && !keys.is_empty() {
            let stage = self.stage(id);
            let place = self.place(&mut *stage.state.lock().await).await?;
            self.store(&stage, &place).await?.tidy_up(keys).await?;
        }
        Ok(())
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
                Box::pin(domain::follow(site, self.options.domain.as_ref(), &door, observer)).await?;
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
        let mut state = stage.state.lock().await;
        // A new stage has left nothing behind.
        let fetched = state.versions.iter().any(configuration::Known::fetches) && !matches!(state.found, Some(None));
        state.versions.retain(|known| known.version.is_none_or(|version| !removed.contains(&version)));
        if fetched {
            let place = self.place(&mut state).await?;
            self.store(&stage, &place).await?.prune(&state.versions).await?;
        }
        layer::prune(self.clients().await?, &stage.names, &mut state).await?;
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
        let site = Site { clients, names, place: &place };
        let tags = names.tags(&self.options.tags);
        let mut removed = Box::pin(domain::remove(site, self.options.domain.as_ref(), &tags, dry_run)).await?;
        removed.extend(route::remove_all(site, dry_run, observer).await?);
        removed.extend(rules::remove_all(clients, names, dry_run).await?);
        removed.extend(function::remove(clients, names, dry_run).await?);
        if !dry_run {
            *stage.live.lock().await = None;
            state.versions.clear();
            state.layers.clear();
        }
        let store = self.store(&stage, &place).await?;
        let (layer, archives) = tokio::join!(layer::remove(clients, names, dry_run), store.remove(dry_run));
        removed.extend(layer?.into_iter().chain(archives?));
        if remove_logs {
            removed.extend(logs::remove(clients, names, dry_run).await?);
        }
        self.options.fleet.leave(&clients.region);
        Ok(removed)
    }

    async fn remove_shared(&self, id: &StageId, dry_run: bool, observer: &dyn Observer) -> Result<Removed, CloudError> {
        if !self.options.role.manage || self.options.role.arn.is_some() {
            return Ok(Removed::new());
        }
        let stage = self.stage(id);
        let leaving = role::Leaving { fleet: &self.options.fleet, elsewhere: &self.options.elsewhere, dry_run, observer };
        let name = stage.names.role(&self.options.role);
        Ok(role::remove(self.clients().await?, &stage.names, &name, leaving).await?)
    }
}
