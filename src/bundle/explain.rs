//! Why a file, a directory or a distribution is in the bundle or not, with the place where that was decided and what to write to change it. Called by
//! `ops` for `zappa package --explain`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::markers::normalized;
use super::rules::ancestors;
use super::{ArchiveRole, BundleError, By, Entry, Installed, Manifest, Part, Skipped, weight};
use crate::project::Project;
use crate::settings::Settings;

/// What is known of something in the project or the environment.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Its path in the bundle, a directory's with a slash at the end; a distribution's name and version.
    pub name: String,
    /// What it is.
    pub kind: Explained,
    /// Whether it, or something of it, is in the bundle.
    pub included: bool,
    /// Why; `None` of a directory of which some is in and some is out.
    pub because: Option<String>,
    /// The settings key that decides, with its value and where it comes from.
    pub setting: Option<DecidedBy>,
    /// The distribution that it belongs to, and why that is in or out.
    pub distribution: Option<Installed>,
    /// The archive that it is in.
    pub archive: Option<ArchiveRole>,
    /// Its path there.
    pub archive_path: Option<String>,
    /// Where it is on this machine.
    pub place: Option<PathBuf>,
    /// What of it is in the bundle, by reason.
    pub inside: Vec<Share>,
    /// What of it is not, by reason.
    pub left_out: Vec<Share>,
    /// What to write to change that.
    pub change: String,
}

/// What can be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Explained {
    /// A file.
    File,
    /// A directory with all that is in it.
    Directory,
    /// An installed distribution.
    Distribution,
}

/// Files with one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Share {
    /// The reason.
    pub reason: String,
    /// Number of files; 0 where nobody looked into a directory.
    pub files: usize,
    /// Bytes of those files.
    pub size: u64,
}

/// A settings key that decides.
#[derive(Debug, Clone, Serialize)]
pub struct DecidedBy {
    /// Its name.
    pub key: &'static str,
    /// Its value.
    pub value: serde_json::Value,
    /// Where that was written: a file and line, a variable, a flag, nowhere.
    pub origin: String,
}

/// Where things are looked for.
struct Ground<'a> {
    manifest: &'a Manifest,
    project: &'a Project,
    settings: &'a Settings,
    /// The directories of the dependencies.
    sites: Vec<&'a Path>,
}

/// Explains what `asked` names: a path in the bundle, in the project or in site-packages, a path on this machine, or a distribution.
pub fn explain(manifest: &Manifest, project: &Project, settings: &Settings, asked: &str) -> Result<Explanation, BundleError> {
    let mut sites: Vec<&Path> = manifest.distributions.iter().filter_map(|installed| installed.metadata.parent()).collect();
    sites.sort_unstable();
    sites.dedup();
    let ground = Ground { manifest, project, settings, sites };
    ground.explain(asked).ok_or_else(|| BundleError::Unknown { asked: asked.to_owned() })
}

impl Ground<'_> {
    fn explain(&self, asked: &str) -> Option<Explanation> {
        let written = asked.replace('\\', "/");
        let written = written.strip_prefix("./").unwrap_or(&written);
        let relative = written.trim_end_matches('/');
        if Path::new(asked).is_absolute() {
            return self.on_disk(Path::new(asked));
        }
        if !written.contains('/') {
            let key = normalized(written);
            // A directory of the project goes before a distribution of the same name.
            let own = format!("{written}/");
            let is_own = self
                .manifest
                .entries
                .iter()
                .any(|entry| entry.part == Part::App && (entry.path == written || entry.path.starts_with(&own)));
            if let Some(installed) = self.manifest.distributions.iter().find(|installed| installed.key == key).filter(|_| !is_own) {
                return Some(self.distribution(installed));
            }
        }
        let in_layer = relative.strip_prefix(self.manifest.layout.prefix()).filter(|inner| *inner != relative);
        let path = |path: &str| self.path(path, None);
        path(relative)
            .or_else(|| in_layer.and_then(path))
            .or_else(|| self.on_disk(&std::path::absolute(asked).ok()?))
            .or_else(|| self.on_disk(&self.project.root.join(relative)))
    }

    /// Explains a path of this machine.
    fn on_disk(&self, place: &Path) -> Option<Explanation> {
        let real = place.canonicalize().ok();
        let roots = self.sites.iter().copied().chain(std::iter::once(self.project.root.as_path()));
        for root in roots {
            let inside = [Some(place), real.as_deref()].into_iter().flatten().find_map(|place| {
                let real_root = root.canonicalize();
                place.strip_prefix(root).ok().or_else(|| place.strip_prefix(real_root.ok()?).ok()).map(Path::to_owned)
            });
            let Some(inside) = inside else { continue };
            let relative = inside.to_string_lossy().replace('\\', "/");
            if let Some(found) = self.path(relative.trim_end_matches('/'), Some(&root.join(&inside))) {
                return Some(found);
            }
        }
        // Linked sources are elsewhere.
        let here = |entry: &&Entry| entry.source.file().is_some_and(|file| file == place || Some(file) == real.as_deref());
        self.manifest.entries.iter().find(here).map(|entry| self.member(entry))
    }

    /// Explains a path in the bundle. At `place` on this machine may be another file than the one that went there.
    fn path(&self, path: &str, place: Option<&Path>) -> Option<Explanation> {
        if let Ok(index) = self.manifest.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)) {
            let entry = self.manifest.entries.get(index)?;
            let other = place.filter(|place| !same_place(entry, place));
            return Some(match other {
                None => self.member(entry),
                Some(place) => self.hidden(entry, place),
            });
        }
        let directory = format!("{path}/");
        let whole = |skipped: &&Skipped| skipped.path == path || skipped.path == directory;
        let above = |skipped: &&Skipped| ancestors(path).skip(1).any(|above| skipped.path.strip_suffix('/') == Some(above));
        let inside = self.inside(|entry| entry.path.starts_with(&directory));
        let left_out = self.left_out(|skipped| skipped.path.starts_with(&directory));
        let exact = self.manifest.skipped.iter().find(whole);
        // What is in a directory that is left out is named with it, unless `include` brought it back.
        if inside.is_empty() && (exact.is_some() || left_out.is_empty()) {
            let skipped = exact.or_else(|| self.manifest.skipped.iter().find(above).filter(|_| self.find(path).is_some()))?;
            return Some(self.skipped(path, skipped));
        }
        if inside.is_empty() && left_out.is_empty() {
            return None;
        }
        let change = if inside.is_empty() { change_in(&directory, None) } else { change_out(&directory) };
        let (included, because, archive) = (!inside.is_empty(), None, None);
        Some(Explanation {
            name: directory,
            kind: Explained::Directory,
            included,
            because,
            setting: None,
            distribution: None,
            archive,
            archive_path: None,
            place: self.find(path),
            inside,
            left_out,
            change,
        })
    }

    fn member(&self, entry: &Entry) -> Explanation {
        let label = weight::distribution(&entry.reason);
        let distribution = self.manifest.distributions.iter().find(|installed| installed.label == label).cloned();
        let because = match &distribution {
            Some(installed) => format!("{}: {}", entry.reason, installed.why),
            None => entry.reason.clone(),
        };
        let (role, prefix) = self.archive(entry.part);
        let ours = matches!(entry.part, Part::Shim | Part::Configuration);
        let place = entry.source.file().map(Path::to_owned);
        Explanation {
            name: entry.path.clone(),
            kind: Explained::File,
            included: true,
            setting: (entry.reason == "`include`").then(|| self.setting("include")).flatten(),
            because: Some(because),
            distribution,
            archive: Some(role),
            archive_path: Some(format!("{prefix}{}", entry.path)),
            place,
            inside: vec![Share { reason: entry.reason.clone(), files: 1, size: entry.size }],
            left_out: Vec::new(),
            change: if ours { "it is part of every bundle".to_owned() } else { change_out(&entry.path) },
        }
    }

    /// A file of which another one takes the place.
    fn hidden(&self, entry: &Entry, place: &Path) -> Explanation {
        let instead = entry.source.file().map_or_else(|| entry.reason.clone(), |path| format!("`{}`", path.display()));
        Explanation {
            included: false,
            because: Some(format!("{instead} takes its place")),
            setting: None,
            archive: None,
            archive_path: None,
            place: Some(place.to_owned()),
            inside: Vec::new(),
            distribution: None,
            change: format!("rename or leave out {instead}"),
            ..self.member(entry)
        }
    }

    fn skipped(&self, path: &str, skipped: &Skipped) -> Explanation {
        let is_directory = skipped.path.trim_end_matches('/') == path && skipped.path.ends_with('/');
        let name = if is_directory { format!("{path}/") } else { path.to_owned() };
        let by_rule = if skipped.path == name { String::new() } else { format!(", as all of `{}`", skipped.path) };
        let key = match &skipped.by {
            By::Setting(key) => Some(*key),
            By::Slim => Some("slim"),
            By::Distribution(_) if skipped.reason.contains("`use_runtime_boto3`") => Some("use_runtime_boto3"),
            _ => None,
        };
        let distribution = self.manifest.distributions.iter().find(|installed| match &skipped.by {
            By::Distribution(key) => installed.key == *key,
            _ => skipped.reason.strip_prefix(&installed.label).is_some_and(|rest| rest.starts_with(": ")),
        });
        let size =
            self.find(path).and_then(|place| place.metadata().ok()).filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        let share = match size {
            Some(size) => Share { reason: skipped.reason.clone(), files: 1, size },
            None => Share { reason: skipped.reason.clone(), files: skipped.files, size: skipped.size },
        };
        Explanation {
            change: change_in(&name, Some(skipped)),
            name,
            kind: if is_directory { Explained::Directory } else { Explained::File },
            included: false,
            because: Some(format!("{}{by_rule}", skipped.reason)),
            setting: key.and_then(|key| self.setting(key)),
            distribution: distribution.cloned(),
            archive: None,
            archive_path: None,
            place: self.find(path),
            inside: Vec::new(),
            left_out: vec![share],
        }
    }

    fn distribution(&self, installed: &Installed) -> Explanation {
        let label = &installed.label;
        let prefix = format!("{label}: ");
        let of = |reason: &str| weight::distribution(reason) == label;
        let left_out = self.left_out(|skipped| skipped.reason.starts_with(&prefix));
        let left_out = left_out.into_iter().map(|share| Share { reason: share.reason.replacen(&prefix, "", 1), ..share }).collect();
        let change = if installed.kept {
            format!("uninstall {label}, or name its files in `exclude_glob`")
        } else if installed.key == "zappa" {
            "nothing does: the shim has its name".to_owned()
        } else if installed.why.contains("`use_runtime_boto3`") {
            "set `use_runtime_boto3 = false`".to_owned()
        } else {
            "import it in the project, or let what needs it require it".to_owned()
        };
        let in_runtime = installed.why.contains("`use_runtime_boto3`");
        Explanation {
            name: label.clone(),
            kind: Explained::Distribution,
            included: installed.kept,
            because: Some(installed.why.clone()),
            setting: in_runtime.then(|| self.setting("use_runtime_boto3")).flatten(),
            distribution: Some(installed.clone()),
            archive: installed.kept.then(|| self.archive(Part::Dependencies).0),
            archive_path: None,
            place: Some(installed.metadata.clone()),
            inside: self.inside(|entry| of(&entry.reason)),
            left_out,
            change,
        }
    }

    fn inside(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Share> {
        shares(self.manifest.entries.iter().filter(|entry| wanted(entry)).map(|entry| (entry.reason.as_str(), 1, entry.size)))
    }

    fn left_out(&self, wanted: impl Fn(&Skipped) -> bool) -> Vec<Share> {
        let skipped = self.manifest.skipped.iter().filter(|skipped| wanted(skipped));
        shares(skipped.map(|skipped| (skipped.reason.as_str(), skipped.files, skipped.size)))
    }

    /// Where a path of the bundle is on this machine.
    fn find(&self, path: &str) -> Option<PathBuf> {
        let roots = std::iter::once(self.project.root.as_path()).chain(self.sites.iter().copied());
        roots.map(|root| root.join(path)).find(|place| place.exists())
    }

    fn archive(&self, part: Part) -> (ArchiveRole, &'static str) {
        match self.manifest.layout {
            layout if part.is_apart(layout) => (ArchiveRole::Dependencies, layout.prefix()),
            _ => (ArchiveRole::App, ""),
        }
    }

    fn setting(&self, key: &'static str) -> Option<DecidedBy> {
        let value = self.settings.values.iter().find(|value| value.key == key)?;
        Some(DecidedBy { key, value: value.value.clone(), origin: value.origin.words(&self.settings.id.stage) })
    }
}

fn same_place(entry: &Entry, place: &Path) -> bool {
    // Where we make something, nothing else counts.
    entry.source.file().is_some_and(|file| file == place || file.canonicalize().ok() == place.canonicalize().ok())
}

/// By reason, the largest first.
fn shares<'a>(files: impl Iterator<Item = (&'a str, usize, u64)>) -> Vec<Share> {
    let mut by_reason = BTreeMap::<&str, (usize, u64)>::new();
    for (reason, files, size) in files {
        let share = by_reason.entry(reason).or_default();
        share.0 += files;
        share.1 += size;
    }
    let mut shares: Vec<_> =
        by_reason.into_iter().map(|(reason, (files, size))| Share { reason: reason.to_owned(), files, size }).collect();
    shares.sort_by_key(|share| std::cmp::Reverse(share.size));
    shares
}

fn change_out(path: &str) -> String {
    let pattern = if path.ends_with('/') { format!("{path}**") } else { path.to_owned() };
    format!("add \"{pattern}\" to `exclude_glob`")
}

fn change_in(path: &str, skipped: Option<&Skipped>) -> String {
    let pattern = if path.ends_with('/') { format!("{path}**") } else { path.to_owned() };
    let include = format!("add \"{pattern}\" to `include`");
    match skipped.map(|skipped| &skipped.by) {
        Some(By::Setting(key)) => format!("take that pattern out of `{key}`"),
        Some(By::IgnoreFile(file)) => format!("write \"!{}\" below that line of `{file}`", path.trim_end_matches('/')),
        Some(By::Slim) => format!("{include}, or set `slim = \"none\"`"),
        Some(By::Distribution(_)) => format!("{include}, or import the distribution in the project"),
        Some(By::Hidden) => "rename or remove what takes its place".to_owned(),
        Some(By::Default) | None => include,
    }
}
