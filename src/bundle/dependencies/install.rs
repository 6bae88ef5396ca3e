//! Installs a list into the cache, once for its content, its installer and whom it is for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use super::installer::{self, Ended, Installer, Reach};
use super::{Wanted, cached};
use crate::bundle::BundleError;
use crate::bundle::binaries::Target;
use crate::bundle::error::InstallerOutput;
use crate::observe::{Observer, Task};
use crate::project::{DependencyFile, Interpreter};

/// Changes when the same list is to be installed differently from before.
const LAYOUT: &str = "2";

/// What to install for whom.
pub(super) struct Job<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) kind: DependencyFile,
    /// The list, for messages; installers work in its directory.
    pub(super) file: &'a Path,
    pub(super) interpreter: &'a Interpreter,
    pub(super) installer: Installer<'a>,
    /// What it has to run on; `None`: the interpreter, here.
    pub(super) target: Option<Target>,
}

/// What uv says that a `uv.lock` means.
pub(super) fn export(uv: &Path, lock: &Path, observer: &dyn Observer) -> Result<Wanted, BundleError> {
    let mut command = Command::new(uv);
    command.args(["export", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate", "--format", "requirements-txt"]);
    work_beside(lock, &mut command);
    let ended = installer::run(command, Stdio::null(), &|line| observer.detail(line))?;
    let output = succeeded("uv", lock, ended)?.stdout;
    // Workspace members come out as editable, which cannot be had in a directory.
    let lines = output.lines().map(|line| line.strip_prefix("-e ").unwrap_or(line).to_owned()).collect();
    Ok(Wanted { lines, complete: true, inputs: Vec::new() })
}

/// The directory of the cache that holds what is wanted, installed into it if it is not there yet.
pub(super) fn run(job: &Job<'_>, cache: &Path, observer: &dyn Observer) -> Result<PathBuf, BundleError> {
    cached::directory(&cache.join("dependencies"), &key(job), observer, |directory, lock| install(job, directory, lock, observer))
}

fn key(job: &Job<'_>) -> String {
    let Job { wanted, kind, interpreter, installer, target, .. } = job;
    let target = target.map_or_else(|| format!("{} {}", interpreter.version, interpreter.platform), |target| target.to_string());
    let mut hash = Sha256::new();
    for part in [LAYOUT, &format!("{kind:?}"), &target, installer.name(), &wanted.lines.join("\n")] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&wanted.inputs);
    // Half of it is unique enough and leaves room on file systems with short paths.
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn install(job: &Job<'_>, directory: &Path, lock: &File, observer: &dyn Observer) -> Result<(), BundleError> {
    let Job { wanted, file, interpreter, installer, target, .. } = job;
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Cache { path, source }
    };
    let list = directory.join("requirements.txt");
    let into = directory.join(cached::CONTENT);
    fs::write(&list, wanted.lines.join("\n") + "\n").map_err(unusable(&list))?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let task = Task::begin(observer, &format!("install the dependencies in `{name}`"), None);
    let tell = |line: &str| match line.strip_prefix(installer::MARKERS_ARE_OURS) {
        None => observer.detail(line),
        Some(why) => observer.warn(&format!(
            "dependencies of dependencies are those of this machine: pip cannot be told what their markers mean on Lambda ({why}), uv can"
        )),
    };
    let attempt = |target: Option<Target>, only_wheels: bool| {
        let mut command = installer.install(&into);
        work_beside(file, &mut command);
        command.arg("-r").arg(&list);
        if wanted.complete {
            command.arg("--no-deps");
        }
        if let Some(target) = target {
            installer.aim(&mut command, target, Reach::Target);
        }
        if only_wheels {
            command.args(["--only-binary", ":all:"]);
        }
        // As standard input, an empty file is as good as none.
        let lock = lock.try_clone().map_err(unusable(directory))?;
        installer::run(command, lock.into(), &tell)
    };
    // A lock names one version of everything, and whoever has no wheel is built here, which is as good for pure Python. A list leaves the choice open: what
    // is chosen should be a version that there is a wheel of.
    let only_wheels = target.is_some() && !wanted.complete;
    let mut ended = attempt(*target, only_wheels)?;
    // To build something and take wheels for another machine beside it is beyond pip; where uv fails, what does not run there is told.
    for target in installer.uv.and(*target).map(Some).into_iter().chain([None]) {
        if !ended.well && only_wheels {
            observer.detail("not everything has a wheel for Lambda: what has none is built here");
            let _ = fs::remove_dir_all(&into);
            ended = attempt(target, false)?;
        }
    }
    succeeded(installer.name(), file, ended).map_err(|error| match error {
        BundleError::Install { output, .. } if output.0.contains("No module named pip") => {
            BundleError::NoInstaller { wanted: file.display().to_string(), python: interpreter.executable.clone() }
        }
        error => error,
    })?;
    remove_scripts(&into);
    // Everything may have been excluded by markers.
    fs::create_dir_all(&into).map_err(unusable(&into))?;
    task.done(installer.name());
    Ok(())
}

/// Console scripts, which name this machine's interpreter; in an environment they are not in site-packages either.
pub(in crate::bundle) fn remove_scripts(directory: &Path) {
    let _ = fs::remove_dir_all(directory.join(if cfg!(windows) { "Scripts" } else { "bin" }));
}

/// Paths in a list are relative to it.
fn work_beside(file: &Path, command: &mut Command) {
    if let Some(directory) = file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        command.current_dir(directory);
    }
}

fn succeeded(installer: &'static str, file: &Path, ended: Ended) -> Result<Ended, BundleError> {
    if ended.well {
        return Ok(ended);
    }
    Err(BundleError::Install { installer, file: file.to_owned(), output: InstallerOutput(ended.last) })
}
