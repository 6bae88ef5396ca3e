//! The bundle: what goes in and why (`manifest`), deterministic archives of it (`archive`), the dependencies (`dependencies`) and the embedded shim (`shim`).

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::hint::Hint;
use crate::observe::Observer;
use crate::project::Project;
use crate::settings::Settings;

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
    /// What was left out at the project's side, and why.
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
    /// Why it is in: "project file", "Flask 3.1.2", "`include`", "shim".
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
#[derive(Debug, Clone, Serialize)]
pub struct Skipped {
    /// Relative to the project's root or to site-packages, `/`-separated; a whole directory ends with a slash.
    pub path: String,
    /// The rule.
    pub reason: String,
}

/// Decides what goes in. Installs dependencies into the cache first if they only exist as a list (`cache` is the directory for that).
pub fn plan(project: &Project, settings: &Settings, cache: &Path, observer: &dyn Observer) -> Result<Manifest, BundleError> {
    let _ = (project, settings, cache, observer);
    todo!()
}

/// Writes the archives of `manifest` into `directory` (each appears under its final name only when complete).
pub fn write(manifest: &Manifest, directory: &Path, observer: &dyn Observer) -> Result<Bundle, BundleError> {
    let _ = (manifest, directory, observer);
    todo!()
}

/// Why a bundle could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// No archive holds code.
    #[error("the bundle holds no code")]
    Empty,
}

impl Hint for BundleError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_input(&self) -> bool {
        true
    }
}
