//! Installed dependencies: everything in `site-packages` that a deployment needs, each file under the name of its distribution.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use super::cache::Known;
use super::distributions::{self, Distribution, Owners};
use super::graph::{self, Question, Verdict};
use super::rules::Rules;
use super::slim::{self, File};
use super::walk::{self, Candidate, Found};
use super::{BundleError, By, Entry, Installed, Part, Skipped, Source};
use crate::project::InstalledPackages;
use crate::settings::Slim;

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

/// How everything is selected.
pub(super) struct Selection<'a> {
    pub(super) rules: &'a Rules,
    pub(super) question: Question<'a>,
    pub(super) slim: slim::Question<'a>,
    pub(super) known: &'a Known,
}

/// What of the dependencies goes in and what does not.
#[derive(Clone)]
pub(super) struct Selected {
    pub(super) entries: Vec<Entry>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) distributions: Vec<Installed>,
    /// The distribution that imports `pkg_resources` although nothing requires it, and it is left out.
    pub(super) lacks_pkg_resources: Option<String>,
}

/// The members of the bundle that come from `sites`, in the order of `sys.path`: the first of several at one path is the one that Python would import.
pub(super) fn collect(sites: &[Site<'_>], selection: &Selection<'_>) -> Result<Selected, BundleError> {
    let verdict = graph::judge(&selection.question);
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    for site in sites {
        let owners = Owners::new(&site.distributions);
        let gathered = gather(site, &owners, selection, &verdict)?;
        skipped.extend(gathered.skipped);
        found.extend(gathered.found.into_iter().map(|file| {
            let owner = owners.of(&file.relative).and_then(|index| site.distributions.get(index));
            (file, owner)
        }));
    }
    let files: Vec<File<'_>> = found.iter().map(|(file, owner)| judged(file, *owner, selection.rules)).collect();
    let by_name = |key: &str| selection.question.distributions.iter().find(|distribution| distribution.key == key);
    let provider = selection.question.distributions.iter().find(|distribution| distribution.modules.contains(slim::PKG_RESOURCES));
    let is_left_out = provider.is_some_and(|provider| verdict.left_out.contains_key(&provider.key));
    // Nobody's sources are read for nothing.
    let judgement =
        if selection.slim.level > Slim::None || is_left_out { slim::judge(&files, &selection.slim) } else { Default::default() };
    skipped.extend(slimmed(&files, &judgement, &by_name));
    let lacks_pkg_resources =
        judgement.wants_pkg_resources.filter(|_| is_left_out).map(|key| by_name(key).map_or(key.to_owned(), |by| by.label()));
    let left_out: HashSet<usize> = judgement.left_out.into_keys().collect();
    drop(files);
    let kept = found.into_iter().enumerate().filter(|(index, _)| !left_out.contains(index));
    let entries =
        kept.map(|(_, (file, owner))| entry(file, owner.map_or_else(|| "site-packages".to_owned(), Distribution::label))).collect();
    let distributions = sites.iter().flat_map(|site| site.distributions.iter().map(move |distribution| (site, distribution)));
    let visible = distributions
        .filter(|(_, distribution)| selection.question.distributions.iter().any(|visible| std::ptr::eq(*visible, *distribution)));
    let distributions = visible.map(|(site, distribution)| installed(site, distribution, &verdict)).collect();
    Ok(Selected { entries, skipped, distributions, lacks_pkg_resources })
}

struct Gathered {
    found: Vec<Found>,
    skipped: Vec<Skipped>,
}

/// The files of one directory, without those of distributions that stay out and what installers leave behind.
fn gather(site: &Site<'_>, owners: &Owners, selection: &Selection<'_>, verdict: &Verdict) -> Result<Gathered, BundleError> {
    let Selection { rules, question, .. } = selection;
    let shadowed = |distribution: &Distribution| !question.distributions.iter().any(|visible| std::ptr::eq(*visible, distribution));
    let mut skipped = Vec::new();
    let mut unneeded = BTreeMap::<(&str, String), Skipped>::new();
    let found = walk::walk(site.directory, selection.known, &mut |candidate| {
        let skip = |by, reason| candidate.skipped(candidate.relative.to_owned(), Part::Dependencies, by, reason);
        if let Some((by, reason)) = rules.excluded(candidate.relative, candidate.name) {
            skipped.push(skip(by, reason));
            return Ok(false);
        }
        let noise = noise(candidate);
        if candidate.is_directory {
            let wanted = noise.is_none() || rules.may_include_below(candidate.relative);
            if let (Some(noise), false) = (noise, wanted) {
                skipped.push(skip(By::Default, noise.to_owned()));
            }
            return Ok(wanted);
        }
        let owner = owners.of(candidate.relative).and_then(|index| site.distributions.get(index));
        let reason = owner.and_then(|owner| Some((owner, verdict.left_out.get(&owner.key)?)));
        let unwanted = noise.is_some() || reason.is_some() || owner.is_some_and(shadowed);
        if !unwanted || rules.included(candidate.relative) {
            return Ok(true);
        }
        if let Some((owner, reason)) = reason.filter(|(owner, _)| !shadowed(owner)) {
            let (path, reason) = (owners.whole(candidate.relative), format!("{}: {reason}", owner.label()));
            let note = || Skipped {
                path: path.clone(),
                reason,
                by: By::Distribution(owner.key.clone()),
                part: Part::Dependencies,
                files: 0,
                size: 0,
            };
            let note = unneeded.entry((&owner.key, path.clone())).or_insert_with(note);
            note.files += 1;
            note.size += candidate.size();
        } else if let Some(noise) = noise {
            skipped.push(skip(By::Default, noise.to_owned()));
        } else {
            skipped.push(skip(By::Hidden, "an earlier directory of `sys.path` has the distribution, too".to_owned()));
        }
        Ok(false)
    })?;
    skipped.extend(unneeded.into_values());
    Ok(Gathered { found, skipped })
}

fn judged<'f>(file: &'f Found, owner: Option<&'f Distribution>, rules: &Rules) -> File<'f> {
    File {
        path: &file.relative,
        source: &file.path,
        stamp: file.stamp,
        owner: owner.map_or("", |owner| &owner.key),
        included: rules.included(&file.relative),
    }
}

/// Notes about what `slim` takes, one for each directory that goes as a whole.
fn slimmed<'d>(
    files: &[File<'_>],
    judgement: &slim::Judgement<'_>,
    by_name: &dyn Fn(&str) -> Option<&'d &'d Distribution>,
) -> Vec<Skipped> {
    let mut notes = BTreeMap::<&str, Skipped>::new();
    for (index, (subject, reason)) in &judgement.left_out {
        let Some(file) = files.get(*index) else { continue };
        let note = notes.entry(subject).or_insert_with(|| {
            let reason = by_name(file.owner).map_or((*reason).to_owned(), |owner| format!("{}: {reason}", owner.label()));
            Skipped { path: (*subject).to_owned(), reason, by: By::Slim, part: Part::Dependencies, files: 0, size: 0 }
        });
        note.files += 1;
        note.size += file.stamp.size();
    }
    notes.into_values().collect()
}

fn installed(site: &Site<'_>, distribution: &Distribution, verdict: &Verdict) -> Installed {
    let left_out = verdict.left_out.get(&distribution.key);
    let why = left_out.or_else(|| verdict.kept.get(&distribution.key)).cloned().unwrap_or_default();
    Installed {
        key: distribution.key.clone(),
        label: distribution.label(),
        metadata: site.directory.join(&distribution.metadata),
        kept: left_out.is_none(),
        why,
        required_by: verdict.required_by.get(&distribution.key).cloned().unwrap_or_default(),
    }
}

fn entry(file: Found, reason: String) -> Entry {
    Entry {
        path: file.relative,
        part: Part::Dependencies,
        size: file.size,
        executable: file.executable,
        reason,
        source: Source::File(file.path),
        digest: file.digest,
    }
}

/// What installers and interpreters leave behind and no deployment reads, and what it is. Most of it differs from machine to machine.
fn noise(candidate: &Candidate<'_>) -> Option<&'static str> {
    const BYTE_CODE: &str = "byte code of this machine";
    const BOOKKEEPING: &str = "an installer's bookkeeping";
    let Candidate { relative, name, is_directory, path, .. } = *candidate;
    if is_directory {
        return (name == "__pycache__").then_some(BYTE_CODE);
    }
    let is_noise = match relative.split_once('/') {
        _ if relative.split('/').any(|part| part == "__pycache__") || is_stale_byte_code(name, path) => return Some(BYTE_CODE),
        _ if name == ".DS_Store" => return Some("of a file manager"),
        // Paths of this machine, hashes of what we leave out, who installed it and when. `METADATA` and `entry_points.txt` are what code asks for.
        Some((metadata, file)) if metadata.ends_with(".dist-info") => {
            matches!(file, "RECORD" | "INSTALLER" | "REQUESTED" | "direct_url.json" | "uv_build.json" | "uv_cache.json")
        }
        Some((metadata, file)) if metadata.ends_with(".egg-info") => matches!(file, "SOURCES.txt" | "installed-files.txt"),
        // Lambda does not process `.pth` files in the task root; what they link to is bundled from where it is.
        None => {
            let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
            matches!(extension, Some("pth" | "egg-link")) || name.starts_with("__editable__") || matches!(name, "_virtualenv.py" | ".lock")
        }
        Some(_) => false,
    };
    is_noise.then_some(BOOKKEEPING)
}

/// Byte code outside `__pycache__` is imported only where there is no source: some vendors ship nothing else.
fn is_stale_byte_code(name: &str, path: &Path) -> bool {
    (name.ends_with(".pyc") || name.ends_with(".pyo")) && path.with_extension("py").is_file()
}
