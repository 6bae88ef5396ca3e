//! The bundle: what goes in and why (`manifest`, from `project_files`, `packages`, `shim` and `configuration`, by `rules`), installing dependencies
//! that only exist as a list (`dependencies`), byte code beside the sources (`byte_code`), and deterministic archives of it all (`archive`).
//!
//! What was written can be looked at (`listing`), compared with another bundle (`change`) and remembered for that (`released`).
//!
//! [`plan`] decides and [`write()`] acts. Called by `ops` and the package command; knows files, nothing of targets.

mod archive;
mod binaries;
mod byte_code;
pub mod cache;
mod change;
mod collisions;
mod configuration;
mod dependencies;
mod distributions;
mod entry_point;
mod error;
mod explain;
mod graph;
mod imports;
mod layer;
mod linked;
mod listing;
mod manifest;
mod markers;
mod packages;
mod planner;
mod project_files;
mod released;
mod rules;
mod shim;
mod slim;
mod tree;
mod walk;
mod weight;
mod workers;
mod zip;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::Layout;
use crate::observe::Observer;
use crate::project::Project;
use crate::settings::{Settings, Slim};

use self::archive::Content;
use self::cache::{Digest, Known};

pub use binaries::{Tag, Target, WheelName};
pub use byte_code::ByteCode;
pub use change::{Change, DistributionChange, FileChange, Held, Kind};
pub use error::{BundleError, InstallerOutput};
pub use explain::{DecidedBy, Explained, Explanation, Share, explain};
pub use layer::Layer;
pub use listing::{Contents, Duplicate, Listing, Member};
pub use planner::Planner;
pub use released::Released;
pub use shim::FILES as SHIM_FILES;
pub use slim::Stripped;
pub use tree::{Changes, Tree};
pub use weight::{Heaviest, SHOWN, Weight};

/// What Lambda accepts, unzipped, with all layers: 250 MB (Lambda quotas; `MiB` in truth).
pub const MAX_UNPACKED: u64 = 262_144_000;
/// How large an archive may be that is sent with the call itself: 50 MB (Lambda quotas; `MiB` in truth). Larger ones go through a bucket.
pub const MAX_DIRECT: u64 = 52_428_800;

/// How a page about a bundle begins. What begins like this is never bundled.
pub const REPORT_HEAD: &str = "<!doctype html><!-- a bundle, as zappa saw it -->";

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveRole {
    /// What is unpacked to the task root.
    App,
    /// The dependencies, where they travel by themselves ([`Layout`]).
    Dependencies,
}

/// All archives of one build.
#[derive(Debug, Clone, Serialize)]
pub struct Bundle {
    /// The app's first.
    pub archives: Vec<Archive>,
}

impl Bundle {
    /// The archive with the app in it.
    #[must_use]
    pub fn app(&self) -> Option<&Archive> {
        self.archive(ArchiveRole::App)
    }

    /// The archive with the dependencies, where they travel by themselves and there are any.
    #[must_use]
    pub fn dependencies(&self) -> Option<&Archive> {
        self.archive(ArchiveRole::Dependencies)
    }

    fn archive(&self, role: ArchiveRole) -> Option<&Archive> {
        self.archives.iter().find(|archive| archive.role == role)
    }
}

/// Where a bundle is written.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The app's archive. The one of the dependencies stands beside it: `shop-prod.zip`, `shop-prod-dependencies.zip`.
    pub path: &'a Path,
    /// Where archives are put together, on the same file system.
    pub scratch: &'a Path,
    /// What was compressed before, and will be again.
    pub cache: &'a Path,
}

/// What a bundle would hold, decided before anything is written.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// Sorted by path.
    pub entries: Vec<Entry>,
    /// What was left out, and why.
    pub skipped: Vec<Skipped>,
    /// Where the dependencies came from, for people.
    pub dependencies: String,
    /// How they travel.
    pub layout: Layout,
    /// MB of the function's `/tmp`.
    #[serde(skip)]
    pub storage_mb: u32,
    /// What is installed, in or out, in the order of names.
    #[serde(skip)]
    pub distributions: Vec<Installed>,
    /// What the files were when they were last read.
    #[serde(skip)]
    known: Arc<Known>,
}

/// A distribution in the environment, and what was decided about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Installed {
    /// The normalized name.
    pub key: String,
    /// `Flask 3.1.3`
    pub label: String,
    /// Its metadata, on this machine.
    pub metadata: PathBuf,
    /// Whether it is in the bundle.
    pub kept: bool,
    /// Why.
    pub why: String,
    /// The distributions that require it, in the bundle or not.
    pub required_by: Vec<String>,
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
    /// Why it is in: "project file", "Flask 3.1.2", "`include`", "shim", "byte code of Flask 3.1.2", "stripped, of numpy 2.2.6".
    pub reason: String,
    /// Where the bytes are.
    #[serde(skip)]
    pub source: Source,
    /// Of what is in the file, if that was known when it was looked at.
    #[serde(skip)]
    pub(in crate::bundle) digest: Option<Digest>,
}

/// Whose a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

impl Part {
    /// Whether it travels with the dependencies.
    pub(in crate::bundle) fn is_apart(self, layout: Layout) -> bool {
        match layout {
            Layout::Together => false,
            // The shim changes with this tool and not with the app: it need not be sent with every change of that.
            Layout::Layer => matches!(self, Self::Dependencies | Self::Shim),
            // The shim is what fetches them.
            Layout::Fetched => self == Self::Dependencies,
        }
    }
}

/// Where the bytes of a member are.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file on disk.
    File(PathBuf),
    /// Bytes that we have made.
    Bytes(Vec<u8>),
    /// Byte code that we have made before.
    ByteCode(Box<ByteCode>),
    /// A shared object on disk, without its symbols.
    Stripped(Box<Stripped>),
}

impl Source {
    /// The file on disk that it is, or that only lacks its symbols.
    pub(in crate::bundle) fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Stripped(stripped) => Some(stripped.original().0),
            Self::Bytes(_) | Self::ByteCode(_) => None,
        }
    }
}

/// Something that stays out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// Relative to the project's root or to site-packages, `/`-separated; a whole directory ends with a slash.
    pub path: String,
    /// The rule.
    pub reason: String,
    /// What the rule is: what would have to change.
    pub by: By,
    /// Whose it is.
    pub part: Part,
    /// Number of files; 0 for a directory that nobody looked into.
    pub files: usize,
    /// Bytes of those files.
    pub size: u64,
}

/// What leaves something out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A pattern of this settings key.
    Setting(&'static str),
    /// A `.zappaignore`, by its path in the project.
    IgnoreFile(String),
    /// What is never needed: caches, secrets, what installers leave behind.
    Default,
    /// A rule of `slim`.
    Slim,
    /// The distribution that it belongs to is not needed, by normalized name.
    Distribution(String),
    /// Something else is at its path.
    Hidden,
}

/// What a caller may add to a plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Files of this tool's own making that may lie in the project and are no part of it: the archive about to be overwritten.
    pub outputs: Vec<PathBuf>,
    /// Hand back a manifest over Lambda's limits instead of refusing it, for those who only look.
    pub over_limit: bool,
    /// The bundle does not leave this machine (`zappa serve`): whether its native code would run on Lambda does not matter.
    pub stays_here: bool,
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
    let known = Arc::new(Known::open(cache, &project.root, &packages.site_packages));
    let inputs = manifest::Inputs { project, settings, cache, options, packages: &packages, known: &known };
    let mut manifest = manifest::collect(&inputs, &mut manifest::Memory::default(), observer)?;
    if settings.packaging.slim == Slim::Max {
        slim::strip_all(&mut manifest);
    }
    if !options.over_limit {
        manifest.check_size()?;
    }
    byte_code::add(&inputs, &mut manifest, observer);
    manifest.remember(false, observer);
    Ok(manifest)
}

/// Writes the archives of `manifest`; each appears under its final name only when complete.
pub fn write(manifest: &Manifest, place: Place<'_>, observer: &dyn Observer) -> Result<Bundle, BundleError> {
    manifest.check_size()?;
    let apart = |entry: &&Entry| entry.part.is_apart(manifest.layout);
    let (dependencies, app): (Vec<&Entry>, Vec<&Entry>) = manifest.entries.iter().partition(apart);
    let app = Content { role: ArchiveRole::App, entries: app, prefix: "", path: place.path };
    let mut archives = vec![archive::write(&app, place, &manifest.known, observer)?];
    if !dependencies.is_empty() {
        let (prefix, path) = (manifest.layout.prefix(), beside(place.path));
        let dependencies = Content { role: ArchiveRole::Dependencies, entries: dependencies, prefix, path: &path };
        let archive = archive::write(&dependencies, place, &manifest.known, observer)?;
        manifest.check_room(archive.size)?;
        archives.push(archive);
    }
    manifest.remember(true, observer);
    Ok(Bundle { archives })
}

impl Manifest {
    /// Keeps what was learned of the files for the next time.
    fn remember(&self, all: bool, observer: &dyn Observer) {
        if let Err(error) = self.known.save(all) {
            observer.detail(&format!("what is known of the files is not kept for the next time: {error}"));
        }
    }
}

/// Where the archive of the dependencies goes if the app's is to be at `path`.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}-dependencies.zip"))
}
