//! What was found out about native code, so that the next run need not open it again: good for as long as the files are what they were.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::target::Target;
use super::wheels::Misfit;
use crate::bundle::cache::{self, Digest};
use crate::disk::Stamp;

/// Changes when the same file is to be judged differently from before.
const VERSION: &str = "1";

/// One distribution with native code.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// What was judged, and what tells each file from what it may become; `None` for one that is not there.
    files: Vec<(PathBuf, Option<String>)>,
    /// Why it does not run on the target, if so.
    misfit: Option<Misfit>,
    /// There is no wheel that does.
    pub(super) unavailable: bool,
}

impl Record {
    pub(super) fn new<'f>(files: impl IntoIterator<Item = &'f Path>, misfit: Option<Misfit>) -> Self {
        let files = files.into_iter().map(|file| (file.to_owned(), stamp(file))).collect();
        Self { files, misfit, unavailable: false }
    }

    /// The files that were judged.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(file, _)| file.as_path())
    }

    fn holds(&self) -> bool {
        self.files.iter().all(|(file, then)| stamp(file) == *then)
    }

    /// Whether each of the files would show it if it were written to from now on.
    fn is_settled(&self, now: SystemTime) -> bool {
        self.files().all(|file| Stamp::of(file).is_none_or(|stamp| stamp.is_settled(now)))
    }
}

fn stamp(file: &Path) -> Option<String> {
    Stamp::of(file)?.text()
}

/// What is known of the distributions in some directories.
pub(super) struct Memory {
    path: PathBuf,
    records: Vec<Record>,
    changed: bool,
}

impl Memory {
    /// What still holds of what is kept in the cache.
    pub(super) fn open(cache: &Path, target: Target, sites: &[PathBuf]) -> Self {
        let target = target.to_string();
        let sites = sites.iter().map(|site| site.as_os_str().as_encoded_bytes());
        let key = Digest::of_all([VERSION.as_bytes(), target.as_bytes()].into_iter().chain(sites));
        let path = cache.join("binaries").join(key.to_string());
        let kept: Option<Vec<Record>> = cache::read(&path).and_then(|content| serde_json::from_slice(&content).ok());
        let records = kept.unwrap_or_default().into_iter().filter(Record::holds).collect();
        Self { path, records, changed: false }
    }

    /// The files that have been judged.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.records.iter().flat_map(Record::files)
    }

    /// What does not run on the target.
    pub(super) fn misfits(&self) -> impl Iterator<Item = (&Misfit, &Record)> {
        self.records.iter().filter_map(|record| Some((record.misfit.as_ref()?, record)))
    }

    /// Takes note of everything, except for the distributions that nothing was to be said about any more: what others take the places of.
    pub(super) fn set(&mut self, records: Vec<Record>) {
        self.changed = true;
        let judged: HashSet<&Path> = records.iter().flat_map(Record::files).collect();
        self.records.retain(|record| !record.files().any(|file| judged.contains(file)));
        self.records.extend(records);
    }

    /// Takes note that there is no wheel in place of this distribution.
    pub(super) fn set_unavailable(&mut self, name: &str, version: &str) {
        let is_meant = |misfit: &Misfit| misfit.name == name && misfit.version == version;
        for record in self.records.iter_mut().filter(|record| record.misfit.as_ref().is_some_and(is_meant)) {
            self.changed |= !record.unavailable;
            record.unavailable = true;
        }
    }

    /// Keeps it for the next time.
    pub(super) fn save(&self) -> io::Result<()> {
        let now = SystemTime::now();
        let settled: Vec<&Record> = self.records.iter().filter(|record| record.is_settled(now)).collect();
        if self.changed { cache::write(&self.path, &serde_json::to_vec(&settled)?) } else { Ok(()) }
    }
}
