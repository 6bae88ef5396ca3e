//! What the files of one project were when they were last read, so that those that have not changed since are not even opened; what was in the
//! directories; and notes of what came of them. One file for each project, read at once and written at once.

use std::collections::HashMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::{Digest, LARGE, checked};
use crate::bundle::workers;
use crate::disk::{Stamp, StampBytes};

/// Changes when what is remembered means something else than before.
const LAYOUT: &[u8] = b"zappa known 2\n";

/// Directories that a thread looks at in one go.
const SHARE: usize = 64;

/// What is known of the files of one project.
#[derive(Debug, Default)]
pub(in crate::bundle) struct Known {
    /// Where it is kept; nowhere: it is forgotten.
    file: Option<PathBuf>,
    /// Directories in which only installers write.
    site_packages: Vec<PathBuf>,
    before: Table,
    learned: Mutex<Table>,
}

/// What was known of what had this stamp, by path, as the system writes it.
type ByPath<T> = HashMap<Box<[u8]>, Row<(StampBytes, T)>>;

#[derive(Debug, Default)]
struct Table {
    files: ByPath<Digest>,
    /// What is in each, packed. Only of those that are as they were.
    directories: ByPath<Vec<u8>>,
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
    /// Themselves, if they had to be read and are not [`LARGE`].
    pub(in crate::bundle) bytes: Option<Vec<u8>>,
}

/// Something in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::bundle) struct Named {
    pub(in crate::bundle) name: OsString,
    pub(in crate::bundle) kind: Kind,
}

/// What something in a directory is, as the directory says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::bundle) enum Kind {
    Directory,
    File,
    /// A link, something special, or what the file system does not say of.
    Other,
}

impl Known {
    /// Of the project at `root` with these dependencies. What is damaged is forgotten.
    pub(in crate::bundle) fn open(cache: &Path, root: &Path, site_packages: &[PathBuf]) -> Self {
        let paths = std::iter::once(root).chain(site_packages.iter().map(PathBuf::as_path));
        let key = Digest::of_all(paths.map(|path| path.as_os_str().as_encoded_bytes()));
        let file = cache.join("known").join(key.to_string());
        let mut before = checked::read(&file).and_then(|bytes| Table::parse(&bytes)).unwrap_or_default();
        before.directories = unchanged(before.directories);
        Self { file: Some(file), site_packages: site_packages.to_vec(), before, learned: Mutex::default() }
    }

    /// What is in the file at `path`, which is read only if it is not known. `None`: it changed while it was read.
    pub(in crate::bundle) fn content(&self, path: &Path) -> io::Result<Option<Content>> {
        let now = SystemTime::now();
        let stamp = Stamp::from(&fs::metadata(path)?);
        if let Some(digest) = self.digest(path, &stamp) {
            return Ok(Some(Content { digest, size: stamp.size(), bytes: None }));
        }
        let Some((content, stamp)) = read(path)? else { return Ok(None) };
        if let Some(stamp) = stamp.bytes().filter(|_| stamp.is_settled(now)) {
            self.learned().files.insert(path.as_os_str().as_encoded_bytes().into(), Row::new((stamp, content.digest)));
        }
        Ok(Some(content))
    }

    /// What is in the file at `path`, which has this stamp now, if that is known without reading it.
    pub(in crate::bundle) fn digest(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        let path = path.as_os_str().as_encoded_bytes();
        let stamp = stamp.bytes()?;
        let same = |row: &Row<(StampBytes, Digest)>| {
            let (then, digest) = row.value();
            (*then == stamp).then_some(*digest)
        };
        self.before.files.get(path).and_then(same).or_else(|| self.learned().files.get(path).and_then(same))
    }

    /// What is in the directory at `path`, in the order of names. One of installed packages is read only if it may have changed: adding, removing and
    /// renaming are written to a directory, and so to its times. (Not on every file system: where people add files by hand, nothing is taken for granted.)
    pub(in crate::bundle) fn directory(&self, path: &Path) -> io::Result<Vec<Named>> {
        let is_installed = self.site_packages.iter().any(|site| path != site && path.starts_with(site));
        if self.file.is_none() || !is_installed || !cfg!(unix) {
            return read_directory(path);
        }
        let key = path.as_os_str().as_encoded_bytes();
        if let Some((_, packed)) = self.before.directories.get(key).map(Row::value) {
            return Ok(unpack(packed));
        }
        let now = SystemTime::now();
        let stamp = Stamp::from(&fs::metadata(path)?);
        let listing = read_directory(path)?;
        if let Some(stamp) = stamp.bytes().filter(|_| stamp.is_settled(now)) {
            self.learned().directories.insert(key.into(), Row::new((stamp, pack(&listing))));
        }
        Ok(listing)
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
        if learned.files.is_empty() && learned.directories.is_empty() && learned.notes.is_empty() {
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
        let directories = current(&self.before.directories, &learned.directories, prune);
        count(&mut bytes, directories.len());
        for (path, (stamp, packed)) in directories {
            count(&mut bytes, path.len());
            bytes.extend_from_slice(path);
            bytes.extend_from_slice(stamp);
            count(&mut bytes, packed.len());
            bytes.extend_from_slice(packed);
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
fn read(path: &Path) -> io::Result<Option<(Content, Stamp)>> {
    let mut file = File::open(path)?;
    let before = Stamp::from(&file.metadata()?);
    let size = before.size();
    let unchanged = || Ok::<_, io::Error>(before == Stamp::from(&fs::metadata(path)?));
    if size > LARGE {
        let digest = Digest::of_rest(file)?;
        return Ok(unchanged()?.then_some((Content { digest, size, bytes: None }, before)));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes)?;
    Ok((unchanged()? && bytes.len() as u64 == size).then(|| (Content { digest: Digest::of(&bytes), size, bytes: Some(bytes) }, before)))
}

/// Without those that may hold something else by now: looked at by all cores, before the first is needed.
#[cfg(unix)]
fn unchanged(directories: ByPath<Vec<u8>>) -> ByPath<Vec<u8>> {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let directories: Vec<_> = directories.into_iter().collect();
    let shares: Vec<_> = directories.chunks(SHARE).collect();
    let is_same = |path: &[u8], then: &StampBytes| {
        let now = Stamp::of(Path::new(OsStr::from_bytes(path))).and_then(|stamp| stamp.bytes());
        now.as_ref() == Some(then)
    };
    let same = workers::each(
        shares.len(),
        || (),
        |(), index| {
            let share = shares.get(index).copied().unwrap_or_default();
            Ok::<_, Infallible>(share.iter().map(|(path, row)| is_same(path, &row.value.0)).collect::<Vec<_>>())
        },
    );
    let Ok(same) = same;
    let same: Vec<bool> = same.into_iter().flatten().collect();
    directories.into_iter().zip(same).filter(|(_, same)| *same).map(|(directory, _)| directory).collect()
}

/// Directories that do not tell by their times when they change are never kept.
#[cfg(not(unix))]
fn unchanged(_directories: ByPath<Vec<u8>>) -> ByPath<Vec<u8>> {
    HashMap::new()
}

fn read_directory(path: &Path) -> io::Result<Vec<Named>> {
    // Nearly every file system says what the things in a directory are.
    let named = |entry: DirEntry| {
        let kind = match entry.file_type() {
            Ok(kind) if kind.is_dir() => Kind::Directory,
            Ok(kind) if kind.is_file() => Kind::File,
            _ => Kind::Other,
        };
        Named { name: entry.file_name(), kind }
    };
    let mut listing = fs::read_dir(path)?.map(|entry| entry.map(named)).collect::<io::Result<Vec<_>>>()?;
    listing.sort_unstable();
    Ok(listing)
}

/// Kind and name of each, with a zero byte behind it.
fn pack(listing: &[Named]) -> Vec<u8> {
    let mut packed = Vec::new();
    for Named { name, kind } in listing {
        packed.push(match kind {
            Kind::Directory => b'd',
            Kind::File => b'f',
            Kind::Other => b'-',
        });
        packed.extend_from_slice(name.as_encoded_bytes());
        packed.push(0);
    }
    packed
}

#[cfg(unix)]
fn unpack(packed: &[u8]) -> Vec<Named> {
    use std::os::unix::ffi::OsStringExt as _;
    let named = packed.split(|byte| *byte == 0).filter_map(<[u8]>::split_first);
    named
        .map(|(kind, name)| {
            let kind = match kind {
                b'd' => Kind::Directory,
                b'f' => Kind::File,
                _ => Kind::Other,
            };
            Named { name: OsString::from_vec(name.to_vec()), kind }
        })
        .collect()
}

/// Names that are not bytes are never packed.
#[cfg(not(unix))]
fn unpack(_packed: &[u8]) -> Vec<Named> {
    Vec::new()
}

fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}

impl Table {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = Rest(bytes.strip_prefix(LAYOUT)?);
        let files = rest.count()?;
        let mut table = Self { files: HashMap::with_capacity(files.min(bytes.len())), ..Self::default() };
        for _ in 0..files {
            let length = rest.count()?;
            let path = rest.take(length)?.into();
            let stamp = rest.take(44)?.try_into().ok()?;
            let digest = rest.digest()?;
            table.files.insert(path, Row::new((stamp, digest)));
        }
        let directories = rest.count()?;
        table.directories.reserve(directories.min(bytes.len()));
        for _ in 0..directories {
            let length = rest.count()?;
            let path = rest.take(length)?.into();
            let stamp = rest.take(44)?.try_into().ok()?;
            let length = rest.count()?;
            table.directories.insert(path, Row::new((stamp, rest.take(length)?.to_vec())));
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
