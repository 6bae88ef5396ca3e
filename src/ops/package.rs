//! Package: build the bundle of a stage, or only look at what it would hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::bundle::{self, Archive, BundleError, Entry, Manifest, Part, PlanOptions, Skipped, Weight};
use crate::observe::Observer;
use crate::project::Project;
use crate::settings::Settings;

/// What to package.
pub struct PackageRequest<'a> {
    /// The project.
    pub project: &'a Project,
    /// The stage.
    pub settings: &'a Settings,
    /// Where dependencies are installed that only exist as a list.
    pub cache: &'a Path,
    /// The archive to write.
    pub output: &'a Path,
    /// Where it is put together, on the same file system.
    pub scratch: &'a Path,
}

/// How much of a bundle belongs to whom.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PartTotal {
    /// Number of members.
    pub files: usize,
    /// Uncompressed bytes.
    pub size: u64,
}

/// What is said about a bundle, written or not.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Uncompressed bytes of all members.
    pub unpacked_size: u64,
    /// Most that Lambda takes of them.
    pub unpacked_limit: u64,
    /// Where the dependencies came from.
    pub dependencies: String,
    /// Totals by part.
    pub parts: BTreeMap<Part, PartTotal>,
    /// Distributions and top-level directories, the heaviest first.
    pub heaviest: Vec<Weight>,
}

/// A bundle that was written.
#[derive(Debug, Clone, Serialize)]
pub struct PackageReport {
    /// The archives, the code first.
    pub archives: Vec<Archive>,
    /// What is in them.
    #[serde(flatten)]
    pub summary: Summary,
}

/// A bundle that was only looked at.
#[derive(Debug, Clone, Serialize)]
pub struct ListReport {
    /// Every member.
    pub entries: Vec<Entry>,
    /// What stays out.
    pub skipped: Vec<Skipped>,
    /// The figures.
    #[serde(flatten)]
    pub summary: Summary,
}

/// Writes the bundle to the output.
pub fn package(request: &PackageRequest<'_>, observer: &dyn Observer) -> Result<PackageReport, BundleError> {
    let manifest = plan(request, false, observer)?;
    let bundle = bundle::write_to(&manifest, request.output, request.scratch, observer)?;
    Ok(PackageReport { archives: bundle.archives, summary: summary(&manifest) })
}

/// Says what the bundle would hold, even if it would be too large.
pub fn list(request: &PackageRequest<'_>, observer: &dyn Observer) -> Result<ListReport, BundleError> {
    let manifest = plan(request, true, observer)?;
    let summary = summary(&manifest);
    Ok(ListReport { entries: manifest.entries, skipped: manifest.skipped, summary })
}

/// The directory that an archive is to appear in.
#[must_use]
pub fn directory(output: &Path) -> &Path {
    // A bare file name has the empty path as its parent.
    output.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name that an archive gets where nobody chooses another.
#[must_use]
pub fn default_output(settings: &Settings) -> PathBuf {
    PathBuf::from(format!("{}.zip", settings.id.function_name()))
}

fn plan(request: &PackageRequest<'_>, over_limit: bool, observer: &dyn Observer) -> Result<Manifest, BundleError> {
    let options = PlanOptions { outputs: vec![request.output.to_owned()], over_limit, ..PlanOptions::default() };
    bundle::plan_with(request.project, request.settings, request.cache, &options, observer)
}

fn summary(manifest: &Manifest) -> Summary {
    let mut parts = BTreeMap::<Part, PartTotal>::new();
    for entry in &manifest.entries {
        let total = parts.entry(entry.part).or_default();
        total.files += 1;
        total.size += entry.size;
    }
    Summary {
        unpacked_size: manifest.unpacked_size(),
        unpacked_limit: bundle::MAX_UNPACKED,
        dependencies: manifest.dependencies.clone(),
        parts,
        heaviest: manifest.heaviest(),
    }
}
