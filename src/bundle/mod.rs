//! The bundle: what goes in and why (`manifest`, from `project_files`, `packages`, `shim` and `configuration`, by `rules`), installing dependencies
//! that only exist as a list (`dependencies`), byte code beside the sources (`byte_code`), and deterministic archives of it all (`archive`).
//!
//! [`plan`] decides and [`write()`] acts. Called by `ops` and the package command; knows files, nothing of targets.

mod archive;
mod byte_code;
mod collisions;
mod configuration;
mod dependencies;
mod distributions;
mod entry_point;
mod error;
mod graph;
mod imports;
mod layer;
mod linked;
mod manifest;
mod markers;
mod packages;
mod planner;
mod project_files;
mod rules;
mod shim;
mod tree;
mod walk;
mod weight;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::observe::Observer;
use crate::project::Project;
use crate::settings::Settings;

pub use error::{BundleError, InstallerOutput};
pub use layer::Layer;
pub use planner::Planner;
pub use shim::FILES as SHIM_FILES;
pub use tree::{Changes, Tree};
pub use weight::{Heaviest, Weight};

/// What Lambda accepts, unzipped, with all layers: 250 MB (Lambda quotas; `MiB` in truth).
pub const MAX_UNPACKED: u64 = 262_144_000;

/// A finished archive on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct Archive {
    /// What it holds.
    pub role: ArchiveRole,
    /// The zip file.
    pub path: PathBuf,
    /// Base64 of the SHA-256 of the file: what Lambda reports as `CodeSha256`.
    pub code_sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of its members, uncompressed.
    pub unpacked_size: u64,
    /// Number of members.
    pub files: usize,
}

/// Which of the archives of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveRole {
    /// Everything that is unpacked to the task root.
    Code,
    /// What is mounted at `/opt` as a layer.
    Layer,
}

/// All archives of one build. One `Code`, and layers behind it.
#[derive(Debug, Clone, Serialize)]
pub struct Bundle {
    /// In the order in which they are mounted.
    pub archives: Vec<Archive>,
}

impl Bundle {
    /// The archive with the app in it.
    #[must_use]
    pub fn code(&self) -> Option<&Archive> {
        self.archives.iter().find(|archive| archive.role == ArchiveRole::Code)
    }
}

/// What a bundle would hold, decided before anything is written.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// What was left out at the project's side, and why; of the dependencies, whole distributions and what `exclude` and `exclude_glob` took.
    pub skipped: Vec<Skipped>,
    /// Where the dependencies came from, for people.
    pub dependencies: String,
}

/// One member of the bundle.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Path inside the archive, `/`-separated.
    pub path: String,
    /// Whose it is.
    pub part: Part,
    /// Uncompressed bytes.
    pub size: u64,
    /// Whether the file may be executed; decides between mode 0755 and 0644, the only two in an archive.
    pub executable: bool,
    /// Why it is in: "project file", "Flask 3.1.2", "`include`", "shim", "byte code of Flask 3.1.2".
    pub reason: String,
    /// Where the bytes are.
    #[serde(skip)]
    pub source: Source,
}

/// Whose a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The project's own files.
    App,
    /// The embedded shim.
    Shim,
    /// Generated configuration.
    Configuration,
    /// Third-party code.
    Dependencies,
}

/// Where the bytes of a member are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file on disk.
    File(PathBuf),
    /// Bytes that we have made.
    Bytes(Vec<u8>),
}

/// Something that stays out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// Relative to the project's root or to site-packages, `/`-separated; a whole directory ends with a slash.
    pub path: String,
    /// The rule.
    pub reason: String,
}

/// What a caller may add to a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Files of this tool's own making that may lie in the project and are no part of it: the archive about to be overwritten.
    pub outputs: Vec<PathBuf>,
    /// Hand back a manifest over Lambda's limits instead of refusing it, for those who only look.
    pub over_limit: bool,
    /// Directories in which uv and interpreters are looked for, in the form of `PATH`; `None`: the process's own `PATH`.
    pub search_path: Option<OsString>,
}

/// Decides what goes in. Installs dependencies into the cache first if they only exist as a list (`cache` is the directory for that).
pub fn plan(project: &Project, settings: &Settings, cache: &Path, observer: &dyn Observer) -> Result<Manifest, BundleError> {
    plan_with(project, settings, cache, &PlanOptions::default(), observer)
}

/// As [`plan`], with options.
pub fn plan_with(
    project: &Project,
    settings: &Settings,
    cache: &Path,
    options: &PlanOptions,
    observer: &dyn Observer,
) -> Result<Manifest, BundleError> {
    let packages = dependencies::installed(project, settings, cache, options, observer)?;
    let inputs = manifest::Inputs { project, settings, cache, options, packages: &packages };
    let mut manifest = manifest::collect(&inputs, &mut manifest::Memory::default(), observer)?;
    if !options.over_limit {
        manifest.check_size()?;
    }
    byte_code::add(&inputs, &mut manifest, observer);
    Ok(manifest)
}

/// Writes the archives of `manifest` into `directory` (each appears under its final name only when complete).
pub fn write(manifest: &Manifest, directory: &Path, observer: &dyn Observer) -> Result<Bundle, BundleError> {
    std::fs::create_dir_all(directory).map_err(|source| BundleError::Write { path: directory.to_owned(), source })?;
    write_to(manifest, &directory.join("code.zip"), directory, observer)
}

/// As [`write()`], with the path of the code archive chosen by the caller. It is put together in `scratch`, on the same file system.
pub fn write_to(manifest: &Manifest, path: &Path, scratch: &Path, observer: &dyn Observer) -> Result<Bundle, BundleError> {
    manifest.check_size()?;
    let code = archive::write(&manifest.entries, ArchiveRole::Code, archive::Place { path, scratch }, observer)?;
    Ok(Bundle { archives: vec![code] })
}
