//! The emulator's process, seen from the command line: find it, start it, talk to it.
//!
//! `emulator.json` says who serves the state directory. It is believed only if that process answers with the token in it, so a stale file (killed
//! emulator, reboot, reused process id) costs one refused connection and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use super::LocalError;
use super::state::{StateDirectory, read_json};
use crate::cloud::OutputSink;
use crate::emulator::control::{ControlRequest, ControlResponse, Frame};

/// The content of `emulator.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct EmulatorRecord {
    pub(super) pid: u32,
    /// Of the control listener.
    pub(super) address: SocketAddr,
    /// Whoever knows it may ask.
    pub(super) token: String,
    /// The directory that it serves, so that a moved or copied one is noticed.
    pub(super) directory: PathBuf,
    /// Which build of the tool it is.
    pub(super) build: String,
}

/// Where the record is.
pub(super) fn record_file(state: &StateDirectory) -> PathBuf {
    state.path().join("emulator.json")
}

/// Tells builds apart: version, size and time of the executable. An emulator of another build is replaced, so that what runs is what was installed.
pub(super) fn build_id() -> String {
    let executable = std::env::current_exe().ok().and_then(|path| path.metadata().ok());
    let changed = executable.as_ref().and_then(|metadata| metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok());
    let (size, changed) = (executable.map_or(0, |metadata| metadata.len()), changed.unwrap_or_default().as_nanos());
    format!("{} {size} {changed}", env!("CARGO_PKG_VERSION"))
}

/// A running emulator that serves this directory.
#[derive(Debug)]
pub(super) struct EmulatorProcess {
    record: EmulatorRecord,
}

impl EmulatorProcess {
    /// The emulator that serves this directory, if one answers. Changes nothing.
    pub(super) async fn find(state: &StateDirectory) -> Result<Option<Self>, LocalError> {
        Ok(Self::recorded(state).await?.filter(|process| same_directory(&process.record.directory, state.path())))
    }

    /// An emulator of this build that serves this directory, started if need be. One of another build, or one that was left behind when the
    /// directory moved, is stopped first.
    pub(super) async fn ensure(state: &StateDirectory) -> Result<Self, LocalError> {
        if let Some(process) = Self::recorded(state).await? {
            let ours = same_directory(&process.record.directory, state.path());
            if ours && process.is_current() {
                return Ok(process);
            }
            // A directory that was copied: the original's emulator goes on serving the original.
            if ours || !process.record.directory.exists() {
                process.stop(state).await?;
            }
        }
        Self::start(state).await
    }

    /// Whoever the record names, if they answer.
    async fn recorded(state: &StateDirectory) -> Result<Option<Self>, LocalError> {
        let Some(record) = read_json::<EmulatorRecord>(&record_file(state))? else { return Ok(None) };
        let process = Self { record };
        // Whatever it answers: another build may speak otherwise.
        let probe = ControlRequest::Status { function_name: String::new() };
        Ok(process.send(&probe).await.is_ok().then_some(process))
    }

    /// Starts an emulator in the background and waits until it answers.
    async fn start(state: &StateDirectory) -> Result<Self, LocalError> {
        let directory = state.path().to_owned();
        // Blocking, but short: until the child has said that it listens, or has ended.
        tokio::task::spawn_blocking(move || spawn(&directory)).await.map_err(|_| LocalError::StartAborted)??;
        match Self::find(state).await? {
            Some(process) => Ok(process),
            None => Err(LocalError::Start { log: log_file(state.path()), reason: "it ended right after it had started".to_owned() }),
        }
    }

    /// Whether it would be left in place by [`Self::ensure`].
    pub(super) fn is_current(&self) -> bool {
        self.record.build == build_id()
    }

    pub(super) fn pid(&self) -> u32 {
        self.record.pid
    }

    /// Asks and waits for the answer.
    pub(super) async fn ask(&self, request: &ControlRequest) -> Result<ControlResponse, LocalError> {
        self.ask_live(request, None).await
    }

    /// Asks, and tells `output` what a function writes until the answer comes.
    pub(super) async fn ask_live(&self, request: &ControlRequest, output: Option<OutputSink<'_>>) -> Result<ControlResponse, LocalError> {
        self.exchange(request, output).await.map_err(|source| LocalError::Ask { pid: self.record.pid, source })
    }

    /// Asks, and waits until an answer begins.
    async fn send(&self, request: &ControlRequest) -> Result<Response<Incoming>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.record.address).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::post("/")
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.record.token))
            .body(Full::new(Bytes::from(serde_json::to_vec(request)?)))?;
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("it answered {}", response.status()).into());
        }
        Ok(response)
    }

    async fn exchange(
        &self,
        request: &ControlRequest,
        mut output: Option<OutputSink<'_>>,
    ) -> Result<ControlResponse, Box<dyn std::error::Error + Send + Sync>> {
        let mut body = self.send(request).await?.into_body();
        let mut received = BytesMut::new();
        while let Some(piece) = body.frame().await {
            let Ok(data) = piece?.into_data() else { continue };
            let mut unseen = received.len();
            received.extend_from_slice(&data);
            while let Some(length) = received[unseen..].iter().position(|&byte| byte == b'\n') {
                let line = received.split_to(unseen + length + 1);
                unseen = 0;
                match serde_json::from_slice(&line)? {
                    Frame::Answer(answer) => return Ok(answer),
                    Frame::Output(bytes) => {
                        if let Some(output) = &mut output {
                            output(&Frame::bytes(&bytes));
                        }
                    }
                }
            }
        }
        Err("it ended before it had answered".into())
    }

    /// Stops it and waits until it has let go of the directory (the lock moves with the directory).
    pub(super) async fn stop(&self, state: &StateDirectory) -> Result<(), LocalError> {
        self.send(&ControlRequest::Shutdown).await.map_err(|source| LocalError::Ask { pid: self.record.pid, source })?;
        let lock = lock_path(state.path());
        tokio::task::spawn_blocking(move || {
            // The emulator holds this lock for as long as it lives. Gone with the directory: nothing to wait for.
            if let Ok(file) = File::open(lock) {
                let _ = file.lock();
            }
        })
        .await
        .map_err(|_| LocalError::StartAborted)
    }
}

/// The file that a running emulator keeps locked: one per directory.
pub(super) fn lock_path(directory: &Path) -> PathBuf {
    directory.join("emulator.lock")
}

/// What the emulator itself has to say (not the functions).
pub(super) fn log_file(directory: &Path) -> PathBuf {
    directory.join("emulator.log")
}

fn same_directory(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

fn spawn(directory: &Path) -> Result<(), LocalError> {
    let failed = |reason: String| LocalError::Start { log: log_file(directory), reason };
    let executable = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
    let log = OpenOptions::new().create(true).append(true).open(log_file(directory));
    let log = log.map_err(|source| LocalError::Write { path: log_file(directory), source })?;
    let mut command = Command::new(executable);
    command.args(["emulator", "--state"]).arg(directory).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    // A group of its own: Ctrl-C in the terminal that deployed must not end what was deployed. The working directory must not be held either.
    command.current_dir(directory);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    std::os::windows::process::CommandExt::creation_flags(&mut command, 0x0000_0208); // DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP
    let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
    let Some(stdout) = child.stdout.take() else { return Err(failed("it has no standard output".to_owned())) };
    let mut ready = String::new();
    match BufReader::new(stdout).read_line(&mut ready) {
        Ok(read) if read > 0 => Ok(()),
        _ => {
            let status = child.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            Err(failed(format!("it ended with {status}")))
        }
    }
}
