//! The emulator's process, seen from inside: reads the state directory, keeps an emulator in step with it and answers control requests, until it is
//! told to stop or has nothing left to serve.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::LocalError;
use super::function::{Place, function_config};
use super::process::{EmulatorRecord, build_id, lock_path, record_file};
use super::scheduler::{Scheduler, StageSchedules};
use super::state::{StageState, StateDirectory, VersionState, write_json};
use crate::cloud::{DependenciesRef, Invocation};
use crate::emulator::control::{ControlRequest, ControlResponse, Frames, serve_control};
use crate::emulator::{Emulator, EmulatorError, FunctionConfig, Live, RouteConfig, end_strays};
use crate::model::{Layout, Version};

/// How long requests in flight may still take when the process ends.
const GRACE: Duration = Duration::from_secs(2);
/// How often it looks whether its directory is still there: a deleted project must not leave a process behind.
const VIGIL: Duration = Duration::from_secs(2);

/// Serves the state directory until stopped. Tells on standard output, by one line, when it listens.
pub async fn serve(directory: &Path) -> Result<(), LocalError> {
    let state = StateDirectory::new(directory);
    let lock_file = lock_path(directory);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_file);
    let lock = lock.map_err(|source| LocalError::Write { path: lock_file.clone(), source })?;
    lock.try_lock().map_err(|_| LocalError::AlreadyServed { directory: directory.to_owned() })?;

    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|source| LocalError::Control { source })?;
    let address = listener.local_addr().map_err(|source| LocalError::Control { source })?;
    let emulator = Emulator::new();
    let scheduler = Scheduler::new(emulator.clone(), Arc::new(jiff::Timestamp::now), Arc::new(uuid::Uuid::new_v4));
    let daemon = Arc::new(Daemon { state: state.clone(), emulator, scheduler, since: Instant::now(), stop: Notify::new() });
    // What an emulator that was killed has left: processes (the kernel ends its sandboxes, but not what they have started) and their files. Nobody
    // else serves this directory now.
    end_strays(directory);
    for function_name in state.stages()? {
        let _ = fs::remove_dir_all(scratch(&state, &function_name));
        // One damaged or unservable stage must not keep the others down.
        if let Err(error) = daemon.sync(&function_name).await {
            log(&format!("{function_name}: {}", chain(&error).join(": ")));
        }
    }
    let token = uuid::Uuid::new_v4().simple().to_string();
    let record =
        EmulatorRecord { pid: std::process::id(), address, token: token.clone(), directory: directory.to_owned(), build: build_id() };
    write_json(&record_file(&state), &record)?;

    let handler = Arc::clone(&daemon);
    let control = tokio::spawn(serve_control(listener, token.clone(), move |request, frames| {
        let daemon = Arc::clone(&handler);
        async move { daemon.answer(request, &frames).await }
    }));
    announce();
    let record = record_file(&state);
    tokio::select! {
        () = daemon.stop.notified() => {}
        () = terminated() => {}
        () = directory_gone(&record, &token) => {}
        () = daemon.scheduler.run() => {}
    }
    daemon.emulator.shutdown(GRACE).await;
    control.abort();
    if still_ours(&record, &token) {
        let _ = fs::remove_file(&record);
    }
    drop(lock);
    Ok(())
}

struct Daemon {
    state: StateDirectory,
    emulator: Emulator,
    scheduler: Scheduler,
    since: Instant,
    stop: Notify,
}

impl Daemon {
    async fn answer(&self, request: ControlRequest, frames: &Frames) -> ControlResponse {
        match request {
            ControlRequest::Sync { function_name } => match self.sync(&function_name).await {
                Ok(port) => ControlResponse::Synced { port },
                Err(LocalError::Emulator(EmulatorError::Listen { port, source })) => {
                    ControlResponse::PortTaken { port, reason: source.to_string() }
                }
                Err(error) => ControlResponse::Failed { causes: chain(&error) },
            },
            ControlRequest::Invoke { function_name, version, payload, live } => {
                match self.invoke(&function_name, version, payload.into(), live.then_some(frames)).await {
                    Ok(answer) => ControlResponse::Invoked {
                        payload: String::from_utf8_lossy(&answer.payload).into_owned(),
                        function_error: answer.function_error,
                        log_tail: answer.log_tail,
                        init_duration: answer.init_duration,
                        duration: answer.duration,
                    },
                    Err(error) => ControlResponse::Failed { causes: chain(&error) },
                }
            }
            ControlRequest::Status { function_name } => {
                ControlResponse::Status { status: self.emulator.status(&function_name).await, uptime: self.since.elapsed() }
            }
            ControlRequest::Remove { function_name } => {
                self.scheduler.remove(&function_name);
                self.emulator.remove_function(&function_name).await;
                ControlResponse::Done
            }
            ControlRequest::Shutdown => {
                self.stop.notify_one();
                ControlResponse::Done
            }
        }
    }

    async fn invoke(
        &self,
        function_name: &str,
        version: Option<Version>,
        payload: Bytes,
        frames: Option<&Frames>,
    ) -> Result<Invocation, EmulatorError> {
        let Some(frames) = frames else { return self.emulator.invoke(function_name, version, payload).await };
        let (live, mut output) = Live::channel();
        let mut invocation = pin!(self.emulator.invoke_live(function_name, version, payload, Some(live)));
        let answer = loop {
            tokio::select! {
                biased;
                Some(bytes) = output.recv() => frames.output(&bytes).await,
                answer = &mut invocation => break answer,
            }
        };
        // Whatever was written before the answer is here by now.
        while let Ok(bytes) = output.try_recv() {
            frames.output(&bytes).await;
        }
        answer
    }

    /// Makes the emulator serve what the stage's state says. Returns the port of its front door.
    async fn sync(&self, function_name: &str) -> Result<Option<u16>, LocalError> {
        let Some(stage) = self.state.load(function_name)? else {
            self.scheduler.remove(function_name);
            self.emulator.remove_function(function_name).await;
            return Ok(None);
        };
        for version in &stage.versions {
            self.emulator.put_version(self.function_config(&stage, version)).await;
        }
        for gone in self.emulator.versions(function_name).await {
            if stage.version(gone).is_none() {
                self.emulator.remove_version(function_name, gone).await;
            }
        }
        if let Some(live) = stage.live {
            self.emulator.set_live(function_name, live).await?;
        }
        self.schedule(&stage)?;
        let Some(route) = &stage.route else { return Ok(None) };
        let config = RouteConfig {
            function_name: function_name.to_owned(),
            stage: stage.id.stage.clone(),
            front_door: route.front_door,
            binary_support: route.binary_support,
            cors: route.cors.clone(),
            port: route.port,
        };
        Ok(Some(self.emulator.open_route(config).await?.port()))
    }

    /// Has the stage's schedules fire, once there is something that they can call.
    fn schedule(&self, stage: &StageState) -> Result<(), LocalError> {
        let Some(live) = stage.live.and_then(|live| stage.version(live)) else { return Ok(()) };
        let function_name = stage.id.function_name();
        self.scheduler.set(StageSchedules {
            region: live.region.clone(),
            schedules: stage.schedules.iter().map(|schedule| (schedule.spec.clone(), schedule.since)).collect(),
            memory: self.state.schedules_file(&function_name),
            function_name,
        })
    }

    fn function_config(&self, stage: &StageState, version: &VersionState) -> FunctionConfig {
        let function_name = stage.id.function_name();
        let apart = version.dependencies.as_ref();
        let apart = apart.map(|apart| (apart, self.state.dependencies(&function_name, &apart.location)));
        let (layer, fetched) = match apart {
            Some((DependenciesRef { layout: Layout::Fetched, sha256, .. }, path)) => (None, Some(fetched(&path, sha256))),
            other => (other.map(|(_, path)| path), None),
        };
        let place = Place {
            region: version.region.clone(),
            code: self.state.code_directory(&function_name, &version.code),
            layer,
            fetched,
            python: version.python.clone(),
            scratch: scratch(&self.state, &function_name),
            log_file: self.state.log_file(&function_name),
            concurrency: stage.surroundings.concurrency,
        };
        function_config(function_name, version.version, &version.function, place)
    }
}

/// What a function is told that fetches its dependencies.
fn fetched(archive: &Path, sha256: &str) -> String {
    let hash = STANDARD.decode(sha256).unwrap_or_default();
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("file://{}#sha256={digits}", archive.display())
}

/// Where the sandboxes of a function have their `/tmp`s.
fn scratch(state: &StateDirectory, function_name: &str) -> PathBuf {
    state.stage_directory(function_name).join("tmp")
}

/// An error and its causes, outermost first.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}

/// Tells whoever started the process that it listens. Nobody may be there any more.
fn announce() {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "ready");
    let _ = out.flush();
}

/// A line in the process's own log.
pub(super) fn log(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{} {message}", jiff::Timestamp::now());
}

fn still_ours(record: &Path, token: &str) -> bool {
    super::state::read_json::<EmulatorRecord>(record).ok().flatten().is_some_and(|record| record.token == token)
}

/// Ends when the record is gone or somebody else's: the project was deleted, or its directory was replaced.
async fn directory_gone(record: &Path, token: &str) {
    let mut vigil = tokio::time::interval(VIGIL);
    loop {
        vigil.tick().await;
        if !still_ours(record, token) {
            return;
        }
    }
}

/// Ends when the system or the user asks the process to.
async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
