//! What weighs how much: the figures behind the size limit and the package report.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{BundleError, Entry, MAX_UNPACKED, Manifest, Part, byte_code, slim};
use crate::model::{Layout, size};

/// How many of the heaviest an error or a report names.
pub const SHOWN: usize = 10;
/// Of the file system in a sandbox's `/tmp`.
const BLOCK: u64 = 4096;

/// A distribution or a top-level directory of the project, with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// `Django 5.2.19`, `static/`, `shim`.
    pub name: String,
    /// Whose it is.
    pub part: Part,
    /// Uncompressed bytes.
    pub size: u64,
    /// Bytes in the archives, once they are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed_size: Option<u64>,
    /// Number of members.
    pub files: usize,
}

/// The heaviest, as the cause of an error: one line each.
#[derive(Debug, thiserror::Error)]
pub struct Heaviest(pub Vec<Weight>);

impl fmt::Display for Heaviest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the heaviest are")?;
        self.0.iter().try_for_each(|weight| write!(f, "\n{:>9}  {}", size(weight.size), weight.name))
    }
}

impl Manifest {
    /// Uncompressed bytes of all members.
    #[must_use]
    pub fn unpacked_size(&self) -> u64 {
        self.entries.iter().map(|entry| entry.size).sum()
    }

    /// Distributions and top-level directories, the heaviest first, at most ten.
    #[must_use]
    pub fn heaviest(&self) -> Vec<Weight> {
        let mut groups = BTreeMap::<(Part, String), (u64, usize)>::new();
        for entry in &self.entries {
            let group = groups.entry((entry.part, owner(entry))).or_default();
            group.0 += entry.size;
            group.1 += 1;
        }
        let weight = |((part, name), (size, files))| Weight { name, part, size, packed_size: None, files };
        let mut weights: Vec<Weight> = groups.into_iter().map(weight).collect();
        // Stable: what weighs the same stays in the order of names.
        weights.sort_by_key(|weight| std::cmp::Reverse(weight.size));
        weights.truncate(SHOWN);
        weights
    }

    /// Whether Lambda would take these, too.
    pub(super) fn has_room_for(&self, more: &[Entry]) -> bool {
        let all = || self.entries.iter().chain(more);
        counted(self.layout, all()) <= MAX_UNPACKED && room(self.layout, all()) <= self.storage()
    }

    /// Bytes of the function's `/tmp`.
    fn storage(&self) -> u64 {
        u64::from(self.storage_mb) << 20
    }

    /// Refuses what Lambda would refuse, before anything is written or sent.
    pub(super) fn check_size(&self) -> Result<(), BundleError> {
        let bytes = counted(self.layout, self.entries.iter());
        if bytes <= MAX_UNPACKED {
            return self.check_room(0);
        }
        let own = counted(Layout::Fetched, self.entries.iter());
        let fetching_helps = self.layout != Layout::Fetched && own <= MAX_UNPACKED;
        Err(BundleError::TooLarge { bytes, without_dependencies: fetching_helps.then_some(own), heaviest: Heaviest(self.heaviest()) })
    }

    /// Refuses what the function could not unpack; `archive` is what it takes while that goes on.
    pub(super) fn check_room(&self, archive: u64) -> Result<(), BundleError> {
        let bytes = room(self.layout, self.entries.iter());
        if bytes == 0 || bytes + archive <= self.storage() {
            return Ok(());
        }
        let needed_mb = (bytes + archive).div_ceil(1 << 20);
        Err(BundleError::TooLargeToFetch { storage_mb: self.storage_mb, needed_mb, heaviest: Heaviest(self.heaviest()) })
    }
}

/// What counts for Lambda: all layers do, and what the function fetches by itself does not.
fn counted<'a>(layout: Layout, entries: impl Iterator<Item = &'a Entry>) -> u64 {
    entries.filter(|entry| layout != Layout::Fetched || entry.part != Part::Dependencies).map(|entry| entry.size).sum()
}

/// What fetched dependencies take of a disk, in whole blocks.
fn room<'a>(layout: Layout, entries: impl Iterator<Item = &'a Entry>) -> u64 {
    let fetched = entries.filter(|entry| layout == Layout::Fetched && entry.part == Part::Dependencies);
    fetched.map(|entry| entry.size.next_multiple_of(BLOCK)).sum()
}

/// Whether a member was made from another one.
pub(super) fn is_byte_code(entry: &Entry) -> bool {
    entry.reason.starts_with(byte_code::REASON)
}

/// Whose a member of the dependencies is, by its reason.
pub(super) fn distribution(reason: &str) -> &str {
    [byte_code::REASON, slim::STRIPPED].iter().find_map(|made| reason.strip_prefix(made)).unwrap_or(reason)
}

/// What a member is counted with. Byte code weighs with what it was made from.
pub(super) fn owner(entry: &Entry) -> String {
    let of = entry.reason.strip_prefix(byte_code::REASON);
    match entry.part {
        Part::Dependencies => distribution(&entry.reason).to_owned(),
        Part::Shim => "shim".to_owned(),
        Part::Configuration => "configuration".to_owned(),
        Part::App => match of.unwrap_or(&entry.path).split_once('/') {
            Some((directory, _)) => format!("{directory}/"),
            None => of.unwrap_or(&entry.path).to_owned(),
        },
    }
}
