//! Paths that cannot stand beside each other: names that are one on Windows and macOS, and a file where a directory would be.

use std::collections::{BTreeMap, BTreeSet};

use super::rules::ancestors;
use super::{BundleError, Entry, Part};

/// Refuses both. Distributions that collide with themselves or each other were installed like that and are not the user's to rename.
pub(super) fn check(entries: &BTreeMap<String, Entry>) -> Result<(), BundleError> {
    let mut directories = BTreeSet::new();
    let mut spellings = BTreeMap::<String, (&str, bool)>::new();
    for entry in entries.values() {
        let ours = entry.part == Part::App;
        for path in ancestors(&entry.path) {
            if path != entry.path && !directories.insert(path) {
                // Seen with all above it.
                if !ours {
                    break;
                }
            }
            let (first, theirs) = spellings.entry(path.to_lowercase()).or_insert((path, ours));
            if *first != path && (ours || *theirs) {
                return Err(BundleError::CaseCollision { first: (*first).to_owned(), second: path.to_owned() });
            }
            *theirs |= ours && *first == path;
        }
    }
    match entries.keys().find(|path| directories.contains(path.as_str())) {
        Some(path) => Err(BundleError::FileAndDirectory { path: path.clone() }),
        None => Ok(()),
    }
}
