//! Installed dependencies: everything in `site-packages` that a deployment needs, each file under the name of its distribution.

use std::collections::BTreeMap;
use std::path::Path;

use super::distributions::{self, Distribution, Owners};
use super::graph::{self, Question};
use super::rules::Rules;
use super::walk::{self, Candidate, Found};
use super::{BundleError, Entry, Part, Skipped, Source};
use crate::project::InstalledPackages;

/// One `site-packages` directory with what is in it.
pub(super) struct Site<'a> {
    directory: &'a Path,
    distributions: Vec<Distribution>,
}

/// Reads the metadata in all directories.
pub(super) fn sites(packages: &InstalledPackages) -> Result<Vec<Site<'_>>, BundleError> {
    // Interpreters name directories that do not exist (`lib64` of an empty environment).
    let directories = packages.site_packages.iter().filter(|directory| directory.is_dir());
    directories.map(|directory| Ok(Site { directory, distributions: distributions::read(directory)? })).collect()
}

/// Every distribution that counts: of several with one name the first on `sys.path`.
pub(super) fn visible<'s>(sites: &'s [Site<'_>]) -> Vec<&'s Distribution> {
    let mut seen = BTreeMap::new();
    for distribution in sites.iter().flat_map(|site| &site.distributions) {
        seen.entry(distribution.key.as_str()).or_insert(distribution);
    }
    seen.into_values().collect()
}

/// The members of the bundle that come from `sites`, in the order of `sys.path`: the first of several at one path is the one that Python would import.
pub(super) fn collect(sites: &[Site<'_>], rules: &Rules, question: &Question<'_>) -> Result<(Vec<Entry>, Vec<Skipped>), BundleError> {
    let left_out = graph::left_out(question);
    let mut entries = Vec::new();
    let mut skipped = Vec::new();
    for distribution in question.distributions {
        if let Some(reason) = left_out.get(&distribution.key) {
            skipped.push(Skipped { path: format!("{}/", distribution.metadata), reason: format!("{}: {reason}", distribution.label()) });
        }
    }
    for site in sites {
        let owners = Owners::new(&site.distributions);
        let shadowed = |distribution: &Distribution| !question.distributions.iter().any(|visible| std::ptr::eq(*visible, distribution));
        let found = walk::walk(site.directory, &mut |candidate| {
            if let Some(reason) = rules.excluded(candidate.relative, candidate.name) {
                let slash = if candidate.is_directory { "/" } else { "" };
                skipped.push(Skipped { path: format!("{}{slash}", candidate.relative), reason });
                return Ok(false);
            }
            if candidate.is_directory {
                return Ok(!is_noise(candidate) || rules.may_include_below(candidate.relative));
            }
            let owner = owners.of(candidate.relative).and_then(|index| site.distributions.get(index));
            let unwanted = is_noise(candidate) || owner.is_some_and(|owner| shadowed(owner) || left_out.contains_key(&owner.key));
            Ok(!unwanted || rules.included(candidate.relative))
        })?;
        entries.extend(found.into_iter().map(|file| {
            let owner = owners.of(&file.relative).and_then(|index| site.distributions.get(index));
            entry(file, owner.map_or_else(|| "site-packages".to_owned(), Distribution::label))
        }));
    }
    Ok((entries, skipped))
}

fn entry(file: Found, reason: String) -> Entry {
    Entry {
        path: file.relative,
        part: Part::Dependencies,
        size: file.size,
        executable: file.executable,
        reason,
        source: Source::File(file.path),
    }
}

/// What installers and interpreters leave behind and no deployment reads. Most of it differs from machine to machine.
fn is_noise(candidate: &Candidate<'_>) -> bool {
    let Candidate { relative, name, is_directory, path } = *candidate;
    if is_directory {
        return matches!(name, "__pycache__") || matches!(relative, "_distutils_hack");
    }
    if relative.split('/').any(|part| part == "__pycache__") {
        return true;
    }
    match relative.split_once('/') {
        // Paths of this machine, hashes of what we leave out, who installed it and when. `METADATA` and `entry_points.txt` are what code asks for.
        Some((metadata, file)) if metadata.ends_with(".dist-info") => {
            matches!(file, "RECORD" | "INSTALLER" | "REQUESTED" | "direct_url.json" | "uv_build.json" | "uv_cache.json")
        }
        Some((metadata, file)) if metadata.ends_with(".egg-info") => matches!(file, "SOURCES.txt" | "installed-files.txt"),
        // Lambda does not process `.pth` files in the task root; what they link to is bundled from where it is.
        None => {
            let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("pth" | "egg-link"))
                || name.starts_with("__editable__")
                || matches!(name, "_virtualenv.py" | ".lock" | ".DS_Store")
                || is_stale_byte_code(name, path)
        }
        Some(_) => name == ".DS_Store" || is_stale_byte_code(name, path),
    }
}

/// Byte code outside `__pycache__` is imported only where there is no source: some vendors ship nothing else.
fn is_stale_byte_code(name: &str, path: &Path) -> bool {
    (name.ends_with(".pyc") || name.ends_with(".pyo")) && path.with_extension("py").is_file()
}
