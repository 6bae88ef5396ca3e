//! The project on disk: its root, its interpreter and site-packages, its app. Reads; changes nothing but the cache of installed dependencies.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::hint::Hint;
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Looks at the project. `environment` is the process's environment, passed in so that tests decide it.
pub fn discover(request: &DiscoveryRequest, environment: &BTreeMap<String, String>) -> Result<Project, ProjectError> {
    let _ = (request, environment);
    todo!()
}

/// Why a project could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {}

impl Hint for ProjectError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_input(&self) -> bool {
        true
    }
}
