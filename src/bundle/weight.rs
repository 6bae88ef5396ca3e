//! What weighs how much: the figures behind the size limit and the package report.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::{BundleError, Entry, MAX_UNPACKED, Manifest, Part, byte_code};
use crate::model::size;

/// How many of the heaviest an error or a report names.
const SHOWN: usize = 10;

/// A distribution or a top-level directory of the project, with everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Weight {
    /// `Django 5.2.19`, `static/`, `shim`.
    pub name: String,
    /// Whose it is.
    pub part: Part,
    /// Uncompressed bytes.
    pub size: u64,
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
            let group = groups.entry((entry.part, group(entry))).or_default();
            group.0 += entry.size;
            group.1 += 1;
        }
        let mut weights: Vec<Weight> = groups.into_iter().map(|((part, name), (size, files))| Weight { name, part, size, files }).collect();
        // Stable: what weighs the same stays in the order of names.
        weights.sort_by_key(|weight| std::cmp::Reverse(weight.size));
        weights.truncate(SHOWN);
        weights
    }

    /// Refuses what Lambda would refuse, before anything is written or sent.
    pub(super) fn check_size(&self) -> Result<(), BundleError> {
        let bytes = self.unpacked_size();
        if bytes <= MAX_UNPACKED {
            return Ok(());
        }
        Err(BundleError::TooLarge { bytes, heaviest: Heaviest(self.heaviest()) })
    }
}

/// Byte code weighs with what it was made from.
fn group(entry: &Entry) -> String {
    let of = entry.reason.strip_prefix(byte_code::REASON);
    match entry.part {
        Part::Dependencies => of.unwrap_or(&entry.reason).to_owned(),
        Part::Shim => "shim".to_owned(),
        Part::Configuration => "configuration".to_owned(),
        Part::App => match of.unwrap_or(&entry.path).split_once('/') {
            Some((directory, _)) => format!("{directory}/"),
            None => of.unwrap_or(&entry.path).to_owned(),
        },
    }
}
