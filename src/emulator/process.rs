//! One child process: spawned as a sandbox, read while it runs, frozen between requests, killed with all that it has started, its `/tmp` removed.

use std::ffi::OsString;
use std::io;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::FunctionConfig;
use super::environment::{self, Identity};
use super::family::Family;
use super::isolation::Isolation;
use super::memory::{self, Usage};
use super::output::Output;

/// Starts every process from one thread. Linux kills a child whose parent *thread* ends (`PR_SET_PDEATHSIG`), and the threads of an
/// asynchronous runtime come and go; this one ends after the last sandbox.
#[derive(Clone)]
pub(super) struct Spawner {
    jobs: mpsc::Sender<Job>,
    /// Whether the kernel has refused mounts before: it will not change its mind.
    refused: Arc<AtomicBool>,
}

struct Job {
    command: Command,
    runtime: Handle,
    done: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    pub(super) fn new() -> Self {
        let (jobs, received) = mpsc::channel::<Job>();
        // Should there be no thread to be had, the channel is closed and every start fails with a reason.
        let _ = std::thread::Builder::new().name("sandbox-spawner".to_owned()).spawn(move || {
            for Job { mut command, runtime, done } in received {
                let _entered = runtime.enter();
                // A child that nobody waits for any more is killed on drop.
                let _ = done.send(command.spawn());
            }
        });
        Self { jobs, refused: Arc::default() }
    }

    async fn spawn(&self, command: Command) -> io::Result<Child> {
        let (done, child) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes is gone");
        self.jobs.send(Job { command, runtime: Handle::current(), done }).map_err(|_| gone())?;
        child.await.map_err(|_| gone())?
    }
}

/// A running child.
pub(super) struct Process {
    /// Its id.
    pub(super) pid: u32,
    /// Both of its streams, in the order in which they were written.
    pub(super) output: Output,
    child: Child,
    family: Family,
    /// What `TMPDIR` names, where `/tmp` is not its own.
    temporary: Option<TempDir>,
}

impl Process {
    /// Starts the runtime client on `config`'s handler.
    pub(super) async fn start(config: &FunctionConfig, spawner: &Spawner, runtime_api: &str, log_stream: &str) -> io::Result<Self> {
        let arguments = ["-m", "awslambdaric", &config.handler].map(OsString::from);
        Self::start_python(config, spawner, (runtime_api, log_stream), &arguments).await
    }

    /// Starts the interpreter with `arguments`, in all else as a sandbox.
    pub(super) async fn start_python(
        config: &FunctionConfig,
        spawner: &Spawner,
        identity: (&str, &str),
        arguments: &[OsString],
    ) -> io::Result<Self> {
        let isolation = Isolation::plan(config, spawner.refused.load(Ordering::Relaxed));
        match Self::launch(config, spawner, identity, arguments, &isolation).await {
            Err(error) if isolation.was_refused(&error) => {
                spawner.refused.store(true, Ordering::Relaxed);
                let isolation = Isolation::plan(config, true);
                Self::launch(config, spawner, identity, arguments, &isolation).await
            }
            outcome => outcome,
        }
    }

    async fn launch(
        config: &FunctionConfig,
        spawner: &Spawner,
        (runtime_api, log_stream): (&str, &str),
        arguments: &[OsString],
        isolation: &Isolation,
    ) -> io::Result<Self> {
        let temporary = if isolation.owns_tmp() {
            None
        } else {
            std::fs::create_dir_all(&config.scratch)?;
            Some(tempfile::Builder::new().prefix("sandbox-").tempdir_in(&config.scratch)?)
        };
        let identity = Identity { runtime_api, temporary: temporary.as_ref().map(TempDir::path), opt: isolation.opt(config), log_stream };
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&config.python);
        command
            .args(arguments)
            .current_dir(&config.code)
            .env_clear()
            .envs(environment::variables(config, &identity))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        isolation.apply(&mut command, config)?;
        let output = Output::new(reader)?;
        // The command, and with it our copy of the pipe's other end, is dropped by the spawner.
        let child = spawner.spawn(command).await?;
        let pid = child.id().unwrap_or(0);
        Ok(Self { pid, output, child, family: Family::new(pid, runtime_api), temporary })
    }

    /// Its output to read and its end to wait for, at the same time.
    pub(super) fn split(&mut self) -> (&mut Output, &mut Child) {
        (&mut self.output, &mut self.child)
    }

    /// Whether it has ended by itself, asked of the system and not of what we were told.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Whether `/tmp` is its own.
    pub(super) fn owns_tmp(&self) -> bool {
        self.temporary.is_none()
    }

    /// The memory of the process, where the system tells.
    pub(super) fn memory(&self) -> Option<Usage> {
        memory::usage(self.pid)
    }

    /// Stops it, with all of its group, until it is thawed or killed.
    pub(super) fn freeze(&mut self) {
        self.family.freeze();
    }

    /// Lets it go on.
    pub(super) fn thaw(&mut self) {
        self.family.thaw();
    }

    /// Kills it with everything that it has started, and waits until it is gone. What it wrote can still be read.
    pub(super) async fn kill(&mut self) {
        self.family.end();
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
        // Removing a large directory takes a while and is not for the threads that serve requests.
        if let Some(temporary) = self.temporary.take() {
            let _ = tokio::task::spawn_blocking(move || drop(temporary)).await;
        }
    }
}
