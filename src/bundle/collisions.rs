//! Paths that cannot stand beside each other: names that are one on Windows and macOS, and a file where a directory would be.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::rules::ancestors;
use super::{BundleError, Entry, Part};

/// Refuses both. Distributions that collide with themselves or each other were installed like that and are not the user's to rename.
pub(super) fn check(entries: &BTreeMap<String, Entry>) -> Result<(), BundleError> {
    let mut directories = HashSet::with_capacity(entries.len());
    for path in entries.keys() {
        // Seen with all above it.
        ancestors(path).skip(1).take_while(|above| directories.insert(*above)).count();
    }
    if let Some(path) = entries.keys().find(|path| directories.contains(path.as_str())) {
        return Err(BundleError::FileAndDirectory { path: path.clone() });
    }
    let (ours, theirs): (Vec<&Entry>, Vec<&Entry>) = entries.values().partition(|entry| entry.part == Part::App);
    let mut spellings = HashMap::<String, &str>::new();
    for path in ours.iter().flat_map(|entry| ancestors(&entry.path)) {
        same(spellings.entry(path.to_lowercase()).or_insert(path), path)?;
    }
    // What is in no directory of ours, whatever its spelling, is not worth a look.
    let tops: HashSet<String> = ours.iter().map(|entry| top(&entry.path).to_lowercase()).collect();
    for entry in theirs.iter().filter(|entry| tops.contains(&top(&entry.path).to_lowercase())) {
        for path in ancestors(&entry.path) {
            if let Some(first) = spellings.get(&path.to_lowercase()) {
                same(first, path)?;
            }
        }
    }
    Ok(())
}

fn same(first: &str, second: &str) -> Result<(), BundleError> {
    let (first, second) = (first.min(second).to_owned(), first.max(second).to_owned());
    if first == second { Ok(()) } else { Err(BundleError::CaseCollision { first, second }) }
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}
