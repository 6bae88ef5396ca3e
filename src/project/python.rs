//! Asks an interpreter about itself, by an embedded script run in isolated mode. Called by `environment` and `app`; knows nothing of which
//! interpreter is the project's.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::{Interpreter, LinkedSource, ProjectError};
use crate::model::{OLDEST_PYTHON_MINOR, Runtime};

const PROBE: &str = include_str!("probe.py");
/// Frames the answer of a script: `.pth` files and `sitecustomize` may print before it.
const MARKER: &str = "\u{1e}zappa\u{1e}";
/// An interpreter on a slow network disk takes seconds to start; one that takes longer than this hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// An interpreter and what it finds on `sys.path`.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// Whether it belongs to an environment of its own (virtual or conda) rather than to the system.
    pub is_environment: bool,
    /// `site-packages` directories in use, in the order of `sys.path`.
    pub site_packages: Vec<PathBuf>,
    /// Editable installs and other directories that the environment refers to.
    pub linked: Vec<LinkedSource>,
    /// Editable installs that give a directory another name than it has on disk.
    renamed: Vec<Renamed>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Answer {
    version: String,
    minor: u8,
    implementation: String,
    details: Option<Details>,
}

#[derive(Serialize, Deserialize)]
struct Details {
    /// What tells by its times whether all this still holds; `None`: that cannot be told.
    depends_on: Option<Vec<PathBuf>>,
    executable: PathBuf,
    base_executable: PathBuf,
    cache_tag: String,
    platform: String,
    prefix: PathBuf,
    is_environment: bool,
    made_for: String,
    site_packages: Vec<PathBuf>,
    linked: Vec<Link>,
    renamed: Vec<Renamed>,
}

#[derive(Serialize, Deserialize)]
struct Link {
    directory: PathBuf,
    distribution: Option<String>,
    modules: Option<Vec<String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Renamed {
    distribution: String,
    module: String,
    path: PathBuf,
}

impl Probe {
    /// Refuses an environment whose content cannot be laid out in a bundle.
    pub(super) fn check(&self) -> Result<(), ProjectError> {
        match self.renamed.first() {
            None => Ok(()),
            Some(Renamed { distribution, module, path }) => {
                Err(ProjectError::RenamedEditable { distribution: distribution.clone(), module: module.clone(), path: path.clone() })
            }
        }
    }
}

impl Answer {
    /// What tells by its times whether it still holds, if anything does.
    pub(super) fn depends_on(&self) -> Option<&[PathBuf]> {
        self.details.as_ref()?.depends_on.as_deref()
    }
}

/// Describes the interpreter that `command` (a program and its first arguments) starts; `found_by` is for people.
pub fn probe(command: &[OsString], directory: &Path, found_by: &str, patience: Duration) -> Result<Probe, ProjectError> {
    describe(answer(command, directory, patience)?, command, found_by)
}

/// As [`probe`], of an interpreter that is not asked again as long as it would say the same: `cache` is the directory for what it said.
pub(super) fn probe_once(executable: &Path, directory: &Path, found_by: &str, cache: &Path) -> Result<Probe, ProjectError> {
    let memory = Memory::new(cache, executable, PROBE);
    let command = [executable.into()];
    let answer = match memory.recall() {
        Some(answer) => answer,
        None => {
            let now = SystemTime::now();
            let answer = answer(&command, directory, PATIENCE)?;
            memory.keep(&answer, now);
            answer
        }
    };
    describe(answer, &command, found_by)
}

fn answer(command: &[OsString], directory: &Path, patience: Duration) -> Result<Answer, ProjectError> {
    let program = command.first().map_or_else(PathBuf::new, PathBuf::from);
    let mut process = Command::new(&program);
    process.args(command.iter().skip(1)).args(["-I", "-c", PROBE]).current_dir(directory);
    ask(process, &program, patience)
}

fn describe(answer: Answer, command: &[OsString], found_by: &str) -> Result<Probe, ProjectError> {
    let program = command.first().map_or_else(PathBuf::new, PathBuf::from);
    let unusable = |reason: String| ProjectError::Unsuitable { executable: program.clone(), found_by: found_by.to_owned(), reason };
    if answer.implementation != "cpython" {
        return Err(unusable(format!("it is `{}`, and Lambda runs CPython", answer.implementation)));
    }
    let Some(details) = answer.details else {
        return Err(unusable(format!("it is Python {}, and 3.{OLDEST_PYTHON_MINOR} is the oldest that is supported", answer.version)));
    };
    if let Some(made_for) = stale(&details.made_for, answer.minor) {
        return Err(ProjectError::StaleEnvironment { directory: details.prefix, made_for, version: answer.version });
    }
    Ok(Probe {
        interpreter: Interpreter {
            executable: details.executable,
            base_executable: details.base_executable,
            runtime: Runtime { minor: answer.minor },
            version: answer.version,
            cache_tag: details.cache_tag,
            platform: details.platform,
            prefix: details.prefix,
            found_by: found_by.to_owned(),
        },
        is_environment: details.is_environment,
        site_packages: details.site_packages,
        linked: details.linked.into_iter().map(Link::into_source).collect(),
        renamed: details.renamed,
    })
}

impl Link {
    fn into_source(self) -> LinkedSource {
        LinkedSource { directory: self.directory, distribution: self.distribution, modules: self.modules }
    }
}

/// The version that `pyvenv.cfg` names if its interpreter has another minor version now: what was installed is then invisible to it.
fn stale(made_for: &str, minor: u8) -> Option<String> {
    let mut parts = made_for.split('.');
    let made: u8 = parts.next().filter(|major| *major == "3").and_then(|_| parts.next())?.parse().ok()?;
    (made != minor).then(|| format!("3.{made}"))
}

/// Runs one of the embedded scripts in `interpreter` with one argument and reads its answer.
pub(super) fn run_script<T: DeserializeOwned>(
    interpreter: &Interpreter,
    script: &str,
    argument: &str,
    directory: &Path,
) -> Result<T, ProjectError> {
    let mut process = Command::new(&interpreter.executable);
    process.args(["-I", "-S", "-c", script, argument]).current_dir(directory);
    ask(process, &interpreter.executable, PATIENCE)
}

fn ask<T: DeserializeOwned>(process: Command, program: &Path, patience: Duration) -> Result<T, ProjectError> {
    let output = run(process, program, patience)?;
    if !output.status.success() {
        return Err(ProjectError::InterpreterFailed {
            executable: program.to_owned(),
            status: output.status.to_string(),
            said: last_lines(&output.stderr),
        });
    }
    let stdout = String::from_utf8_lossy(&output.stdout);
    let answer = stdout.split(MARKER).nth(1).ok_or_else(|| ProjectError::NoAnswer {
        executable: program.to_owned(),
        said: last_lines(if output.stdout.is_empty() { &output.stderr } else { &output.stdout }),
    })?;
    serde_json::from_str(answer).map_err(|source| ProjectError::Answer { executable: program.to_owned(), source })
}

/// What a child process left behind.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs `process` to its end, but not longer than `patience`.
pub(super) fn run(mut process: Command, program: &Path, patience: Duration) -> Result<Finished, ProjectError> {
    let until = Instant::now() + patience;
    process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |source| ProjectError::Start { executable: program.to_owned(), source };
    let mut child = process.spawn().map_err(failed)?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let rest = || until.saturating_duration_since(Instant::now());
    let streams = stdout.recv_timeout(rest()).ok().zip(stderr.recv_timeout(rest()).ok());
    // Whoever closes its output and does not end is as stuck as whoever does neither. The others end now.
    let end = if streams.is_some() { wait(&mut child, until).map_err(failed)? } else { None };
    let Some(((stdout, stderr), status)) = streams.zip(end) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(ProjectError::InterpreterHangs { executable: program.to_owned(), seconds: patience.as_secs() });
    };
    Ok(Finished { status, stdout, stderr })
}

/// Reads a pipe to its end on a thread of its own, so that a child that fills one while we read the other cannot block.
fn collect(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error still tells something.
            let _ = pipe.read_to_end(&mut bytes);
        }
        let _ = sender.send(bytes);
    });
    receiver
}

fn wait(child: &mut Child, until: Instant) -> std::io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        #[expect(clippy::disallowed_methods, reason = "the standard library cannot wait for a child with a limit")]
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

/// The end of what a program said: where Python puts the reason.
fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    match lines.get(lines.len().saturating_sub(3)..) {
        Some(last) if !last.is_empty() => last.join("\n"),
        _ => "it said nothing".to_owned(),
    }
}

/// The program `name` of the `PATH` in `environment`.
pub(super) fn on_path(name: &str, path: Option<&str>) -> Option<PathBuf> {
    let endings: &[&str] = if cfg!(windows) { &["exe", "cmd", "bat"] } else { &[""] };
    std::env::split_paths(OsStr::new(path?))
        .filter(|directory| directory.is_absolute())
        .flat_map(|directory| endings.iter().map(move |ending| directory.join(name).with_added_extension(ending)))
        .find(|file| is_executable(file))
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}
