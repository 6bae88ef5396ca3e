//! One child process and all that it starts: spawned hardened, read while it runs, killed as a group, its `/tmp` removed.

use std::io;
use std::process::Stdio;
use std::sync::mpsc;

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::FunctionConfig;
use super::environment::{self, Identity, RUNTIME_API};
use super::output::Output;

/// Starts every process from one thread. Linux kills a child whose parent *thread* ends (`PR_SET_PDEATHSIG`), and the threads of an
/// asynchronous runtime come and go; this one ends after the last sandbox.
#[derive(Clone)]
pub(super) struct Spawner {
    jobs: mpsc::Sender<Job>,
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
        Self { jobs }
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
    temporary: Option<TempDir>,
}

impl Process {
    /// Starts the runtime client on `config`'s handler.
    pub(super) async fn start(config: &FunctionConfig, spawner: &Spawner, runtime_api: &str, log_stream: &str) -> io::Result<Self> {
        std::fs::create_dir_all(&config.scratch)?;
        let temporary = tempfile::Builder::new().prefix("sandbox-").tempdir_in(&config.scratch)?;
        let identity = Identity { runtime_api, temporary: temporary.path(), log_stream };
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(&config.python);
        command
            .args(["-m", "awslambdaric", &config.handler])
            .current_dir(&config.code)
            .env_clear()
            .envs(environment::variables(config, &identity))
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(target_os = "linux")]
        harden(&mut command);
        let output = Output::new(reader)?;
        // The command, and with it our copy of the pipe's other end, is dropped by the spawner.
        let child = spawner.spawn(command).await?;
        let pid = child.id().unwrap_or(0);
        let family = Family { group: pid, mark: format!("{RUNTIME_API}={runtime_api}"), ended: false };
        Ok(Self { pid, output, child, family, temporary: Some(temporary) })
    }

    /// Its output to read and its end to wait for, at the same time.
    pub(super) fn split(&mut self) -> (&mut Output, &mut Child) {
        (&mut self.output, &mut self.child)
    }

    /// Whether it has ended by itself, asked of the system and not of what we were told.
    pub(super) fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// The largest amount of memory that it has had, in MB, where the system tells.
    pub(super) fn peak_memory_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kilobytes.div_ceil(1024))
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

/// The process and its descendants.
struct Family {
    group: u32,
    mark: String,
    ended: bool,
}

impl Family {
    fn end(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        #[cfg(unix)]
        if let Some(group) = i32::try_from(self.group).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        #[cfg(target_os = "linux")]
        self.end_strays();
    }

    /// Kills descendants that have left the process group (daemons): they have inherited a variable with a value that only this sandbox has.
    #[cfg(target_os = "linux")]
    fn end_strays(&self) {
        // A stray may have had a child between being seen and being killed.
        const ROUNDS: usize = 3;
        for _ in 0..ROUNDS {
            let Ok(processes) = std::fs::read_dir("/proc") else { return };
            let mut found = false;
            for entry in processes.flatten() {
                let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
                if u32::try_from(pid) == Ok(std::process::id()) || u32::try_from(pid) == Ok(self.group) {
                    continue;
                }
                let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
                if environment.split(|&b| b == 0).any(|variable| variable == self.mark.as_bytes()) {
                    found = true;
                    if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                    }
                }
            }
            if !found {
                return;
            }
        }
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ties the child's life to ours, and takes from a root user's child the right to write to what is read-only.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what has to happen between fork and exec cannot be said in safe code")]
fn harden(command: &mut Command) {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    use rustix::thread::{CapabilitySet, capabilities, remove_capability_from_bounding_set, set_capabilities};

    let parent = std::process::id();
    let before_exec = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // We may have ended before the line above.
        if getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()).is_some_and(|pid| pid != parent) {
            return Err(rustix::io::Errno::SRCH.into());
        }
        // Lambda's code directory is read-only for everybody; mode bits alone do not bind root. Fails for other users, who need no such thing.
        // (CAP_DAC_READ_SEARCH stays: reading is allowed.)
        let _ = remove_capability_from_bounding_set(CapabilitySet::DAC_OVERRIDE);
        if let Ok(mut sets) = capabilities(None) {
            sets.inheritable.remove(CapabilitySet::DAC_OVERRIDE);
            let _ = set_capabilities(None, sets);
        }
        Ok(())
    };
    // SAFETY: the closure runs in the forked child, where other threads' locks may be held for ever: it must not allocate or lock. It makes five
    // system calls through rustix, which does neither, and touches no memory but its own stack and the captured integer.
    unsafe {
        command.pre_exec(before_exec);
    }
}
