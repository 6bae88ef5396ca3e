//! One sandbox: a child process, its Runtime API and its `/tmp`, owned by one task that is reached by channel.
//!
//! The task waits for whatever happens next (a request, a call of the runtime client, output, the process's end, a deadline, too much memory) and
//! moves from one [`State`] to another. As in Lambda the process makes no progress between requests: it is stopped when it asks for an event and
//! there is none, and goes on when there is one. The task decides nothing about other sandboxes: when it is free or gone it says so to its pool, through its [`Seat`].

use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::dispatch::Services;
use super::live::Live;
use super::log::Journal;
use super::memory::{self, Usage};
use super::process::Process;
use super::report::{self, Ending};
use super::runtime_api::{self, Call, RESPONSE_LIMIT, Reply, RuntimeApi};
use super::seat::{Facts, Seat};
use super::{FunctionConfig, Options};
use crate::cloud::Invocation;

const MIB: u64 = 1024 * 1024;

/// What the pool wants of a sandbox.
pub(super) enum Command {
    /// Serve this; sent only while it is idle, or first of all.
    Invoke(Request),
    /// End now, whatever is in flight.
    Stop,
}

/// One invocation.
pub(super) struct Request {
    pub(super) id: String,
    /// With the qualifier that was called.
    pub(super) arn: String,
    pub(super) payload: Bytes,
    pub(super) trace_id: String,
    /// Who watches what the function writes.
    pub(super) live: Option<Live>,
    pub(super) reply: oneshot::Sender<Answer>,
}

/// What becomes of it.
pub(super) enum Answer {
    /// It ran, well or not.
    Done(Box<Invocation>),
    /// The process was gone before it took the request.
    NotStarted,
}

/// Where a sandbox stands.
enum State {
    /// The process has not asked for work yet. There is always a request to ask for: nothing is started ahead of need.
    Starting { request: Request, since: Instant, deadline: Instant, phase: Phase },
    /// Free until then.
    Idle { until: Instant },
    /// Has a request that the process has not fetched yet, and must fetch by then. `since`: the function's time runs already.
    Assigned { request: Request, deadline: Instant, since: Option<Instant> },
    /// The handler runs since then.
    Running { request: Request, since: Instant },
    /// Nothing more will happen.
    Over,
}

/// Lambda gives the first init a limit of its own, and repeats it within the function's timeout if that was not enough.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Init,
    Invoke,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Invoke => "invoke",
        }
    }
}

/// What the task waits for.
enum Happening {
    Command(Option<Command>),
    Call(Call),
    Exit(Option<ExitStatus>),
    Deadline,
    OutOfMemory,
}

/// The process with its Runtime API; both are replaced together.
struct Running {
    process: Process,
    api: RuntimeApi,
    /// The client's open question for an event.
    waiting: Option<Reply>,
}

pub(super) struct Sandbox {
    config: Arc<FunctionConfig>,
    services: Arc<Services>,
    facts: Arc<Facts>,
    seat: Seat,
    journal: Journal,
    state: State,
    /// How long init took, until a report has told it.
    init: Option<Duration>,
}

impl Sandbox {
    pub(super) fn new(config: Arc<FunctionConfig>, services: Arc<Services>, facts: Arc<Facts>, seat: Seat) -> Self {
        let Options { log_limit, clock, witness, .. } = &services.options;
        let journal = Journal::new(&config.log_file, *log_limit, clock.clone(), witness.clone());
        Self { config, services, facts, seat, journal, state: State::Over, init: None }
    }

    /// Lives until it is stopped, dies, or has been idle for long.
    pub(super) async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        // The pool sends the first request with the sandbox itself.
        let Some(Command::Invoke(request)) = commands.recv().await else { return };
        let deadline = Instant::now() + self.services.options.init_limit;
        if let Some(mut running) = self.start(request, deadline, Phase::Init).await {
            while !matches!(self.state, State::Over) {
                let happening = self.next(&mut running, &mut commands).await;
                self.handle(happening, &mut running).await;
            }
            running.process.kill().await;
        }
        self.seat.gone();
        // What was sent before the pool knew.
        commands.close();
        while let Some(command) = commands.recv().await {
            if let Command::Invoke(request) = command {
                let _ = request.reply.send(Answer::NotStarted);
            }
        }
    }

    async fn next(&mut self, running: &mut Running, commands: &mut mpsc::UnboundedReceiver<Command>) -> Happening {
        let deadline = self.deadline();
        let busy = !matches!(self.state, State::Idle { .. } | State::Over);
        let mut look = Instant::now() + memory::LOOK;
        let Running { process, api, .. } = running;
        let pid = process.pid;
        loop {
            // Borrowed apart: the process is waited for while its output is read.
            let (output, exit) = process.split();
            tokio::select! {
                bytes = output.next() => self.journal.output(bytes),
                command = commands.recv() => return Happening::Command(command),
                Some(call) = api.calls.recv() => return Happening::Call(call),
                status = exit.wait() => return Happening::Exit(status.ok()),
                () = tokio::time::sleep_until(deadline.into()) => return Happening::Deadline,
                () = tokio::time::sleep_until(look.into()), if busy => {
                    if memory::exceeds(pid, self.memory_limit()) {
                        return Happening::OutOfMemory;
                    }
                    look = Instant::now() + memory::LOOK;
                }
            }
        }
    }

    fn deadline(&self) -> Instant {
        match &self.state {
            State::Starting { deadline, .. } | State::Assigned { deadline, .. } => *deadline,
            State::Idle { until } => *until,
            State::Running { since, .. } => *since + self.config.timeout,
            State::Over => Instant::now(),
        }
    }

    /// In bytes.
    fn memory_limit(&self) -> u64 {
        u64::from(self.config.memory_mb) * MIB
    }

    async fn handle(&mut self, happening: Happening, running: &mut Running) {
        match happening {
            Happening::Command(Some(Command::Invoke(request))) => {
                self.state = State::Assigned { request, deadline: Instant::now() + self.config.timeout, since: None };
                self.deliver(running);
            }
            Happening::Command(Some(Command::Stop) | None) => self.stop(running).await,
            Happening::Call(call) => self.called(call, running).await,
            Happening::Exit(status) => {
                // What it told us before it went comes first.
                while let Ok(call) = running.api.calls.try_recv() {
                    self.called(call, running).await;
                }
                self.died(&Ending::exit(status), running).await;
            }
            Happening::Deadline => self.ran_out(running).await,
            Happening::OutOfMemory => self.died(&Ending::out_of_memory(), running).await,
        }
    }

    /// Starts the process, or fails the request.
    async fn start(&mut self, request: Request, deadline: Instant, phase: Phase) -> Option<Running> {
        self.facts.started.store(false, Ordering::Relaxed);
        self.journal.lines(&report::init_start(&self.config, self.now()));
        let since = Instant::now();
        let started = async {
            let api = RuntimeApi::open().await?;
            let log_stream = report::log_stream(&self.config, self.now(), (self.services.options.ids)());
            let process = Process::start(&self.config, &self.services.spawner, &api.address.to_string(), &log_stream).await?;
            api.belongs_to(process.pid);
            Ok::<_, std::io::Error>(Running { process, api, waiting: None })
        };
        match started.await {
            Ok(running) => {
                self.facts.pid.store(running.process.pid, Ordering::Relaxed);
                self.facts.owns_tmp.store(running.process.owns_tmp(), Ordering::Relaxed);
                self.state = State::Starting { request, since, deadline, phase };
                Some(running)
            }
            Err(error) => {
                let text = format!("could not start `{}` in `{}`: {error}", self.config.python.display(), self.config.code.display());
                self.fail(request, since, None, &Ending::platform("Runtime.InvalidEntrypoint", text));
                None
            }
        }
    }

    async fn called(&mut self, call: Call, running: &mut Running) {
        match call {
            Call::Next(reply) => self.asked(reply, running),
            Call::InitError(failure, reply) => {
                if matches!(self.state, State::Starting { .. }) {
                    let _ = reply.send(runtime_api::accepted());
                    self.init_failed(&Ending::raised(failure), running).await;
                } else {
                    let _ = reply.send(runtime_api::wrong_state("Ready to InitError"));
                }
            }
            Call::Response(id, body, reply) => {
                let Some((request, since)) = self.take_running(&id) else {
                    let _ = reply.send(runtime_api::wrong_id());
                    return;
                };
                match body {
                    Ok(body) => self.answered(request, since, &Ending::returned(body), running).await,
                    Err(_) => {
                        let message = format!("Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes).");
                        self.answered(request, since, &Ending::refused("Function.ResponseSizeTooLarge", &message), running).await;
                        // The client takes this for a failure of its own and ends, as in Lambda.
                        let _ = reply.send(runtime_api::too_large());
                        return;
                    }
                }
                let _ = reply.send(runtime_api::accepted());
            }
            Call::Error(id, failure, reply) => {
                let Some((request, since)) = self.take_running(&id) else {
                    let _ = reply.send(runtime_api::wrong_id());
                    return;
                };
                self.answered(request, since, &Ending::raised(failure), running).await;
                let _ = reply.send(runtime_api::accepted());
            }
        }
    }

    /// The runtime client wants an event: it is ready.
    fn asked(&mut self, reply: Reply, running: &mut Running) {
        // Whoever waits already is the client; a function that asks as well, its own or another sandbox's, must not get what is meant for it.
        if running.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed()) {
            let _ = reply.send(runtime_api::wrong_state("Ready to Ready"));
            return;
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Starting { request, since, phase, .. } => {
                self.facts.started.store(true, Ordering::Relaxed);
                running.process.output.drain(|bytes| self.journal.output(bytes));
                let since = match phase {
                    Phase::Init => {
                        self.init = Some(since.elapsed());
                        None
                    }
                    Phase::Invoke => Some(since),
                };
                self.state = State::Assigned { request, deadline: since.unwrap_or_else(Instant::now) + self.config.timeout, since };
            }
            state @ State::Running { .. } => {
                self.state = state;
                let _ = reply.send(runtime_api::wrong_state("Running to Ready"));
                return;
            }
            state => self.state = state,
        }
        running.waiting = Some(reply);
        self.deliver(running);
        if matches!(self.state, State::Idle { .. }) {
            running.process.freeze();
        }
    }

    /// Hands the event over if there is one and somebody asks for it.
    fn deliver(&mut self, running: &mut Running) {
        // A process that died while it was idle must not swallow a request: its end is noticed next, and another sandbox gets it.
        if !matches!(self.state, State::Assigned { .. }) || running.process.has_ended() {
            return;
        }
        // Nor must one that has asked and gone away.
        let Some(reply) = running.waiting.take().filter(|reply| !reply.is_closed()) else { return };
        let State::Assigned { mut request, since, .. } = std::mem::replace(&mut self.state, State::Over) else { return };
        // A repeated init has used up some of the time; waiting for the client to come round has not.
        let since = since.unwrap_or_else(Instant::now);
        let left = (since + self.config.timeout).saturating_duration_since(Instant::now());
        let deadline = (self.services.options.clock)().as_millisecond() + i64::try_from(left.as_millis()).unwrap_or(i64::MAX / 2);
        let response = runtime_api::event(
            request.payload.clone(),
            &[
                ("lambda-runtime-aws-request-id", &request.id),
                ("lambda-runtime-deadline-ms", &deadline.to_string()),
                ("lambda-runtime-invoked-function-arn", &request.arn),
                ("lambda-runtime-trace-id", &request.trace_id),
            ],
        );
        // Output since the last request was written by threads that outlive requests: it belongs to none.
        running.process.output.drain(|bytes| self.journal.output(bytes));
        self.log_start(&request.id);
        self.journal.show(request.live.take());
        running.process.thaw();
        // If the client is gone, its process's end is the next thing that happens.
        let _ = reply.send(response);
        self.state = State::Running { request, since };
    }

    fn log_start(&mut self, request: &str) {
        self.journal.begin(request);
        self.journal.lines(&report::start(request, &self.config, self.now()));
    }

    fn now(&self) -> Timestamp {
        (self.services.options.clock)()
    }

    fn take_running(&mut self, id: &str) -> Option<(Request, Instant)> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Running { request, since } if request.id == id => Some((request, since)),
            state => {
                self.state = state;
                None
            }
        }
    }

    /// The handler is done and the process lives on, unless it has taken too much and nobody has seen it yet.
    async fn answered(&mut self, request: Request, since: Instant, ending: &Ending, running: &mut Running) {
        let memory = running.process.memory();
        if memory.is_some_and(|memory| memory.anonymous > self.memory_limit()) {
            self.state = State::Running { request, since };
            return self.died(&Ending::out_of_memory(), running).await;
        }
        running.process.output.drain(|bytes| self.journal.output(bytes));
        let (reply, invocation) = self.conclude(request, since, memory, ending);
        // Before the answer: whoever gets it and asks again at once shall find this sandbox free.
        self.state = if self.seat.vacate() { State::Idle { until: Instant::now() + self.services.options.idle_for } } else { State::Over };
        let _ = reply.send(Answer::Done(Box::new(invocation)));
    }

    /// The process is no longer, and a request fails because of it.
    fn fail(&mut self, request: Request, since: Instant, memory: Option<Usage>, ending: &Ending) {
        let (reply, invocation) = self.conclude(request, since, memory, ending);
        self.seat.gone();
        self.state = State::Over;
        let _ = reply.send(Answer::Done(Box::new(invocation)));
    }

    /// Writes the end of a request to the log and makes its result.
    fn conclude(
        &mut self,
        request: Request,
        since: Instant,
        memory: Option<Usage>,
        ending: &Ending,
    ) -> (oneshot::Sender<Answer>, Invocation) {
        self.facts.requests.fetch_add(1, Ordering::Relaxed);
        let duration = since.elapsed();
        let init = self.init.take();
        // What mapped files take beyond the limit Lambda would have taken back.
        let memory_mb = memory.map(|memory| memory.peak.div_ceil(MIB).min(self.config.memory_mb.into()));
        let memory_mb = if ending.is_out_of_memory() { Some(self.config.memory_mb.into()) } else { memory_mb };
        let measured = report::Measured { duration, init, memory_mb };
        let lines = report::end(&request.id, &self.config, ending, &measured, self.now());
        self.journal.lines(&lines);
        if let Some(error) = ending.failure(&request.id, self.now()) {
            self.seat.failed(error);
        }
        let invocation = Invocation {
            payload: ending.payload(&request.id),
            function_error: ending.failed().then(|| "Unhandled".to_owned()),
            log_tail: self.journal.end(),
            init_duration: init,
            duration: Some(duration),
            memory_mb,
        };
        (request.reply, invocation)
    }

    /// Ends the process and keeps what it wrote.
    async fn end_process(&mut self, running: &mut Running) -> Option<Usage> {
        let memory = running.process.memory();
        running.process.kill().await;
        running.process.output.drain(|bytes| self.journal.output(bytes));
        memory
    }

    async fn init_failed(&mut self, ending: &Ending, running: &mut Running) {
        let memory = self.end_process(running).await;
        if let State::Starting { request, since, phase, .. } = std::mem::replace(&mut self.state, State::Over) {
            let report = report::init_report(&self.config, since.elapsed(), phase.as_str(), ending, self.now());
            self.journal.lines(&report);
            self.log_start(&request.id);
            self.init = Some(since.elapsed());
            self.fail(request, Instant::now(), memory, ending);
        }
    }

    /// The process has ended for a reason of its own, or must: whatever it was at fails.
    async fn died(&mut self, ending: &Ending, running: &mut Running) {
        if matches!(self.state, State::Starting { .. }) {
            return self.init_failed(ending, running).await;
        }
        let memory = self.end_process(running).await;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Running { request, since } => self.fail(request, since, memory, ending),
            // A process that does not even survive until its first request would have it passed on for ever.
            State::Assigned { request, .. } if self.facts.requests.load(Ordering::Relaxed) == 0 => {
                self.log_start(&request.id);
                self.fail(request, Instant::now(), memory, ending);
            }
            State::Assigned { request, .. } => {
                self.journal.lines(&ending.lines("-"));
                self.seat.gone();
                let _ = request.reply.send(Answer::NotStarted);
            }
            _ => {
                self.journal.lines(&ending.lines("-"));
                self.seat.gone();
            }
        }
    }

    async fn ran_out(&mut self, running: &mut Running) {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Idle { until } => {
                // Unless a request is on its way.
                if !self.seat.give_up() {
                    self.state = State::Idle { until: until + self.services.options.idle_for };
                }
            }
            State::Starting { request, since, phase: Phase::Init, .. } => {
                self.end_process(running).await;
                let ending = Ending::timed_out(since.elapsed());
                let report = report::init_report(&self.config, since.elapsed(), Phase::Init.as_str(), &ending, self.now());
                self.journal.lines(&report);
                let deadline = Instant::now() + self.config.timeout;
                if let Some(again) = self.start(request, deadline, Phase::Invoke).await {
                    *running = again;
                }
            }
            State::Starting { request, since, phase: Phase::Invoke, .. } => {
                let memory = self.end_process(running).await;
                self.log_start(&request.id);
                self.fail(request, since, memory, &Ending::timed_out(self.config.timeout));
            }
            State::Assigned { request, since, .. } => {
                let memory = self.end_process(running).await;
                self.log_start(&request.id);
                self.fail(request, since.unwrap_or_else(Instant::now), memory, &Ending::timed_out(self.config.timeout));
            }
            State::Running { request, since } => {
                let memory = self.end_process(running).await;
                self.fail(request, since, memory, &Ending::timed_out(self.config.timeout));
            }
            State::Over => {}
        }
    }

    /// Ends at once. Whoever waits for an answer gets what a killed process gives.
    async fn stop(&mut self, running: &mut Running) {
        let memory = self.end_process(running).await;
        match std::mem::replace(&mut self.state, State::Over) {
            State::Running { request, since } | State::Starting { request, since, .. } => {
                self.fail(request, since, memory, &Ending::killed());
            }
            State::Assigned { request, .. } => self.fail(request, Instant::now(), memory, &Ending::killed()),
            State::Idle { .. } | State::Over => self.seat.gone(),
        }
    }
}
