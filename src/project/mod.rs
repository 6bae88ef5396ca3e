//! The project on disk: its root, its interpreter and site-packages, its app. Reads; changes nothing but the cache of installed dependencies.

mod app;
mod dependencies;
mod environment;
mod error;
mod python;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use app::{Candidate, CandidateKind, Rejected, chosen};
pub use error::ProjectError;

use crate::model::Runtime;
use crate::settings::AppSetting;

/// Everything that bundling and running need to know about a project.
#[derive(Debug, Clone)]
pub struct Project {
    /// Absolute, symlinks resolved.
    pub root: PathBuf,
    /// The interpreter that runs the app.
    pub interpreter: Interpreter,
    /// The app, as settings name it or as it was found.
    pub app: AppSetting,
    /// Where the dependencies come from.
    pub dependencies: DependencySource,
}

/// A Python interpreter, as it describes itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interpreter {
    /// The executable to run for this environment (`.venv/bin/python`).
    pub executable: PathBuf,
    /// The executable behind the virtual environment (its own, if it is none).
    pub base_executable: PathBuf,
    /// `3.N`.
    pub runtime: Runtime,
    /// Full version, `3.11.7`.
    pub version: String,
    /// `sys.implementation.cache_tag`, `cpython-311`.
    pub cache_tag: String,
    /// `sysconfig.get_platform()`, `linux-x86_64`.
    pub platform: String,
    /// `sys.prefix`.
    pub prefix: PathBuf,
    /// How it was found, for people: "`.venv` in the project", "`--python`", "`VIRTUAL_ENV`".
    pub found_by: String,
}

/// Where the third-party code comes from.
#[derive(Debug, Clone)]
pub enum DependencySource {
    /// An environment that exists.
    Environment(InstalledPackages),
    /// A file that lists them; `bundle::dependencies` installs them into the cache.
    File {
        /// `requirements.txt`, `uv.lock`, `poetry.lock` or `pyproject.toml`, absolute.
        path: PathBuf,
        /// Which of them.
        kind: DependencyFile,
    },
}

/// A file that lists dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DependencyFile {
    /// pip's format.
    Requirements,
    /// uv's lock file.
    UvLock,
    /// Poetry's lock file.
    PoetryLock,
    /// `[project] dependencies` (PEP 621).
    Pyproject,
}

/// Installed third-party code.
#[derive(Debug, Clone)]
pub struct InstalledPackages {
    /// `site-packages` directories really in use, in the order of `sys.path`.
    pub site_packages: Vec<PathBuf>,
    /// Source directories of editable installs (PEP 660, `.egg-link`, `.pth` lines), in the order of `sys.path`.
    pub linked: Vec<LinkedSource>,
    /// What a person should read about it: "`.venv`", "`requirements.txt`, installed in the cache".
    pub source: String,
}

/// A directory that an environment refers to instead of containing it.
#[derive(Debug, Clone)]
pub struct LinkedSource {
    /// The directory that stands on `sys.path` because of it.
    pub directory: PathBuf,
    /// The distribution it belongs to, where known.
    pub distribution: Option<String>,
    /// Packages and modules of it that are meant; `None`: everything importable in the directory.
    pub modules: Option<Vec<String>>,
}

/// What the command line says about the project.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryRequest {
    /// `-C`, or the working directory.
    pub directory: PathBuf,
    /// `--python`.
    pub python: Option<PathBuf>,
    /// `app_function` or `django_settings` of the settings, if given.
    pub app: Option<AppSetting>,
}

/// What was found, before anything is decided: what `init` shows and asks about.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Absolute, symlinks resolved.
    pub root: PathBuf,
    /// The interpreter.
    pub interpreter: Interpreter,
    /// Where the dependencies come from; `None`: neither an environment nor a list.
    pub dependencies: Option<DependencySource>,
    /// Apps, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// What looks like an app but cannot be served.
    pub rejected: Vec<Rejected>,
}

/// Looks at the project. `environment` is the process's environment, passed in so that tests decide it.
pub fn discover(request: &DiscoveryRequest, environment: &BTreeMap<String, String>) -> Result<Project, ProjectError> {
    let found = look(request, environment)?;
    let dependencies = found.dependencies.ok_or_else(|| ProjectError::NoDependencies { root: found.root.clone() })?;
    let paths = app::search_paths(&found.root, Some(&dependencies));
    let app = match &request.app {
        Some(app) => {
            app::check(app, &found.root, &paths, &dependencies, &found.interpreter)?;
            app.clone()
        }
        None => app::choose(app::scan(&found.root, &paths, &found.interpreter)?)?,
    };
    Ok(Project { root: found.root, interpreter: found.interpreter, app, dependencies })
}

/// Looks at the project and decides nothing.
pub fn survey(request: &DiscoveryRequest, environment: &BTreeMap<String, String>) -> Result<Survey, ProjectError> {
    let Surroundings { root, interpreter, dependencies } = look(request, environment)?;
    let paths = app::search_paths(&root, dependencies.as_ref());
    let app::Scan { candidates, rejected, modules: _ } = app::scan(&root, &paths, &interpreter)?;
    Ok(Survey { root, interpreter, dependencies, candidates: app::ranked(candidates), rejected })
}

/// Everything but the app.
struct Surroundings {
    root: PathBuf,
    interpreter: Interpreter,
    dependencies: Option<DependencySource>,
}

fn look(request: &DiscoveryRequest, environment: &BTreeMap<String, String>) -> Result<Surroundings, ProjectError> {
    let unreadable = |source| ProjectError::Root { path: request.directory.clone(), source };
    let root = request.directory.canonicalize().map_err(unreadable)?;
    if !root.is_dir() {
        return Err(unreadable(std::io::ErrorKind::NotADirectory.into()));
    }
    let found = environment::find(&root, request.python.as_deref(), environment)?;
    let description = python::describe(&found.executable, &found.found_by)?;
    let dependencies = dependencies::source(&root, &found, &description);
    Ok(Surroundings { root, interpreter: description.interpreter(&found), dependencies })
}
