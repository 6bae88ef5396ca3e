//! Which sandbox gets a request: per function one pool, its versions, and where `live` points.
//!
//! The pool's lock decides who has what; sandboxes run as tasks of their own and tell the pool when they are free or gone. As in Lambda a request
//! never waits for a busy sandbox: it gets an idle one (the most recently used first), a new one, or is throttled at once.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::memory;
use super::process::Spawner;
use super::sandbox::{Answer, Command, Request, Sandbox};
use super::seat::{Facts, Seat};
use super::{EmulatorError, FunctionConfig, Live, Options, SandboxStatus};
use crate::cloud::{Invocation, LastError};
use crate::model::{LIVE, Version};

/// The largest event that Lambda takes in a synchronous invocation.
pub(super) const REQUEST_LIMIT: usize = 6 * 1024 * 1024;

/// What every pool works with.
pub(super) struct Services {
    pub(super) options: Options,
    pub(super) spawner: Spawner,
}

/// One function: its versions and sandboxes.
pub(super) struct Pool {
    name: String,
    services: Arc<Services>,
    state: Mutex<State>,
    /// How many sandboxes' tasks have not ended, by version, whether the pool still lists them or not.
    alive: watch::Sender<BTreeMap<Version, usize>>,
}

#[derive(Default)]
struct State {
    versions: BTreeMap<Version, Arc<FunctionConfig>>,
    live: Option<Version>,
    /// Least recently used first.
    sandboxes: Vec<Entry>,
    next_id: u64,
    closed: bool,
    last_error: Option<LastError>,
}

struct Entry {
    id: u64,
    version: Version,
    busy: bool,
    /// Ends when its request is done.
    retired: bool,
    facts: Arc<Facts>,
    commands: mpsc::UnboundedSender<Command>,
}

/// One invocation to make.
pub(super) struct Call {
    /// `None`: `live`.
    pub(super) version: Option<Version>,
    /// The event.
    pub(super) payload: Bytes,
    /// `Root=1-…`.
    pub(super) trace_id: String,
    /// Who watches.
    pub(super) live: Option<Live>,
    /// Whether a sandbox is started whatever the limit says: the version is to take the place of another one.
    pub(super) ahead: bool,
}

impl Pool {
    pub(super) fn new(name: &str, services: Arc<Services>) -> Arc<Self> {
        Arc::new(Self { name: name.to_owned(), services, state: Mutex::default(), alive: watch::Sender::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put_version(&self, config: FunctionConfig) {
        self.state().versions.insert(config.version, Arc::new(config));
    }

    pub(super) fn versions(&self) -> Vec<Version> {
        self.state().versions.keys().copied().collect()
    }

    pub(super) fn remove_version(&self, version: Version) {
        let mut state = self.state();
        state.versions.remove(&version);
        if state.live == Some(version) {
            state.live = None;
        }
        state.retire(|entry| entry.version == version);
    }

    pub(super) fn set_live(&self, version: Version) -> Result<(), EmulatorError> {
        let mut state = self.state();
        if !state.versions.contains_key(&version) {
            return Err(self.unknown(Some(version)));
        }
        state.live = Some(version);
        state.retire(|entry| entry.version != version);
        Ok(())
    }

    /// The configuration that `live` serves with.
    pub(super) fn live(&self) -> Option<Arc<FunctionConfig>> {
        let state = self.state();
        state.live.and_then(|version| state.versions.get(&version)).cloned()
    }

    pub(super) fn status(&self) -> (Option<Version>, Vec<SandboxStatus>) {
        let state = self.state();
        let sandboxes = state.sandboxes.iter().map(|entry| {
            let (pid, requests, started) = entry.facts.read();
            let state = match (entry.busy, started) {
                (_, false) => "starting",
                (true, true) => "busy",
                (false, true) => "idle",
            };
            let memory = memory::usage(pid);
            let megabytes = |bytes: u64| bytes.div_ceil(1024 * 1024);
            let (memory_mb, peak_memory_mb) = (memory.map(|usage| megabytes(usage.resident)), memory.map(|usage| megabytes(usage.peak)));
            let own_tmp = entry.facts.owns_tmp.load(Ordering::Relaxed);
            let state = state.to_owned();
            SandboxStatus { pid, version: entry.version, state, requests, memory_mb, peak_memory_mb, own_tmp }
        });
        (state.live, sandboxes.collect())
    }

    pub(super) fn last_error(&self) -> Option<LastError> {
        self.state().last_error.clone()
    }

    /// An invocation has failed.
    pub(super) fn failed(&self, error: LastError) {
        self.state().last_error = Some(error);
    }

    fn unknown(&self, version: Option<Version>) -> EmulatorError {
        EmulatorError::UnknownFunction { function_name: self.name.clone(), version }
    }

    /// Makes one invocation. If the caller stops waiting, the function's run goes on all the same.
    pub(super) async fn invoke(self: &Arc<Self>, call: Call) -> Result<Invocation, EmulatorError> {
        let size = call.payload.len();
        if size > REQUEST_LIMIT {
            return Err(EmulatorError::PayloadTooLarge { size, limit: REQUEST_LIMIT });
        }
        let id = (self.services.options.ids)().to_string();
        loop {
            let (reply, answer) = oneshot::channel();
            self.assign(&call, |config| Request {
                id: id.clone(),
                arn: match call.version {
                    Some(version) => format!("{}:{version}", config.function_arn),
                    None => format!("{}:{LIVE}", config.function_arn),
                },
                payload: call.payload.clone(),
                trace_id: call.trace_id.clone(),
                live: call.live.clone(),
                reply,
            })?;
            match answer.await {
                Ok(Answer::Done(invocation)) => return Ok(*invocation),
                // An idle sandbox died before it took the request: nothing of it has run, another one can have it.
                Ok(Answer::NotStarted) | Err(_) => {}
            }
        }
    }

    /// Hands a request to a sandbox, in one step, so that no two requests get the same one.
    fn assign(self: &Arc<Self>, call: &Call, request: impl FnOnce(&FunctionConfig) -> Request) -> Result<(), EmulatorError> {
        let mut state = self.state();
        let version = call.version.or(state.live);
        let config = version.and_then(|version| state.versions.get(&version)).cloned();
        let Some(config) = config.filter(|_| !state.closed) else { return Err(self.unknown(call.version)) };
        let position = state.sandboxes.iter().rposition(|entry| !entry.busy && entry.version == config.version);
        let mut entry = match position {
            Some(position) => state.sandboxes.remove(position),
            None => {
                let limit = config.concurrency;
                if !call.ahead && state.sandboxes.iter().filter(|entry| entry.busy).count() >= limit {
                    return Err(EmulatorError::Throttled { function_name: self.name.clone(), limit });
                }
                // Idle ones of other versions do not count in Lambda, where they cost nobody anything; here they cost memory.
                if !call.ahead
                    && state.sandboxes.len() >= limit
                    && let Some(oldest) = state.sandboxes.iter().position(|entry| !entry.busy)
                {
                    let _ = state.sandboxes.remove(oldest).commands.send(Command::Stop);
                }
                self.open_sandbox(&mut state, &config)
            }
        };
        entry.busy = true;
        let request = request(&config);
        // A closed channel drops the request, and with it the reply: the caller tries again.
        if entry.commands.send(Command::Invoke(request)).is_ok() {
            state.sandboxes.push(entry);
        }
        Ok(())
    }

    fn open_sandbox(self: &Arc<Self>, state: &mut State, config: &Arc<FunctionConfig>) -> Entry {
        let id = state.next_id;
        state.next_id += 1;
        let facts = Arc::<Facts>::default();
        let (commands, receiver) = mpsc::unbounded_channel();
        self.alive.send_modify(|alive| *alive.entry(config.version).or_default() += 1);
        let seat = Seat::new(self, id, config.version);
        let sandbox = Sandbox::new(config.clone(), self.services.clone(), facts.clone(), seat);
        tokio::spawn(sandbox.run(receiver));
        Entry { id, version: config.version, busy: false, retired: false, facts, commands }
    }

    /// A sandbox is done with its request. Returns whether it may stay.
    pub(super) fn vacate(&self, id: u64) -> bool {
        let mut state = self.state();
        let Some(position) = state.sandboxes.iter().position(|entry| entry.id == id) else { return false };
        let mut entry = state.sandboxes.remove(position);
        if entry.retired || state.closed {
            return false;
        }
        entry.busy = false;
        state.sandboxes.push(entry);
        true
    }

    /// A sandbox has been idle for long. Returns whether it may go; if not, a request is on its way to it.
    pub(super) fn give_up(&self, id: u64) -> bool {
        let mut state = self.state();
        match state.sandboxes.iter().position(|entry| entry.id == id) {
            Some(position) if state.sandboxes[position].busy => false,
            Some(position) => {
                state.sandboxes.remove(position);
                true
            }
            None => true,
        }
    }

    /// A sandbox can take no more requests.
    pub(super) fn gone(&self, id: u64) {
        self.state().sandboxes.retain(|entry| entry.id != id);
    }

    /// A sandbox's task has ended.
    pub(super) fn ended(&self, version: Version) {
        self.alive.send_modify(|alive| {
            if let Some(count) = alive.get_mut(&version) {
                *count -= 1;
                if *count == 0 {
                    alive.remove(&version);
                }
            }
        });
    }

    /// Waits until no sandbox of a version is left.
    pub(super) async fn drained(&self, version: Version) {
        let _ = self.alive.subscribe().wait_for(|alive| !alive.contains_key(&version)).await;
    }

    /// Takes no more requests, lets those in flight end within `grace`, kills what is left, and returns when no process remains.
    pub(super) async fn close(&self, grace: Duration) {
        {
            let mut state = self.state();
            state.closed = true;
            state.retire(|_| true);
        }
        let mut alive = self.alive.subscribe();
        if grace.is_zero() || tokio::time::timeout(grace, alive.wait_for(BTreeMap::is_empty)).await.is_err() {
            for entry in self.state().sandboxes.drain(..) {
                let _ = entry.commands.send(Command::Stop);
            }
            let _ = alive.wait_for(BTreeMap::is_empty).await;
        }
    }
}

impl State {
    /// Stops idle sandboxes that match, and marks busy ones.
    fn retire(&mut self, matches: impl Fn(&Entry) -> bool) {
        self.sandboxes.retain_mut(|entry| {
            if !matches(entry) {
                return true;
            }
            if entry.busy {
                entry.retired = true;
            } else {
                let _ = entry.commands.send(Command::Stop);
            }
            entry.busy
        });
    }
}
