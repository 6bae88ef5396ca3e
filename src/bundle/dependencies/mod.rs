//! Dependencies that only exist as a list: read (`requirements`, `uv_lock`, `poetry_lock`, `pyproject`) and installed into the cache (`install`, `cached`)
//! by uv or pip (`installer`) for what the bundle has to run on, once for every content of the list. What else is fetched has to be as locked (`locked`).

pub(super) mod cached;
mod install;
pub(super) mod installer;
mod local;
pub(super) mod locked;
mod poetry_lock;
mod pyproject;
mod requirements;
mod uv_lock;

use std::fs;
use std::path::{Path, PathBuf};

pub(super) use self::install::remove_scripts;
use self::installer::Installer;
pub(super) use self::installer::uv;
use super::binaries;
use super::markers::Markers;
use super::{BundleError, PlanOptions};
use crate::observe::Observer;
use crate::project::{DependencyFile, DependencySource, InstalledPackages, LinkedSource, Project};
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

    /// What has hashes, and what has none; options belong to both.
    fn by_hashes(&self) -> Vec<Self> {
        let part = |hashed: bool| {
            let lines = self.lines.iter().filter(|line| line.starts_with('-') || line.contains(" --hash=") == hashed).cloned().collect();
            Self { lines, complete: self.complete, inputs: self.inputs.clone() }
        };
        vec![part(true), part(false)]
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
    let markers = Markers::new(&project.interpreter, settings);
    let uv = uv(options.search_path.as_deref());
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
    let mut linked = project.dependencies.linked(&project.root);
    if !wanted.is_empty() {
        let target = binaries::aim(project, settings).map(|aim| aim.target);
        // What is complete has none.
        let markers = markers.to_json().filter(|_| target.is_some() && !wanted.complete);
        let installer = Installer { uv: uv.as_deref(), python: &project.interpreter.executable, markers: markers.as_deref() };
        // With one hash pip wants them all, and what is no file of a registry has none; uv checks those that there are.
        let parts = if uv.is_none() && wanted.complete { wanted.by_hashes() } else { vec![wanted] };
        for wanted in parts.iter().filter(|wanted| !wanted.is_empty()) {
            let job = install::Job { wanted, kind, file: path, interpreter: &project.interpreter, installer, target };
            let directory = install::run(&job, cache, observer)?;
            linked.extend(directories_in_pth_files(&directory));
            site_packages.push(directory);
        }
    }
    Ok(InstalledPackages { site_packages, linked, source: format!("`{name}`, installed in the cache") })
}

/// Directories of distributions that stand on `sys.path` because a `.pth` file says so; in an environment, its interpreter has told of them.
fn directories_in_pth_files(site_packages: &Path) -> Vec<LinkedSource> {
    let entries = fs::read_dir(site_packages).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|extension| extension == "pth")).collect();
    files.sort_unstable();
    let lines =
        files.iter().filter_map(|file| fs::read_to_string(file).ok()).flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    let directories = lines
        .map(|line| line.trim().to_owned())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '/']) && !line.starts_with("import"));
    let directories = directories.map(|line| site_packages.join(line)).filter(|directory| directory.is_dir());
    directories.map(|directory| LinkedSource { directory, distribution: None, modules: None }).collect()
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
