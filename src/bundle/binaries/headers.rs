//! Headers of files that were read once, so that they are not opened again while the files are what they were.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::elf::{self, Binary};
use super::target::Target;
use crate::bundle::cache::{self, Digest};
use crate::disk::Stamp;

/// Changes when something else is read off the same file.
const VERSION: &str = "headers 1";

/// What is known of the files of one project for one target.
pub(super) struct Headers {
    path: PathBuf,
    before: BTreeMap<PathBuf, (String, Binary)>,
    now: BTreeMap<PathBuf, (String, Binary)>,
}

impl Headers {
    /// What is kept in the cache.
    pub(super) fn open(cache: &Path, root: &Path, target: Target) -> Self {
        let key = Digest::of_all([VERSION.as_bytes(), target.to_string().as_bytes(), root.as_os_str().as_encoded_bytes()]);
        let path = cache.join("binaries").join(key.to_string());
        let before = cache::read(&path).and_then(|content| serde_json::from_slice(&content).ok()).unwrap_or_default();
        Self { path, before, now: BTreeMap::new() }
    }

    /// As [`elf::read`].
    pub(super) fn read(&mut self, file: &Path) -> io::Result<Binary> {
        let stamp = Stamp::of(file);
        let text = stamp.and_then(|stamp| stamp.text());
        let known = self.before.get(file).filter(|(then, _)| Some(then) == text.as_ref());
        let binary = known.map_or_else(|| elf::read(file), |(_, binary)| Ok(binary.clone()))?;
        if let Some(text) = text.filter(|_| stamp.is_some_and(|stamp| stamp.is_settled(SystemTime::now()))) {
            self.now.insert(file.to_owned(), (text, binary.clone()));
        }
        Ok(binary)
    }

    /// Keeps what was read since it was opened for the next time.
    pub(super) fn save(&self) -> io::Result<()> {
        if self.now == self.before { Ok(()) } else { cache::write(&self.path, &serde_json::to_vec(&self.now)?) }
    }
}
