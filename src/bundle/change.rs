//! In what one bundle differs from another: distributions by name, version and content, everything else file by file.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Listing, Member, Part};
use crate::model::Version;

/// What changed since a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The release that it is compared with.
    pub since: Version,
    /// Bytes of its archives.
    pub packed_size_before: u64,
    /// Bytes of its members.
    pub unpacked_size_before: u64,
    /// Third-party code, by name.
    pub distributions: Vec<DistributionChange>,
    /// Everything else but byte code: the app's files, then the shim's and the configuration, each by path.
    pub files: Vec<FileChange>,
    /// How many files of byte code differ.
    pub byte_code: usize,
}

/// What happened to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another one.
    Changed,
}

/// A distribution that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DistributionChange {
    /// As its authors write it.
    pub name: String,
    /// What happened.
    pub kind: Kind,
    /// What was there.
    pub before: Option<Held>,
    /// What is there now.
    pub after: Option<Held>,
}

/// What a bundle holds of a distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Where it is known.
    pub version: Option<String>,
    /// Uncompressed bytes, byte code included.
    pub size: u64,
    /// Number of members.
    pub files: usize,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// In the bundle.
    pub path: String,
    /// Whose it is.
    pub part: Part,
    /// What happened.
    pub kind: Kind,
    /// Uncompressed bytes before.
    pub before: Option<u64>,
    /// Uncompressed bytes now.
    pub after: Option<u64>,
}

impl Change {
    /// From `before`, which version `since` holds, to `after`.
    #[must_use]
    pub fn between(since: Version, before: &Listing, after: &Listing) -> Self {
        Self {
            since,
            packed_size_before: before.members().map(|member| member.packed_size).sum(),
            unpacked_size_before: before.members().map(|member| member.size).sum(),
            distributions: distributions(before, after),
            files: files(before, after),
            byte_code: byte_code(before, after),
        }
    }

    /// Whether both hold the same.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.distributions.is_empty() && self.files.is_empty() && self.byte_code == 0
    }
}

/// A distribution in one of the bundles.
struct Distribution<'a> {
    held: Held,
    /// Its own files: which byte code they make is the interpreter's doing.
    files: BTreeSet<(&'a str, u64, u32)>,
}

fn distributions(before: &Listing, after: &Listing) -> Vec<DistributionChange> {
    let (mut before, after) = (by_name(before), by_name(after));
    let mut changes = Vec::new();
    for (name, new) in after {
        let old = before.remove(name);
        let kind = match &old {
            None => Kind::Added,
            Some(old) if old.held.version == new.held.version && old.files == new.files => continue,
            Some(_) => Kind::Changed,
        };
        changes.push(DistributionChange { name: name.to_owned(), kind, before: old.map(|old| old.held), after: Some(new.held) });
    }
    let removed = before.into_iter().map(|(name, old)| DistributionChange {
        name: name.to_owned(),
        kind: Kind::Removed,
        before: Some(old.held),
        after: None,
    });
    changes.extend(removed);
    changes.sort_by_key(|change| change.name.to_lowercase());
    changes
}

fn by_name(listing: &Listing) -> BTreeMap<&str, Distribution<'_>> {
    let mut distributions = BTreeMap::new();
    for member in listing.members().filter(|member| member.part == Part::Dependencies) {
        let (name, version) = name_and_version(&member.owner);
        let new = || Distribution { held: Held { version: version.map(str::to_owned), size: 0, files: 0 }, files: BTreeSet::new() };
        let distribution: &mut Distribution<'_> = distributions.entry(name).or_insert_with(new);
        distribution.held.size += member.size;
        distribution.held.files += 1;
        if !member.byte_code {
            distribution.files.insert((&member.path, member.size, member.crc32));
        }
    }
    distributions
}

/// `Django` and `5.2.19` of `Django 5.2.19`; files that nothing records have an owner without a version.
fn name_and_version(owner: &str) -> (&str, Option<&str>) {
    match owner.split_once(' ') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => (name, Some(version)),
        _ => (owner, None),
    }
}

fn files(before: &Listing, after: &Listing) -> Vec<FileChange> {
    let own = |member: &Member| member.part != Part::Dependencies && !member.byte_code;
    let (before, after) = (by_path(before, own), by_path(after, own));
    let paths: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut changes: Vec<FileChange> = paths.into_iter().filter_map(|path| file(path, before.get(path), after.get(path))).collect();
    // Stable: within a part they stay in the order of paths.
    changes.sort_by_key(|change| change.part);
    changes
}

fn file(path: &str, before: Option<&&Member>, after: Option<&&Member>) -> Option<FileChange> {
    let (kind, part) = match (before, after) {
        (Some(before), Some(after)) if same(before, after) => return None,
        (Some(_), Some(after)) => (Kind::Changed, after.part),
        (None, Some(after)) => (Kind::Added, after.part),
        (Some(before), None) => (Kind::Removed, before.part),
        (None, None) => return None,
    };
    Some(FileChange { path: path.to_owned(), part, kind, before: before.map(|member| member.size), after: after.map(|member| member.size) })
}

fn byte_code(before: &Listing, after: &Listing) -> usize {
    let made = |member: &Member| member.byte_code;
    let (before, after) = (by_path(before, made), by_path(after, made));
    let gone = before.keys().filter(|path| !after.contains_key(*path)).count();
    gone + after.iter().filter(|(path, member)| before.get(*path).is_none_or(|before| !same(before, member))).count()
}

fn by_path(listing: &Listing, wanted: impl Fn(&Member) -> bool) -> BTreeMap<&str, &Member> {
    listing.members().filter(|member| wanted(member)).map(|member| (member.path.as_str(), member)).collect()
}

fn same(a: &Member, b: &Member) -> bool {
    a.size == b.size && a.crc32 == b.crc32
}
