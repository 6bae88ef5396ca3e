//! Runs the installer: uv where it is on PATH, else the interpreter's pip. Into a directory beside the final one, which then is renamed, so that
//! what the cache holds is always complete; runs that want the same wait for each other.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

use sha2::{Digest as _, Sha256};

use super::Wanted;
use crate::bundle::BundleError;
use crate::bundle::error::InstallerOutput;
use crate::observe::{Observer, Task};
use crate::project::{DependencyFile, Interpreter};

/// Changes when the same list is to be installed differently from before.
const LAYOUT: &str = "1";
/// How much of an installer's output an error carries.
const LAST_LINES: usize = 15;
/// How much of one line of it, in characters.
const LONGEST_LINE: usize = 240;

/// What to install for whom.
pub(super) struct Job<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) kind: DependencyFile,
    /// The list, for messages; installers work in its directory.
    pub(super) file: &'a Path,
    pub(super) interpreter: &'a Interpreter,
    /// The path of uv, if there is one.
    pub(super) uv: Option<&'a Path>,
}

/// uv in one of these directories, or on PATH.
pub(in crate::bundle) fn uv(search_path: Option<&OsStr>) -> Option<PathBuf> {
    let path = search_path.map(OsStr::to_owned).or_else(|| std::env::var_os("PATH"))?;
    let name = format!("uv{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|directory| directory.join(&name)).find(|candidate| candidate.is_file())
}

/// What uv says that a `uv.lock` means.
pub(super) fn export(uv: &Path, lock: &Path, observer: &dyn Observer) -> Result<Wanted, BundleError> {
    let mut command = Command::new(uv);
    command.args(["export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"]);
    let output = run_installer(command, Stdio::null(), "uv", lock, &|line| observer.detail(line))?;
    // Workspace members come out as editable, which cannot be had in a directory.
    let lines = output.lines().map(|line| line.strip_prefix("-e ").unwrap_or(line).to_owned()).collect();
    Ok(Wanted { lines, complete: true, inputs: Vec::new() })
}

/// The directory of the cache that holds what is wanted, installed into it if it is not there yet.
///
/// The installer holds the lock as well: one that outlives a run that was killed keeps the next one waiting instead of working against it.
pub(super) fn run(job: &Job<'_>, cache: &Path, observer: &dyn Observer) -> Result<PathBuf, BundleError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Cache { path, source }
    };
    let directory = cache.join("dependencies");
    fs::create_dir_all(&directory).map_err(unusable(&directory))?;
    let key = key(job);
    let target = directory.join(&key);
    if target.is_dir() {
        return Ok(target);
    }
    let lock = directory.join(format!("{key}.lock"));
    let held = File::create(&lock).map_err(unusable(&lock))?;
    if held.try_lock().is_err() {
        observer.note("waiting for another run that installs the same dependencies");
        held.lock().map_err(unusable(&lock))?;
    }
    if !target.is_dir() {
        let prefix = format!(".installing-{key}-");
        sweep(&directory, &key);
        let temporary = tempfile::Builder::new().prefix(&prefix).tempdir_in(&directory).map_err(unusable(&directory))?;
        install(job, temporary.path(), &held, observer)?;
        let made = temporary.path().join("packages");
        fs::rename(&made, &target).map_err(unusable(&target))?;
    }
    drop(held);
    // Whoever waited has the file open and finds the directory; whoever comes later finds the directory first.
    let _ = fs::remove_file(&lock);
    Ok(target)
}

/// Removes what runs left behind that were killed: for `own`, whose lock is held, and for every other list whose lock nobody holds. Best effort: it is
/// in nobody's way but the disk's.
fn sweep(directory: &Path, own: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some(key) = name.strip_prefix(".installing-").and_then(|rest| rest.split('-').next()) else { continue };
        let held = if key == own { None } else { File::open(directory.join(format!("{key}.lock"))).ok() };
        if held.as_ref().is_none_or(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn key(job: &Job<'_>) -> String {
    let Job { wanted, kind, interpreter, uv, .. } = job;
    let installer = if uv.is_some() { "uv" } else { "pip" };
    let mut hash = Sha256::new();
    for part in [LAYOUT, &format!("{kind:?}"), &interpreter.version, &interpreter.platform, installer, &wanted.lines.join("\n")] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&wanted.inputs);
    // Half of it is unique enough and leaves room on file systems with short paths.
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn install(job: &Job<'_>, directory: &Path, lock: &File, observer: &dyn Observer) -> Result<(), BundleError> {
    let Job { wanted, file, interpreter, uv, .. } = job;
    let list = directory.join("requirements.txt");
    let target = directory.join("packages");
    let mut content = wanted.lines.join("\n");
    content.push('\n');
    fs::write(&list, content).map_err(|source| BundleError::Cache { path: list.clone(), source })?;
    let (mut command, installer) = match uv {
        Some(uv) => {
            let mut command = Command::new(uv);
            command.args(["pip", "install", "--python"]).arg(&interpreter.executable);
            (command, "uv")
        }
        None => {
            let mut command = Command::new(&interpreter.executable);
            command.args([
                "-m",
                "pip",
                "install",
                "--no-compile",
                "--disable-pip-version-check",
                "--no-input",
                "--no-warn-script-location",
            ]);
            // Both are about which environment to install into; this goes into none, and pip refuses the combination with the second.
            command.env("PIP_REQUIRE_VIRTUALENV", "0").env("PIP_USER", "0");
            (command, "pip")
        }
    };
    command.arg("--target").arg(&target).arg("-r").arg(&list);
    if wanted.complete {
        command.arg("--no-deps");
    }
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let task = Task::begin(observer, &format!("install the dependencies in `{name}`"), None);
    let lock = lock.try_clone().map_err(|source| BundleError::Cache { path: directory.to_owned(), source })?;
    // As standard input, an empty file is as good as none.
    run_installer(command, lock.into(), installer, file, &|line| observer.detail(line)).map_err(|error| match error {
        BundleError::Install { output, .. } if output.0.contains("No module named pip") => {
            BundleError::NoInstaller { file: file.to_path_buf(), python: interpreter.executable.clone() }
        }
        error => error,
    })?;
    // Console scripts, which name this machine's interpreter; in an environment they are not in site-packages either.
    let _ = fs::remove_dir_all(target.join(if cfg!(windows) { "Scripts" } else { "bin" }));
    // Everything may have been excluded by markers.
    fs::create_dir_all(&target).map_err(|source| BundleError::Cache { path: target, source })?;
    task.done(installer);
    Ok(())
}

/// Runs a command in the directory of the list; every line goes to `tell`, standard output comes back.
fn run_installer(
    mut command: Command,
    stdin: Stdio,
    installer: &'static str,
    file: &Path,
    tell: &(dyn Fn(&str) + Sync),
) -> Result<String, BundleError> {
    if let Some(directory) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        command.current_dir(directory);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let not_run = |source| BundleError::RunInstaller { program: program.clone(), source };
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(not_run)?;
    let last = Mutex::new(VecDeque::new());
    let heard = |line: &str| {
        tell(line);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        last.push_back(shortened(line));
        if last.len() > LAST_LINES {
            last.pop_front();
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // Both are read while it runs: a full pipe would stop it.
    let output = thread::scope(|scope| {
        scope.spawn(|| stderr.map(|stream| lines(stream, &heard)));
        stdout.map(|stream| lines(stream, &heard)).unwrap_or_default()
    });
    if child.wait().map_err(not_run)?.success() {
        return Ok(output);
    }
    let last: Vec<String> = last.into_inner().unwrap_or_else(PoisonError::into_inner).into();
    Err(BundleError::Install { installer, file: file.to_owned(), output: InstallerOutput(last.join("\n")) })
}

/// pip can put every version of a package, or every file that it could not write, on one line; its beginning says what is wrong.
fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

fn lines(stream: impl Read, heard: &(dyn Fn(&str) + Sync)) -> String {
    let mut all = String::new();
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if !line.is_empty() {
            heard(line);
            all.push_str(line);
            all.push('\n');
        }
    }
    all
}
