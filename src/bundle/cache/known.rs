//! What the files of one project were when they were last read, so that those that have not changed since are not even opened; and notes of what came of
//! them. One file for each project, read at once and written at once.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Digest, checked};
use crate::bundle::stamp::{Stamp, StampBytes};

/// Changes when what is remembered means something else than before.
const LAYOUT: &[u8] = b"zappa known 1\n";

/// What is known of the files of one project.
#[derive(Debug, Default)]
pub(in crate::bundle) struct Known {
    /// Where it is kept; nowhere: it is forgotten.
    file: Option<PathBuf>,
    before: Table,
    learned: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By path, as the system writes it.
    files: HashMap<Box<[u8]>, Row<(StampBytes, Digest)>>,
    notes: HashMap<Digest, Row<Vec<u8>>>,
}

#[derive(Debug)]
struct Row<T> {
    value: T,
    /// Whether this run asked for it.
    used: AtomicBool,
}

impl<T> Row<T> {
    fn new(value: T) -> Self {
        Self { value, used: AtomicBool::new(false) }
    }

    fn value(&self) -> &T {
        self.used.store(true, Ordering::Relaxed);
        &self.value
    }
}

/// What is in a file.
pub(in crate::bundle) struct Content {
    /// Of its bytes.
    pub(in crate::bundle) digest: Digest,
    /// How many they are.
    pub(in crate::bundle) size: u64,
    /// Themselves, if they had to be read.
    pub(in crate::bundle) bytes: Option<Vec<u8>>,
}

impl Known {
    /// Of the project at `root` with these dependencies. What is damaged is forgotten.
    pub(in crate::bundle) fn open(cache: &Path, root: &Path, site_packages: &[PathBuf]) -> Self {
        let paths = std::iter::once(root).chain(site_packages.iter().map(PathBuf::as_path));
        let key = Digest::of_all(paths.map(|path| path.as_os_str().as_encoded_bytes()));
        let file = cache.join("known").join(key.to_string());
        let before = checked::read(&file).and_then(|bytes| Table::parse(&bytes)).unwrap_or_default();
        Self { file: Some(file), before, learned: Mutex::default() }
    }

    /// What is in the file at `path`, which is read only if it is not known. `None`: it changed while it was read.
    pub(in crate::bundle) fn content(&self, path: &Path) -> io::Result<Option<Content>> {
        let now = SystemTime::now();
        let stamp = Stamp::from(&fs::metadata(path)?);
        if let Some(bytes) = stamp.bytes()
            && let Some(digest) = self.digest(path, &bytes)
        {
            return Ok(Some(Content { digest, size: stamp.size(), bytes: None }));
        }
        let Some((bytes, stamp)) = read(path)? else { return Ok(None) };
        let digest = Digest::of(&bytes);
        if let Some(stamp) = stamp.bytes().filter(|_| stamp.is_settled(now)) {
            self.learned().files.insert(path.as_os_str().as_encoded_bytes().into(), Row::new((stamp, digest)));
        }
        Ok(Some(Content { digest, size: bytes.len() as u64, bytes: Some(bytes) }))
    }

    fn digest(&self, path: &Path, stamp: &StampBytes) -> Option<Digest> {
        let path = path.as_os_str().as_encoded_bytes();
        let same = |row: &Row<(StampBytes, Digest)>| {
            let (then, digest) = row.value();
            (then == stamp).then_some(*digest)
        };
        self.before.files.get(path).and_then(same).or_else(|| self.learned().files.get(path).and_then(same))
    }

    /// What was noted under a name.
    pub(in crate::bundle) fn note(&self, name: &Digest) -> Option<&[u8]> {
        self.before.notes.get(name).map(|row| row.value().as_slice())
    }

    /// Notes something for the next run.
    pub(in crate::bundle) fn remember(&self, name: Digest, note: Vec<u8>) {
        self.learned().notes.insert(name, Row::new(note));
    }

    fn learned(&self) -> MutexGuard<'_, Table> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was learned. When most of what was known is of no use any more, forgets that; only to be asked for at the end of a run.
    pub(in crate::bundle) fn save(&self, prune: bool) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let learned = self.learned();
        if learned.files.is_empty() && learned.notes.is_empty() {
            return Ok(());
        }
        let mut bytes = LAYOUT.to_vec();
        let files = current(&self.before.files, &learned.files, prune);
        count(&mut bytes, files.len());
        for (path, (stamp, digest)) in files {
            count(&mut bytes, path.len());
            bytes.extend_from_slice(path);
            bytes.extend_from_slice(stamp);
            bytes.extend_from_slice(&digest.0);
        }
        let notes = current(&self.before.notes, &learned.notes, prune);
        count(&mut bytes, notes.len());
        for (name, note) in notes {
            bytes.extend_from_slice(&name.0);
            count(&mut bytes, note.len());
            bytes.extend_from_slice(note);
        }
        checked::write(file, &bytes)
    }
}

/// What is worth keeping of what was known before, and what was learned.
fn current<'t, K: Eq + std::hash::Hash, V>(
    before: &'t HashMap<K, Row<V>>,
    learned: &'t HashMap<K, Row<V>>,
    prune: bool,
) -> Vec<(&'t K, &'t V)> {
    let used = before.values().filter(|row| row.used.load(Ordering::Relaxed)).count();
    let forget = prune && used + learned.len() < before.len() / 2;
    let kept = before.iter().filter(|(key, row)| !learned.contains_key(key) && (!forget || row.used.load(Ordering::Relaxed)));
    kept.chain(learned).map(|(key, row)| (key, &row.value)).collect()
}

/// Reads a file that stays what it is meanwhile; `None` if it does not.
fn read(path: &Path) -> io::Result<Option<(Vec<u8>, Stamp)>> {
    let mut file = File::open(path)?;
    let before = Stamp::from(&file.metadata()?);
    let mut bytes = Vec::with_capacity(usize::try_from(before.size()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    let after = Stamp::from(&fs::metadata(path)?);
    Ok((before == after && bytes.len() as u64 == before.size()).then_some((bytes, before)))
}

fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}

impl Table {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes.strip_prefix(LAYOUT)?);
        let files = rest.count()?;
        let mut table = Self { files: HashMap::with_capacity(files.min(bytes.len())), notes: HashMap::new() };
        for _ in 0..files {
            let length = rest.count()?;
            let path = rest.take(length)?.into();
            let stamp = rest.take(44)?.try_into().ok()?;
            let digest = rest.digest()?;
            table.files.insert(path, Row::new((stamp, digest)));
        }
        let notes = rest.count()?;
        table.notes.reserve(notes.min(bytes.len()));
        for _ in 0..notes {
            let name = rest.digest()?;
            let length = rest.count()?;
            table.notes.insert(name, Row::new(rest.take(length)?.to_vec()));
        }
        rest.0.is_empty().then_some(table)
    }
}

/// What is not parsed yet.
struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }

    fn digest(&mut self) -> Option<Digest> {
        self.take(32)?.try_into().ok().map(Digest)
    }
}
