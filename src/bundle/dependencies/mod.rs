//! Dependencies that only exist as a list: read (`requirements`, `uv_lock`, `poetry_lock`, `pyproject`) and installed into the cache (`install`) for
//! the project's interpreter, once for every content of the list.

mod install;
mod local;
mod poetry_lock;
mod pyproject;
mod requirements;
mod uv_lock;

use std::path::{Path, PathBuf};

pub(super) use self::install::uv;
use super::markers::Markers;
use super::{BundleError, PlanOptions};
use crate::observe::Observer;
use crate::project::{DependencyFile, DependencySource, InstalledPackages, Project};
use crate::settings::Settings;

/// What to install, in pip's format, and what else the result depends on.
#[derive(Debug, Default)]
struct Wanted {
    /// The lines of a requirements file.
    lines: Vec<String>,
    /// Whether the lines name everything, so that nothing is to be resolved.
    complete: bool,
    /// Content of further files that an installer will read, digested.
    inputs: Vec<u8>,
}

impl Wanted {
    /// Whether there is anything to install: options and comments are nothing.
    fn is_empty(&self) -> bool {
        self.lines.iter().all(|line| matches!(line.trim_start().chars().next(), None | Some('#' | '-')))
    }
}

/// The dependencies of a project, installed: where they are already, or freshly in the cache.
pub(super) fn installed(
    project: &Project,
    settings: &Settings,
    cache: &Path,
    options: &PlanOptions,
    observer: &dyn Observer,
) -> Result<InstalledPackages, BundleError> {
    let (path, kind) = match &project.dependencies {
        DependencySource::Environment(packages) => {
            let linked = project.dependencies.linked(&project.root);
            return Ok(InstalledPackages { linked, ..packages.clone() });
        }
        DependencySource::File { path, kind } => (path, *kind),
    };
    let markers = Markers::new(&project.interpreter, settings.architecture);
    let uv = install::uv(options.search_path.as_deref());
    let mut wanted = match (kind, &uv) {
        (DependencyFile::Requirements, _) => requirements::read(path)?,
        (DependencyFile::Pyproject, _) => pyproject::read(path)?,
        (DependencyFile::PoetryLock, _) => poetry_lock::read(path, &markers)?,
        (DependencyFile::UvLock, Some(uv)) => install::export(uv, path, observer)?,
        (DependencyFile::UvLock, None) => uv_lock::read(path, &markers)?,
    };
    wanted.inputs.extend(local::digest(&wanted.lines, path.parent().unwrap_or(Path::new(""))));
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    let mut site_packages = Vec::new();
    if !wanted.is_empty() {
        let job = install::Job { wanted: &wanted, kind, file: path, interpreter: &project.interpreter, uv: uv.as_deref() };
        site_packages.push(install::run(&job, cache, observer)?);
    }
    Ok(InstalledPackages {
        site_packages,
        linked: project.dependencies.linked(&project.root),
        source: format!("`{name}`, installed in the cache"),
    })
}

/// Reads a list or what it refers to.
fn text(path: &Path) -> Result<String, BundleError> {
    let bytes = std::fs::read(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
    // `pip freeze > requirements.txt` in PowerShell.
    String::from_utf8(bytes).map_err(|_| wrong(path, "it is not UTF-8 text: save it in that encoding"))
}

/// Reads a TOML document.
fn document(path: &Path) -> Result<toml::Table, BundleError> {
    text(path)?.parse().map_err(|source: toml::de::Error| BundleError::DependencyList { path: path.to_owned(), source: Box::new(source) })
}

/// What is wrong with a list, in words.
fn wrong(path: &Path, problem: impl Into<String>) -> BundleError {
    BundleError::DependencyList { path: PathBuf::from(path), source: problem.into().into() }
}
