//! Package: build the bundle of a stage, or only look at what it would hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::imports::{self, Imports};
use crate::bundle::{
    self, Archive, BundleError, Change, Duplicate, Entry, Explanation, Listing, Manifest, Part, Place, PlanOptions, Released, SHOWN,
    Skipped, Weight,
};
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
    /// Where a page about it is going to be written, if so: then import times are measured.
    pub page: Option<&'a Path>,
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
    /// How large an archive may be that is sent directly.
    pub direct_upload_limit: u64,
    /// What is in them.
    #[serde(flatten)]
    pub summary: Summary,
    /// In what they differ from the last release that was made on this machine; `None`: there was none, or it is not known any more.
    pub change: Option<Change>,
    /// Files with the same content, the most wasteful first.
    pub duplicates: Vec<Duplicate>,
    /// Import times, where a page was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports: Option<Imports>,
    /// Everything that is in them.
    #[serde(skip)]
    pub listing: Listing,
    /// Everything that is not.
    #[serde(skip)]
    pub skipped: Vec<Skipped>,
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
pub async fn package(request: &PackageRequest<'_>, observer: &dyn Observer) -> Result<PackageReport, BundleError> {
    let manifest = plan(request, false, observer)?;
    let place = Place { path: request.output, scratch: request.scratch, cache: request.cache };
    let bundle = bundle::write(&manifest, place, observer)?;
    let listing = Listing::read(&manifest, &bundle)?;
    let last = Released::of(request.cache, &request.project.root, request.settings).last(&listing);
    let imports = match request.page {
        Some(_) => Some(imports::measure(request, &bundle, &listing, observer).await?),
        None => None,
    };
    let mut heaviest = listing.weights();
    heaviest.truncate(SHOWN);
    Ok(PackageReport {
        archives: bundle.archives,
        direct_upload_limit: bundle::MAX_DIRECT,
        summary: Summary { heaviest, ..summary(&manifest) },
        change: last.map(|(since, before)| Change::between(since, &before, &listing)),
        duplicates: listing.duplicates(),
        imports,
        listing,
        skipped: manifest.skipped.into_iter().filter(|skipped| !is_page(request, skipped)).collect(),
    })
}

/// Whether this is the page that is about to be written anew: what it was before is nothing to tell.
fn is_page(request: &PackageRequest<'_>, skipped: &Skipped) -> bool {
    let page = request.page.and_then(|page| page.canonicalize().ok());
    page.is_some_and(|page| page == request.project.root.join(&skipped.path))
}

/// Says what the bundle would hold, even if it would be too large.
pub fn list(request: &PackageRequest<'_>, observer: &dyn Observer) -> Result<ListReport, BundleError> {
    let manifest = plan(request, true, observer)?;
    let summary = summary(&manifest);
    Ok(ListReport { entries: manifest.entries, skipped: manifest.skipped, summary })
}

/// Says why what `asked` names would be in the bundle or not.
pub fn explain(request: &PackageRequest<'_>, asked: &str, observer: &dyn Observer) -> Result<Explanation, BundleError> {
    bundle::explain(&plan(request, true, observer)?, request.project, request.settings, asked)
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
    let mut outputs = vec![request.output.to_owned(), bundle::beside(request.output)];
    outputs.extend(request.page.map(Path::to_owned));
    let options = PlanOptions { outputs, over_limit, ..PlanOptions::default() };
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
