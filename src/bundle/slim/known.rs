//! What sources refer to, remembered in the cache: by the names, sizes and times of the files, so that a bundle whose dependencies are as they were
//! reads none of them. A cache that cannot be read or written is no failure.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use super::File;
use super::scan::Scanner;
use crate::bundle::cache::{self, Digest};

/// Changes whenever [`Scanner`] finds something else in the same source.
const VERSION: &str = "3";

/// Files that are asked about together.
pub(super) struct Group<'a> {
    pub(super) files: Vec<&'a File<'a>>,
    /// Names of files that their sources may have.
    pub(super) names: BTreeSet<&'a str>,
}

/// What each of the groups refers to.
pub(super) fn references(groups: &[Group<'_>], cache: &Path) -> Vec<BTreeSet<String>> {
    let directory = cache.join("references");
    let results: Vec<_> = groups.iter().map(|_| Mutex::new(BTreeSet::new())).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let scanner = Scanner::new();
        while let Some(index) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|index| *index < groups.len()) {
            let (Some(group), Some(result)) = (groups.get(index), results.get(index)) else { return };
            *result.lock().unwrap_or_else(PoisonError::into_inner) = group.references(&directory, &scanner);
        }
    };
    thread::scope(|scope| {
        for _ in 1..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
        work();
    });
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

impl Group<'_> {
    fn references(&self, directory: &Path, scanner: &Scanner) -> BTreeSet<String> {
        let sources: Vec<_> = self.files.iter().filter(|file| is_source(file.path)).collect();
        if sources.is_empty() {
            return BTreeSet::new();
        }
        let place = self.fingerprint().map(|name| directory.join(name.to_string()));
        let known = place.as_deref().and_then(cache::read).and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(known) = known {
            return known.lines().map(str::to_owned).collect();
        }
        let mut found = BTreeSet::new();
        for file in sources {
            // What cannot be read is reported when it is packed.
            if let Ok(bytes) = fs::read(file.source) {
                scanner.scan(file.path, &bytes, &self.names, &mut found);
            }
        }
        if let Some(place) = place {
            let lines: String = found.iter().map(|name| format!("{name}\n")).collect();
            let _ = cache::write(&place, lines.as_bytes());
        }
        found
    }

    /// What the files are, short of reading them; `None` where they may change without a trace.
    fn fingerprint(&self) -> Option<Digest> {
        let now = SystemTime::now();
        let settled = |file: &&File<'_>| file.stamp.is_settled(now).then(|| file.stamp.bytes()).flatten();
        let stamps: Vec<_> = self.files.iter().map(settled).collect::<Option<_>>()?;
        let named = self.files.iter().zip(&stamps).flat_map(|(file, stamp)| [file.path.as_bytes(), stamp]);
        Some(Digest::of_all(std::iter::once(VERSION.as_bytes()).chain(named)))
    }
}

fn is_source(path: &str) -> bool {
    path.ends_with(".py") || path.ends_with(".dist-info/entry_points.txt")
}
