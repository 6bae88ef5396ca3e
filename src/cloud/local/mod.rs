//! The local target: the same trait over a state directory (`state`, `code`), with the emulator as data plane. The emulator runs in a process of its
//! own (`daemon`, seen from outside: `process`), so that what was deployed goes on answering when the command has ended.

mod code;
mod daemon;
mod error;
mod foreground;
mod function;
mod logs;
mod process;
mod remove;
mod scheduler;
mod served;
mod state;
mod told;

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;

pub use daemon::serve;
pub use error::LocalError;
pub use foreground::{Foreground, Refused, Release as ForegroundRelease, remove as remove_foreground};
pub use scheduler::{Scheduler, StageSchedules};

use super::{
    Cloud, CloudError, CodeRef, CodeSpec, DependenciesRef, Deployment, Domains, FunctionSpec, Invocation, LogPage, LogQuery, LogSink,
    OutputSink, Releases, Removed, Route, RouteSpec, ScheduleSpec, StageLock, StageSpec, Surroundings,
};
use crate::emulator::control::{ControlRequest, ControlResponse};
use crate::emulator::ric;
use crate::model::{Layout, Outcome, StageId, Target, Version};
use crate::observe::{Observer, Silent};
use process::EmulatorProcess;
use served::Served;
use state::{RouteState, ScheduleState, StageState, StateDirectory, VersionState};
use told::{directory_name, facts, function_arn, local_route, local_url, release, sandbox};

/// The account that local ARNs name. AWS never issues it.
pub(crate) const ACCOUNT: &str = "000000000000";

/// The state directory's name inside a project.
pub const STATE_DIRECTORY: &str = ".zappa";

/// What the local target needs to know.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// The state directory.
    pub state: PathBuf,
    /// The cache in which the runtime's own environment is made.
    pub cache: PathBuf,
    /// The interpreter behind the project's environment and its full version; only releasing needs it.
    pub interpreter: Option<(PathBuf, String)>,
    /// What functions see as `AWS_REGION`.
    pub region: String,
}

/// Stages on this machine.
#[derive(Debug)]
pub struct LocalCloud {
    options: LocalOptions,
    state: StateDirectory,
    /// Held from reading a stage's file to writing it, since steps of one run may go on at the same time.
    writing: tokio::sync::Mutex<()>,
}

impl LocalCloud {
    /// Touches nothing yet.
    #[must_use]
    pub fn new(options: LocalOptions) -> Self {
        let state = StateDirectory::new(&options.state);
        Self { options, state, writing: tokio::sync::Mutex::default() }
    }

    fn load(&self, id: &StageId) -> Result<StageState, CloudError> {
        let function = id.function_name();
        self.state.load(&function)?.ok_or(CloudError::NotDeployed { function })
    }

    /// The interpreter with `awslambdaric`, made if need be.
    fn runtime(&self, observer: &dyn Observer) -> Result<PathBuf, LocalError> {
        let Some((executable, version)) = &self.options.interpreter else { return Err(LocalError::NoInterpreter) };
        Ok(tokio::task::block_in_place(|| ric::ensure_runtime(executable, version, &self.options.cache, observer))?)
    }

    /// Has the emulator follow the state. Returns the port of the front door.
    async fn sync(&self, id: &StageId) -> Result<Option<u16>, LocalError> {
        match EmulatorProcess::ensure(&self.state).await?.ask(&ControlRequest::Sync { function_name: id.function_name() }).await? {
            ControlResponse::Synced { port } => Ok(port),
            ControlResponse::PortTaken { port, reason } => Err(LocalError::PortTaken { port, reason }),
            other => Err(LocalError::refused(other)),
        }
    }

    /// As [`Self::sync`], where the front door is not what is asked for: a port that is taken is for [`Cloud::ensure_route`] to deal with.
    async fn sync_versions(&self, id: &StageId) -> Result<(), LocalError> {
        match self.sync(id).await {
            Ok(_) | Err(LocalError::PortTaken { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Cloud for LocalCloud {
    fn target(&self) -> Target {
        Target::Local
    }

    fn calls_are_free(&self) -> bool {
        true
    }

    fn domains(&self) -> Option<&dyn Domains> {
        None
    }

    async fn inspect(&self, id: &StageId) -> Result<Option<Deployment>, CloudError> {
        self.find(id).await
    }

    async fn releases(&self, id: &StageId) -> Result<Option<Releases>, CloudError> {
        let stage = self.state.load(&id.function_name())?;
        Ok(stage.map(|stage| Releases { live: stage.live, all: stage.versions.iter().map(release).collect() }))
    }

    async fn offers(&self, _id: &StageId, _spec: &StageSpec) -> Result<(), CloudError> {
        Ok(())
    }

    async fn send(&self, _id: &StageId, _code: &CodeSpec, _observer: &dyn Observer) -> Result<(), CloudError> {
        Ok(())
    }

    async fn tidy_up(&self, _id: &StageId, _failed: &[&str]) -> Result<(), CloudError> {
        Ok(())
    }

    async fn find(&self, id: &StageId) -> Result<Option<Deployment>, CloudError> {
        let function_name = id.function_name();
        let Some(stage) = self.state.load(&function_name)? else { return Ok(None) };
        let served = self.status(id).await?;
        let applied = self.applied(&stage, &served);
        let Served { host, status, is_current: _ } = served;
        let (sandboxes, last_error) = status.map_or((Vec::new(), None), |status| (status.sandboxes, status.last_error));
        let newest = stage.versions.last();
        let live = stage.live.and_then(|live| stage.version(live));
        let region = live.or(newest).map_or(self.options.region.as_str(), |version| version.region.as_str());
        let port = stage.route.as_ref().and_then(|route| route.port);
        Ok(Some(Deployment {
            function_arn: function_arn(region, &function_name),
            live: stage.live,
            releases: stage.versions.iter().map(release).collect(),
            function: live.map(|version| version.function.clone()),
            route: stage.route.as_ref().zip(port).map(|(route, port)| local_route(route, port)),
            applied,
            schedules: scheduler::scheduled(&stage.schedules, &self.state.schedules_file(&function_name), jiff::Timestamp::now())?,
            facts: facts(&self.state, &function_name, host.is_some(), sandboxes.iter().any(|sandbox| !sandbox.own_tmp)),
            domain: None,
            host,
            sandboxes: Some(sandboxes.into_iter().map(sandbox).collect()),
            last_error,
            function_name,
        }))
    }

    async fn lock(&self, id: &StageId, wait: bool, observer: &dyn Observer) -> Result<Box<dyn StageLock>, CloudError> {
        let function_name = id.function_name();
        self.state.create_stage_directory(&function_name)?;
        let path = self.state.lock_file(&function_name);
        let write = |source| LocalError::Write { path: path.clone(), source };
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path).map_err(write)?;
        if file.try_lock().is_err() {
            let mut process = String::new();
            let _ = file.read_to_string(&mut process);
            let holder = format!("process {process}");
            if !wait {
                return Err(CloudError::Locked { stage: id.stage.clone(), holder });
            }
            observer.note(&format!("waiting for another run on stage `{}` ({holder})", id.stage));
            let waiting = file.try_clone().map_err(write)?;
            tokio::task::spawn_blocking(move || waiting.lock()).await.map_err(|_| LocalError::StartAborted)?.map_err(write)?;
        }
        let mut record = || {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        record().map_err(write)?;
        Ok(Box::new(FileLock(file)))
    }

    async fn ensure_prerequisites(&self, _id: &StageId, _spec: &StageSpec, observer: &dyn Observer) -> Result<Outcome, CloudError> {
        self.runtime(observer)?;
        Ok(Outcome::Unchanged)
    }

    async fn put_code(&self, id: &StageId, code: &CodeSpec, _observer: &dyn Observer) -> Result<CodeRef, CloudError> {
        let function = id.function_name();
        let CodeSpec { app, dependencies, layout, .. } = code;
        let location = directory_name(&app.sha256);
        let target = self.state.code_directory(&function, &location);
        tokio::task::block_in_place(|| code::unpack(app, &target))?;
        let dependencies = match dependencies {
            None => None,
            Some(archive) => {
                let name = directory_name(&archive.sha256);
                let location = if *layout == Layout::Fetched { format!("{name}.zip") } else { name };
                let target = self.state.dependencies(&function, &location);
                tokio::task::block_in_place(|| match layout {
                    Layout::Fetched => code::keep(archive, &target),
                    Layout::Layer | Layout::Together => code::unpack(archive, &target).map(drop),
                })?;
                Some(DependenciesRef { layout: *layout, sha256: archive.sha256.clone(), size: archive.size, location })
            }
        };
        Ok(CodeRef { code_sha256: app.sha256.clone(), code_size: app.size, location, dependencies })
    }

    async fn ensure_version(
        &self,
        id: &StageId,
        function: &FunctionSpec,
        code: &CodeRef,
        observer: &dyn Observer,
    ) -> Result<(Outcome, Version), CloudError> {
        let python = self.runtime(observer)?;
        let mut stage = self.state.load(&id.function_name())?.unwrap_or_else(|| StageState::new(id));
        let same = |newest: &&VersionState| {
            newest.code_sha256 == code.code_sha256
                && newest.dependencies == code.dependencies
                && newest.function == *function
                && newest.python == python
                && newest.region == self.options.region
        };
        if let Some(newest) = stage.versions.last().filter(same) {
            return Ok((Outcome::Unchanged, newest.version));
        }
        let version = stage.next_version;
        stage.next_version += 1;
        stage.versions.push(VersionState {
            version,
            function: function.clone(),
            code_sha256: code.code_sha256.clone(),
            code_size: code.code_size,
            code: code.location.clone(),
            dependencies: code.dependencies.clone(),
            python,
            region: self.options.region.clone(),
            created: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        });
        self.state.save(&stage)?;
        Ok((Outcome::Created, version))
    }

    async fn move_live(&self, id: &StageId, version: Version, _last: bool) -> Result<Outcome, CloudError> {
        let mut stage = self.load(id)?;
        if stage.version(version).is_none() {
            return Err(CloudError::NoSuchVersion { function: id.function_name(), version });
        }
        let outcome = match stage.live {
            Some(live) if live == version => return Ok(Outcome::Unchanged),
            Some(_) => Outcome::Updated,
            None => Outcome::Created,
        };
        stage.live = Some(version);
        self.state.save(&stage)?;
        self.sync_versions(id).await?;
        Ok(outcome)
    }

    async fn swap_live(&self, id: &StageId, from: Version, to: Version) -> Result<(), CloudError> {
        let lock = self.lock(id, false, &Silent).await?;
        if self.load(id)?.live != Some(from) {
            return Err(CloudError::Changed { stage: id.stage.clone() });
        }
        self.move_live(id, to, true).await?;
        lock.release(true).await
    }

    async fn ensure_surroundings(&self, id: &StageId, surroundings: &Surroundings) -> Result<Outcome, CloudError> {
        let _writing = self.writing.lock().await;
        let mut stage = self.load(id)?;
        if stage.surroundings == *surroundings {
            return Ok(Outcome::Unchanged);
        }
        stage.surroundings = surroundings.clone();
        self.state.save(&stage)?;
        self.sync_versions(id).await?;
        Ok(Outcome::Updated)
    }

    async fn ensure_route(&self, id: &StageId, route: &RouteSpec, observer: &dyn Observer) -> Result<(Outcome, Route), CloudError> {
        let _writing = self.writing.lock().await;
        let mut stage = self.load(id)?;
        let before = stage.route.clone();
        let remembered = before.as_ref().and_then(|route| route.port);
        let mut wanted = RouteState {
            front_door: route.front_door,
            binary_support: route.binary_support,
            cors: route.cors.clone(),
            port: route.port.or(remembered),
        };
        stage.route = Some(wanted.clone());
        self.state.save(&stage)?;
        let port = match self.sync(id).await {
            // Nobody asked for this very port: another one will do.
            Err(LocalError::PortTaken { port, .. }) if route.port.is_none() => {
                observer.warn(&format!("port {port}, the last one, is taken by another program: the URL changes"));
                stage.route = Some(RouteState { port: None, ..wanted.clone() });
                self.state.save(&stage)?;
                self.sync(id).await?
            }
            Err(error) => {
                // What was serving goes on where it was.
                stage.route = before;
                self.state.save(&stage)?;
                return Err(error.into());
            }
            Ok(port) => port,
        };
        wanted.port = port;
        stage.route = Some(wanted.clone());
        self.state.save(&stage)?;
        let outcome = match before {
            None => Outcome::Created,
            Some(before) if before == wanted => Outcome::Unchanged,
            Some(_) => Outcome::Updated,
        };
        Ok((outcome, local_route(&wanted, port.unwrap_or_default())))
    }

    async fn sync_schedules(&self, id: &StageId, schedules: &[ScheduleSpec]) -> Result<Outcome, CloudError> {
        let _writing = self.writing.lock().await;
        let mut stage = self.load(id)?;
        let outcome = if stage.schedules.iter().map(|known| &known.spec).eq(schedules) {
            Outcome::Unchanged
        } else if stage.schedules.is_empty() {
            Outcome::Created
        } else {
            Outcome::Updated
        };
        if outcome != Outcome::Unchanged {
            let now = jiff::Timestamp::now();
            let made = |spec: &ScheduleSpec| {
                let same = |known: &&ScheduleState| {
                    known.spec.name == spec.name && known.spec.expression == spec.expression && known.spec.enabled == spec.enabled
                };
                ScheduleState { spec: spec.clone(), since: stage.schedules.iter().find(same).map_or(now, |known| known.since) }
            };
            stage.schedules = schedules.iter().map(made).collect();
            self.state.save(&stage)?;
        }
        // Also where nothing differs: a run that was killed may have got no further than the file.
        self.sync_versions(id).await?;
        Ok(outcome)
    }

    async fn remove_stale(&self, _id: &StageId, _route: &RouteSpec, _observer: &dyn Observer) -> Result<Removed, CloudError> {
        // There is one listener, and it is what the route says.
        Ok(Removed::new())
    }

    async fn remove_versions(&self, id: &StageId, versions: &[Version]) -> Result<Vec<Version>, CloudError> {
        let mut stage = self.load(id)?;
        let live = stage.live;
        let (gone, kept): (Vec<_>, Vec<_>) =
            stage.versions.into_iter().partition(|version| versions.contains(&version.version) && Some(version.version) != live);
        stage.versions = kept;
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        self.state.save(&stage)?;
        self.sync_versions(id).await?;
        let function = id.function_name();
        for version in &gone {
            let code =
                (!stage.versions.iter().any(|kept| kept.code == version.code)).then(|| self.state.code_directory(&function, &version.code));
            let apart =
                version.dependencies.as_ref().filter(|gone| !stage.versions.iter().any(|kept| kept.dependencies.as_ref() == Some(*gone)));
            let apart = apart.map(|gone| self.state.dependencies(&function, &gone.location));
            for path in code.into_iter().chain(apart) {
                code::remove(&path).map_err(|source| LocalError::Write { path, source })?;
            }
        }
        Ok(gone.into_iter().map(|version| version.version).collect())
    }

    async fn invoke(
        &self,
        id: &StageId,
        version: Option<Version>,
        payload: Bytes,
        output: Option<OutputSink<'_>>,
    ) -> Result<Invocation, CloudError> {
        let stage = self.load(id)?;
        let function = id.function_name();
        if let Some(version) = version.filter(|version| stage.version(*version).is_none()) {
            return Err(CloudError::NoSuchVersion { function, version });
        }
        self.sync_versions(id).await?;
        let payload = String::from_utf8_lossy(&payload).into_owned();
        let request = ControlRequest::Invoke { function_name: function, version, payload, live: output.is_some() };
        match EmulatorProcess::ensure(&self.state).await?.ask_live(&request, output).await? {
            ControlResponse::Invoked { payload, function_error, log_tail, init_duration, duration } => {
                Ok(Invocation { payload: payload.into(), function_error, log_tail, init_duration, duration, memory_mb: None })
            }
            other => Err(LocalError::refused(other).into()),
        }
    }

    async fn logs(&self, id: &StageId, query: &LogQuery, sink: LogSink<'_>) -> Result<LogPage, CloudError> {
        let function = id.function_name();
        let path = self.state.log_file(&function);
        // What is left of a stage can be read; whoever follows one may do so past its end and into its next life.
        if query.after.is_none() && !logs::exists(&path) && self.state.load(&function)?.is_none() {
            return Err(CloudError::NotDeployed { function });
        }
        Ok(tokio::task::block_in_place(|| logs::read(&path, query, sink)).map_err(|source| LocalError::Read { path, source })?)
    }

    async fn remove(&self, id: &StageId, remove_logs: bool, dry_run: bool, _observer: &dyn Observer) -> Result<Removed, CloudError> {
        let function_name = id.function_name();
        let directory = self.state.stage_directory(&function_name);
        let mut removed = Removed::new();
        if let Some(stage) = self.state.load(&function_name)? {
            if let Some(port) = stage.route.and_then(|route| route.port) {
                removed.push(format!("route {}", local_url(port)));
            }
            removed.extend(stage.schedules.iter().map(|schedule| format!("schedule `{}`", schedule.spec.name)));
            let versions = match stage.versions.len() {
                1 => "one version".to_owned(),
                count => format!("{count} versions"),
            };
            removed.push(format!("function `{function_name}` with {versions}"));
        }
        if remove_logs && logs::exists(&self.state.log_file(&function_name)) {
            removed.push("logs".to_owned());
        }
        let process = EmulatorProcess::find(&self.state).await?;
        let is_last = self.state.stages()?.iter().all(|stage| *stage == function_name);
        removed.extend(process.iter().filter(|_| is_last).map(|process| format!("emulator (process {})", process.pid())));
        if dry_run {
            return Ok(removed);
        }
        if let Some(process) = &process {
            process.ask(&ControlRequest::Remove { function_name }).await?;
        }
        remove::stage_files(&directory, remove_logs).map_err(|source| LocalError::Write { path: directory, source })?;
        if is_last {
            if let Some(process) = process {
                process.stop(&self.state).await?;
            }
            remove::empty_state(self.state.path());
        }
        Ok(removed)
    }

    async fn remove_shared(&self, _id: &StageId, _dry_run: bool, _observer: &dyn Observer) -> Result<Removed, CloudError> {
        // One machine.
        Ok(Removed::new())
    }
}

/// Holds the lock file open; the system lets go of it with the process.
struct FileLock(File);

#[async_trait]
impl StageLock for FileLock {
    async fn release(self: Box<Self>, _finished: bool) -> Result<(), CloudError> {
        drop(self.0);
        Ok(())
    }
}
