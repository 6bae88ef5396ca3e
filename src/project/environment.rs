//! Which interpreter runs the project: the one that was named, the environment that is active, the one beside the code, or the one on `PATH`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::ProjectError;
use crate::env;

/// Directories in a project that hold its environment, the usual name first.
const DIRECTORIES: [&str; 3] = [".venv", "venv", "env"];
/// uv's name for another place than `.venv`.
const UV_PROJECT_ENVIRONMENT: &str = "UV_PROJECT_ENVIRONMENT";
/// Set by conda beside `CONDA_PREFIX`; `base` is active in every shell and says nothing about this project.
const CONDA_DEFAULT_ENV: &str = "CONDA_DEFAULT_ENV";

/// An interpreter, and why it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) executable: PathBuf,
    /// For people: "`.venv`", "`--python`".
    pub(super) found_by: String,
    /// Whether somebody named it or the environment it belongs to, so that its packages are meant.
    pub(super) chosen: bool,
}

/// The interpreter of the project at `root`: `--python`, `VIRTUAL_ENV`, uv's environment, `.venv`, `venv`, `env`, conda's, Poetry's, and last the one on `PATH`.
pub(super) fn find(root: &Path, python: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Found, ProjectError> {
    if let Some(python) = python {
        let path =
            if python.components().count() == 1 && !python.exists() { on_path(&python.to_string_lossy(), environment) } else { None };
        return named(&path.unwrap_or_else(|| python.to_owned()), "`--python`".to_owned());
    }
    let variable = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    if let Some(directory) = variable(env::VIRTUAL_ENV) {
        return named(Path::new(directory), "`VIRTUAL_ENV`".to_owned());
    }
    if let Some(directory) = variable(UV_PROJECT_ENVIRONMENT).map(|value| root.join(value)).filter(|directory| directory.is_dir()) {
        return named(&directory, format!("`{UV_PROJECT_ENVIRONMENT}`"));
    }
    // A directory of another meaning (`env/` full of configuration) is no environment, a broken one is.
    let is_environment = |directory: &Path| directory.join("pyvenv.cfg").is_file() || directory.join("conda-meta").is_dir();
    for name in DIRECTORIES {
        let directory = root.join(name);
        if is_environment(&directory) {
            return named(&directory, format!("`{name}`"));
        }
    }
    if let Some(directory) = variable(env::CONDA_PREFIX).filter(|_| variable(CONDA_DEFAULT_ENV).is_none_or(|name| name != "base")) {
        return named(Path::new(directory), "`CONDA_PREFIX`".to_owned());
    }
    if let Some(directory) = poetry(root, environment) {
        return named(&directory, "Poetry's environment".to_owned());
    }
    let names: &[&str] = if cfg!(windows) { &["python", "python3"] } else { &["python3", "python"] };
    let executable = names.iter().find_map(|name| on_path(name, environment)).ok_or(ProjectError::NoPython)?;
    Ok(Found { executable, found_by: "`PATH`".to_owned(), chosen: false })
}

/// The interpreter that `path` is, or that the environment in the directory `path` has.
fn named(path: &Path, found_by: String) -> Result<Found, ProjectError> {
    if !path.is_dir() {
        return if path.is_file() {
            // Made absolute but not resolved: a resolved link would leave its environment.
            let executable = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            Ok(Found { executable, found_by, chosen: true })
        } else {
            Err(ProjectError::NoInterpreter { path: path.to_owned(), found_by })
        };
    }
    let candidates: &[&str] = if cfg!(windows) { &["Scripts/python.exe", "python.exe"] } else { &["bin/python3", "bin/python"] };
    let executable = candidates.iter().map(|name| path.join(name)).find(|candidate| candidate.is_file());
    match executable {
        Some(executable) => Ok(Found { executable: std::path::absolute(&executable).unwrap_or(executable), found_by, chosen: true }),
        None => Err(ProjectError::BrokenEnvironment { path: path.to_owned(), found_by }),
    }
}

/// The first program of this name on `PATH`.
fn on_path(name: &str, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let path = environment.get("PATH")?;
    std::env::split_paths(path)
        .map(|directory| directory.join(name).with_extension(std::env::consts::EXE_EXTENSION))
        .find(|file| file.is_file())
}

/// Poetry keeps environments in a place of its own, which only it can tell.
fn poetry(root: &Path, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let pyproject = std::fs::read_to_string(root.join("pyproject.toml")).ok()?;
    if !pyproject.contains("[tool.poetry") && !root.join("poetry.lock").is_file() {
        return None;
    }
    let poetry = on_path("poetry", environment)?;
    let output = Command::new(poetry).args(["env", "info", "--path"]).current_dir(root).output().ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    (output.status.success() && path.is_dir()).then_some(path)
}
