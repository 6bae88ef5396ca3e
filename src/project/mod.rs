//! The project on disk: its root, its interpreter and site-packages, its app. Reads; changes nothing but the cache of installed dependencies.

mod app;
mod environment;
mod error;
mod memory;
pub mod python;
mod root;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::python::Probe;
use crate::model::Runtime;
use crate::settings::AppSetting;

pub use self::app::{AppKind, Apps, Candidate, find_apps};
pub use self::error::ProjectError;

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

impl DependencySource {
    /// What stands on `sys.path` besides `site-packages` and the root: what an environment links to, and the project's own `src`, which an
    /// installer would put there with the dependencies.
    #[must_use]
    pub fn linked(&self, root: &Path) -> Vec<LinkedSource> {
        let mut linked = match self {
            Self::Environment(installed) => installed.linked.clone(),
            Self::File { .. } => Vec::new(),
        };
        if let Some(directory) = root::source_directory(root).filter(|directory| linked.iter().all(|link| link.directory != *directory)) {
            linked.push(LinkedSource { directory, distribution: None, modules: None });
        }
        linked
    }
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
    /// The directory for what is worth knowing the next time; none: everything is asked anew.
    pub cache: Option<PathBuf>,
    /// `app_function` or `django_settings` of the settings, if given.
    pub app: Option<AppSetting>,
}

/// What a project runs on, before its app is known.
#[derive(Debug, Clone)]
pub struct Survey {
    /// Absolute, symlinks resolved.
    pub root: PathBuf,
    /// The interpreter that runs the app.
    pub interpreter: Interpreter,
    /// Where the dependencies come from.
    pub dependencies: DependencySource,
}

/// Looks at the project. `environment` is the process's environment, passed in so that tests decide it.
pub fn discover(request: &DiscoveryRequest, environment: &BTreeMap<String, String>) -> Result<Project, ProjectError> {
    let survey = survey_with(&request.directory, request.python.as_deref(), request.cache.as_deref(), environment)?;
    let app = match &request.app {
        Some(app) => {
            survey.check_app(app)?;
            app.clone()
        }
        None => survey.find_apps()?.choose(&survey.root)?.app.clone(),
    };
    let Survey { root, interpreter, dependencies } = survey;
    Ok(Project { root, interpreter, app, dependencies })
}

/// Finds root, interpreter and dependencies.
pub fn survey(directory: &Path, python: Option<&Path>, environment: &BTreeMap<String, String>) -> Result<Survey, ProjectError> {
    survey_with(directory, python, None, environment)
}

fn survey_with(
    directory: &Path,
    python: Option<&Path>,
    cache: Option<&Path>,
    environment: &BTreeMap<String, String>,
) -> Result<Survey, ProjectError> {
    let root = root::open(directory)?;
    if let Some(probe) = environment::named(&root, python, cache, environment)? {
        // `--python` may name an interpreter without packages of its own; then the list says what the app needs, if there is one.
        let file = if probe.is_environment { None } else { root::dependency_file(&root)? };
        return Survey::new(root, probe, file);
    }
    let file = root::dependency_file(&root)?;
    match environment::on_path(&root, environment) {
        // A container that has put its environment on `PATH` without activating it.
        Ok(probe) if probe.is_environment && !environment::is_conda_base(&probe.interpreter.prefix) => Survey::new(root, probe, None),
        _ if file.is_none() => {
            let near = root::near_dependency_file(&root);
            Err(ProjectError::NoDependencies { root, near })
        }
        found => Survey::new(root, found?, file),
    }
}

impl Survey {
    fn new(root: PathBuf, probe: Probe, file: Option<(PathBuf, DependencyFile)>) -> Result<Self, ProjectError> {
        if let Some((path, kind)) = file {
            return Ok(Self { root, interpreter: probe.interpreter, dependencies: DependencySource::File { path, kind } });
        }
        probe.check()?;
        let Probe { interpreter, site_packages, linked, .. } = probe;
        let mut kept: Vec<LinkedSource> = Vec::new();
        for mut link in linked {
            link.directory = link.directory.canonicalize().unwrap_or(link.directory);
            // An editable install of the project itself: its files are bundled anyway. (One of its `src` stays: that is where they have to
            // be importable from.)
            if link.directory != root {
                kept.push(link);
            }
        }
        let prefix = interpreter.prefix.strip_prefix(&root).unwrap_or(&interpreter.prefix);
        let source = format!("`{}`", prefix.display());
        let dependencies = DependencySource::Environment(InstalledPackages { site_packages, linked: kept, source });
        Ok(Self { root, interpreter, dependencies })
    }

    /// Finds every app of the project.
    pub fn find_apps(&self) -> Result<Apps, ProjectError> {
        find_apps(&self.root, &self.interpreter, &self.dependencies.linked(&self.root))
    }

    /// Checks that the module of an app that somebody named exists.
    pub fn check_app(&self, app: &AppSetting) -> Result<(), ProjectError> {
        app::check(app, &self.root, &self.interpreter, &self.dependencies)
    }
}
