//! Which Python the project runs with: the first of `--python`, an activated environment, one in the project's directory, one that a tool keeps
//! elsewhere, and the interpreter on `PATH`.
//!
//! An environment that somebody named or that stands in the project and does not work is an error, not a reason to try the next: the next one
//! would hold other packages.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::python::{self, PATIENCE, Probe};
use super::{ProjectError, root};
use crate::env;

/// Names under which environments stand in a project's directory, in the order in which they are looked for.
const DIRECTORIES: [&str; 3] = [".venv", "venv", "env"];

type Variables = BTreeMap<String, String>;

/// The environment (or, with `--python`, the bare interpreter) that somebody or something names. `None`: there is only what is on `PATH`.
pub(super) fn named(
    root: &Path,
    python: Option<&Path>,
    cache: Option<&Path>,
    variables: &Variables,
) -> Result<Option<Probe>, ProjectError> {
    let found = match python {
        Some(given) => Some(from_flag(given, variables)?),
        None => environment(root, variables)?,
    };
    let probe = |Found { executable, found_by }| match cache {
        Some(cache) => python::probe_once(&executable, root, &found_by, cache),
        None => python::probe(&[executable.into()], root, &found_by, PATIENCE),
    };
    found.map(probe).transpose()
}

/// The interpreter on `PATH`: the first that works.
pub(super) fn on_path(root: &Path, variables: &Variables) -> Result<Probe, ProjectError> {
    let commands: &[&[&str]] = if cfg!(windows) { &[&["python"], &["py", "-3"]] } else { &[&["python3"], &["python"]] };
    let mut failure = ProjectError::NoInterpreter;
    for command in commands {
        let Some((name, arguments)) = command.split_first() else { continue };
        let Some(program) = python::on_path(name, path(variables)) else { continue };
        let mut line = vec![program.into_os_string()];
        line.extend(arguments.iter().map(OsString::from));
        match python::probe(&line, root, &format!("`{}` on `PATH`", command.join(" ")), PATIENCE) {
            Ok(probe) => return Ok(probe),
            // The first failure is about the interpreter that a person would expect.
            Err(error) if matches!(failure, ProjectError::NoInterpreter) => failure = error,
            Err(_) => {}
        }
    }
    Err(failure)
}

struct Found {
    executable: PathBuf,
    found_by: String,
}

fn path(variables: &Variables) -> Option<&str> {
    // Windows spells it `Path`.
    variables.iter().find(|(name, _)| name.eq_ignore_ascii_case("PATH")).map(|(_, value)| value.as_str())
}

fn variable<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

/// `--python`: a path (relative to the working directory, as every path on the command line) to either, or the name of a program.
fn from_flag(given: &Path, variables: &Variables) -> Result<Found, ProjectError> {
    let found_by = "`--python`".to_owned();
    // Not canonicalised: a virtual environment is found through the link that its interpreter is.
    let absolute = std::path::absolute(given).unwrap_or_else(|_| given.to_owned());
    if absolute.is_dir() {
        return open(&absolute, &found_by);
    }
    if absolute.is_file() {
        return Ok(Found { executable: absolute, found_by });
    }
    let is_name = given.components().count() == 1 && !given.to_string_lossy().contains(std::path::is_separator);
    let program = given.to_str().filter(|_| is_name).and_then(|name| python::on_path(name, path(variables)));
    match program {
        Some(executable) => Ok(Found { executable, found_by }),
        None => Err(ProjectError::NoSuchPython { given: given.to_owned() }),
    }
}

fn environment(root: &Path, variables: &Variables) -> Result<Option<Found>, ProjectError> {
    if let Some(directory) = variable(variables, env::VIRTUAL_ENV) {
        return open(&root.join(directory), &format!("`{}`", env::VIRTUAL_ENV)).map(Some);
    }
    let mut nearby = Vec::new();
    let workspace = root::uv_workspace(root);
    if let Some(directory) = variable(variables, env::UV_PROJECT_ENVIRONMENT) {
        // uv takes a relative one from the root of the workspace.
        nearby.push((workspace.as_deref().unwrap_or(root).join(directory), format!("`{}`", env::UV_PROJECT_ENVIRONMENT)));
    }
    nearby.extend(DIRECTORIES.map(|name| (root.join(name), format!("`{name}` in the project"))));
    nearby.extend(workspace.map(|top| (top.join(".venv"), "`.venv` of the uv workspace".to_owned())));
    // A directory that merely has the name (`env` with configuration in it) is not meant.
    if let Some((directory, found_by)) = nearby.into_iter().find(|(directory, _)| is_environment(directory)) {
        return open(&directory, &found_by).map(Some);
    }
    if let Some(directory) = conda(variables) {
        return open(&directory, &format!("`{}`", env::CONDA_PREFIX)).map(Some);
    }
    match poetry(root, variables) {
        Some(directory) => open(&directory, "`poetry env info`").map(Some),
        None => Ok(None),
    }
}

/// The activated conda environment, unless it is `base`, which belongs to conda, or has no Python.
fn conda(variables: &Variables) -> Option<PathBuf> {
    let directory = PathBuf::from(variable(variables, env::CONDA_PREFIX)?);
    let is_base = variable(variables, env::CONDA_DEFAULT_ENV) == Some("base") || is_conda_base(&directory);
    (!is_base && interpreter_in(&directory).is_ok()).then_some(directory)
}

/// Whether conda itself lives here. Activated in every shell, on `PATH` in every shell: its packages are nobody's project's.
pub(super) fn is_conda_base(prefix: &Path) -> bool {
    prefix.join("condabin").is_dir()
}

/// The environment that Poetry keeps in its cache for this project.
fn poetry(root: &Path, variables: &Variables) -> Option<PathBuf> {
    if !root::is_poetry(root) {
        return None;
    }
    let program = python::on_path("poetry", path(variables))?;
    let mut process = Command::new(&program);
    process.args(["env", "info", "--path", "--no-ansi"]).current_dir(root);
    // Without an environment, Poetry exits with 1; whatever else is wrong with it is not ours to report while there are other ways.
    let output = python::run(process, &program, PATIENCE).ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let directory = PathBuf::from(text.lines().map(str::trim).rfind(|line| !line.is_empty())?);
    is_environment(&directory).then_some(directory)
}

/// `pyvenv.cfg` (`venv`, uv, virtualenv), `conda-meta`, or an interpreter where environments have it, even if only the link to it is left.
fn is_environment(directory: &Path) -> bool {
    let marked = ["pyvenv.cfg", "conda-meta"].iter().any(|name| directory.join(name).exists());
    marked || candidates(directory).iter().any(|file| file.symlink_metadata().is_ok())
}

fn candidates(directory: &Path) -> [PathBuf; 2] {
    if cfg!(windows) {
        [directory.join("Scripts").join("python.exe"), directory.join("python.exe")]
    } else {
        [directory.join("bin").join("python"), directory.join("bin").join("python3")]
    }
}

/// The environment's interpreter, or the file that would have to be there.
fn interpreter_in(directory: &Path) -> Result<PathBuf, PathBuf> {
    let [first, second] = candidates(directory);
    if first.is_file() {
        return Ok(first);
    }
    if second.is_file() { Ok(second) } else { Err(end_of_links(first)) }
}

fn end_of_links(mut file: PathBuf) -> PathBuf {
    for _ in 0..16 {
        match file.read_link() {
            Ok(target) => file = file.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    file
}

fn open(directory: &Path, found_by: &str) -> Result<Found, ProjectError> {
    if !is_environment(directory) {
        return Err(ProjectError::NotAnEnvironment { directory: directory.to_owned(), found_by: found_by.to_owned() });
    }
    match interpreter_in(directory) {
        Ok(executable) => Ok(Found { executable, found_by: found_by.to_owned() }),
        Err(interpreter) => Err(ProjectError::BrokenEnvironment { directory: directory.to_owned(), interpreter }),
    }
}
