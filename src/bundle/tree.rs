//! A manifest laid out as the directory tree that its archive would unpack to, for those who start it many times a day. The next tree takes over by
//! hard links what has not changed; what is shared is read-only, and never the project's own file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::byte_code::compiled;
use super::{BundleError, Entry, Manifest, Part, Source};
use crate::disk::Stamp;

/// A file of the tree, as it was when it was written.
#[derive(Debug, Clone)]
struct Member {
    part: Part,
    executable: bool,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    File { path: PathBuf, stamp: Option<Stamp> },
    Bytes(Vec<u8>),
}

/// What has to be written and removed to get from a tree to a manifest.
#[derive(Debug, Default)]
pub struct Changes {
    written: Vec<String>,
    removed: Vec<String>,
}

impl Changes {
    /// Whether the tree is as the manifest says.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }

    /// All paths in the bundle that differ, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = self.written.iter().chain(&self.removed).map(String::as_str).collect();
        paths.sort_unstable();
        paths
    }
}

/// A manifest on disk. Its directories stay writable until [`Tree::seal`].
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    /// `cpython-311`: whose byte code is taken along.
    cache_tag: String,
    members: BTreeMap<String, Member>,
    /// Byte code beside the members.
    byte_code: BTreeSet<String>,
    directories: BTreeSet<String>,
}

impl Tree {
    /// Copies everything to `root`, which must not exist. With the dependencies comes the byte code that their installer has made.
    pub fn lay(manifest: &Manifest, root: &Path, cache_tag: &str, cancelled: &AtomicBool) -> Result<Self, BundleError> {
        let mut tree = Self::empty(root, cache_tag);
        tree.make_directory("")?;
        for entry in &manifest.entries {
            tree.make_parents(&entry.path)?;
        }
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let share = manifest.entries.len().div_ceil(threads).max(1);
        let written = thread::scope(|scope| {
            let copy = |entries: &[Entry]| entries.iter().map(|entry| tree.copy(entry, cancelled)).collect::<Result<Vec<_>, _>>();
            let workers: Vec<_> = manifest.entries.chunks(share).map(|entries| scope.spawn(move || copy(entries))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| Err(BundleError::Empty))).collect::<Result<Vec<_>, _>>()
        })?;
        for (entry, (member, compiled)) in manifest.entries.iter().zip(written.into_iter().flatten()) {
            tree.members.insert(entry.path.clone(), member);
            if let Some(path) = compiled {
                tree.directories.extend(parent(&path).map(str::to_owned));
                tree.byte_code.insert(path);
            }
        }
        Ok(tree)
    }

    fn empty(root: &Path, cache_tag: &str) -> Self {
        let (members, byte_code, directories) = Default::default();
        Self { root: root.to_owned(), cache_tag: cache_tag.to_owned(), members, byte_code, directories }
    }

    /// Where it is.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is different in `manifest`. Files below `frozen` are taken to be as they were. A file that was only touched does not count, unless
    /// `touched` says so.
    #[must_use]
    pub fn changes(&self, manifest: &Manifest, frozen: &[PathBuf], touched: bool) -> Changes {
        let mut changes = Changes::default();
        let mut wanted = BTreeSet::new();
        for entry in &manifest.entries {
            wanted.insert(entry.path.as_str());
            if self.members.get(&entry.path).is_none_or(|member| self.differs(member, entry, frozen, touched)) {
                changes.written.push(entry.path.clone());
            }
        }
        changes.removed.extend(self.members.keys().filter(|path| !wanted.contains(path.as_str())).cloned());
        changes
    }

    fn differs(&self, member: &Member, entry: &Entry, frozen: &[PathBuf], touched: bool) -> bool {
        match (&member.origin, &entry.source) {
            (Origin::Bytes(old), Source::Bytes(new)) => old != new,
            (Origin::File { path: old, stamp }, Source::File(new)) => {
                // A directory stands for a package of a layer, which never changes.
                let fixed = stamp.is_none() || frozen.iter().any(|directory| new.starts_with(directory));
                if old == new && fixed {
                    return false;
                }
                if member.executable != entry.executable {
                    return true;
                }
                let now = Stamp::of(new);
                if old == new && now.is_some() && now == *stamp {
                    return false;
                }
                touched || !same_content(new, &self.root.join(&entry.path))
            }
            _ => true,
        }
    }

    /// A tree like this one at `root`, which must not exist.
    pub fn link_to(&self, root: &Path) -> Result<Self, BundleError> {
        let mut tree = Self::empty(root, &self.cache_tag);
        tree.members.clone_from(&self.members);
        for directory in &self.directories {
            tree.make_directory(directory)?;
        }
        for path in self.members.keys().chain(&self.byte_code) {
            let (old, new) = (self.root.join(path), root.join(path));
            let linked = match fs::read_link(&old) {
                Ok(target) => symlink(&target, &new),
                // Not every file system has hard links, and none has them without end.
                Err(_) => fs::hard_link(&old, &new).or_else(|_| fs::copy(&old, &new).map(|_| ())),
            };
            linked.map_err(|source| BundleError::Write { path: new, source })?;
        }
        tree.byte_code.clone_from(&self.byte_code);
        Ok(tree)
    }

    /// Makes it what `manifest` says, given how it differs.
    pub fn change(&mut self, manifest: &Manifest, changes: &Changes) -> Result<(), BundleError> {
        for path in changes.removed.iter().chain(&changes.written) {
            if self.members.remove(path).is_some() {
                self.remove_file(path)?;
                let compiled = compiled(path, &self.cache_tag);
                if let Some(compiled) = compiled.filter(|compiled| self.byte_code.remove(compiled)) {
                    self.remove_file(&compiled)?;
                }
            }
        }
        for path in &changes.removed {
            self.prune(path);
        }
        let never = AtomicBool::new(false);
        for path in &changes.written {
            let position = manifest.entries.binary_search_by(|entry| entry.path.as_str().cmp(path));
            let Some(entry) = position.ok().and_then(|position| manifest.entries.get(position)) else { continue };
            self.make_parents(&entry.path)?;
            let (member, compiled) = self.copy(entry, &never)?;
            self.members.insert(entry.path.clone(), member);
            if let Some(path) = compiled {
                self.directories.extend(parent(&path).map(str::to_owned));
                self.byte_code.insert(path);
            }
        }
        Ok(())
    }

    /// Python files of the project and of ours that have no byte code yet, and the byte code to be.
    #[must_use]
    pub fn uncompiled(&self) -> Vec<PathBuf> {
        let own = self.members.iter().filter(|(_, member)| member.part != Part::Dependencies);
        let missing = own.filter(|(path, _)| compiled(path, &self.cache_tag).is_some_and(|compiled| !self.byte_code.contains(&compiled)));
        missing.map(|(path, _)| self.root.join(path)).collect()
    }

    /// Takes note of byte code that somebody has made since.
    pub fn adopt_byte_code(&mut self) {
        let own = self.members.iter().filter(|(_, member)| member.part != Part::Dependencies);
        let made = own.filter_map(|(path, _)| compiled(path, &self.cache_tag)).filter(|path| self.root.join(path).is_file());
        self.byte_code.extend(made.collect::<Vec<_>>());
        let directories: Vec<_> = self.byte_code.iter().filter_map(|path| parent(path).map(str::to_owned)).collect();
        self.directories.extend(directories);
    }

    /// Takes the right to write from all directories, as files have lost it when they were written.
    pub fn seal(&self) -> Result<(), BundleError> {
        self.directories.iter().try_for_each(|directory| {
            let path = self.root.join(directory);
            set_mode(&path, 0o555).map_err(|source| BundleError::Write { path, source })
        })
    }

    fn make_parents(&mut self, path: &str) -> Result<(), BundleError> {
        match parent(path) {
            Some(parent) if !self.directories.contains(parent) => {
                self.make_parents(parent)?;
                self.make_directory(parent)
            }
            _ => Ok(()),
        }
    }

    fn make_directory(&mut self, path: &str) -> Result<(), BundleError> {
        let directory = self.root.join(path);
        // The byte code's directory may be there before anyone took note of it.
        let made = fs::create_dir(&directory).or_else(|error| if directory.is_dir() && !path.is_empty() { Ok(()) } else { Err(error) });
        made.map_err(|source| BundleError::Write { path: directory, source })?;
        self.directories.insert(path.to_owned());
        Ok(())
    }

    fn remove_file(&self, path: &str) -> Result<(), BundleError> {
        let path = self.root.join(path);
        if cfg!(windows) {
            let _ = set_mode(&path, 0o644);
        }
        fs::remove_file(&path).map_err(|source| BundleError::Write { path, source })
    }

    /// Removes directories that `path` was the last file of.
    fn prune(&mut self, path: &str) {
        let mut next = parent(path);
        while let Some(directory) = next.filter(|directory| !directory.is_empty()) {
            let cache = format!("{directory}/__pycache__");
            if fs::remove_dir(self.root.join(&cache)).is_ok() {
                self.directories.remove(&cache);
            }
            if fs::remove_dir(self.root.join(directory)).is_err() {
                return;
            }
            self.directories.remove(directory);
            next = parent(directory);
        }
    }

    /// Writes one member, read-only, and the byte code that comes with it.
    fn copy(&self, entry: &Entry, cancelled: &AtomicBool) -> Result<(Member, Option<String>), BundleError> {
        let target = self.root.join(&entry.path);
        let unwritable = |source| BundleError::Write { path: target.clone(), source };
        if cancelled.load(Ordering::Relaxed) {
            return Err(unwritable(io::ErrorKind::Interrupted.into()));
        }
        let mode = if entry.executable { 0o555 } else { 0o444 };
        let (origin, compiled) = match &entry.source {
            Source::Bytes(bytes) => {
                fs::write(&target, bytes).map_err(unwritable)?;
                (Origin::Bytes(bytes.clone()), None)
            }
            Source::ByteCode(code) => {
                let bytes = code.bytes().map_err(unwritable)?;
                fs::write(&target, &bytes).map_err(unwritable)?;
                (Origin::Bytes(bytes), None)
            }
            Source::Stripped(stripped) => {
                let bytes = stripped.bytes().map_err(|source| BundleError::Read { path: stripped.original().0.to_owned(), source })?;
                fs::write(&target, &bytes).map_err(unwritable)?;
                (Origin::Bytes(bytes), None)
            }
            Source::File(path) => {
                let mut file = File::open(path).map_err(|source| BundleError::Read { path: path.clone(), source })?;
                // Before it is read: what is written to it afterwards makes it another one.
                let metadata = file.metadata().map_err(|source| BundleError::Read { path: path.clone(), source })?;
                if metadata.is_dir() {
                    symlink(path, &target).map_err(unwritable)?;
                    let origin = Origin::File { path: path.clone(), stamp: None };
                    return Ok((Member { part: entry.part, executable: false, origin }, None));
                }
                let mut copy = File::create_new(&target).map_err(unwritable)?;
                io::copy(&mut file, &mut copy).map_err(unwritable)?;
                let mut compiled = None;
                if entry.part == Part::Dependencies {
                    compiled = self.copy_byte_code(path, &entry.path).map_err(unwritable)?;
                    if let (Some(modified), true) = (metadata.modified().ok(), compiled.is_some()) {
                        // Byte code is good for a source of this very time.
                        copy.set_times(FileTimes::new().set_modified(modified)).map_err(unwritable)?;
                    }
                }
                (Origin::File { path: path.clone(), stamp: Some(Stamp::from(&metadata)) }, compiled)
            }
        };
        set_mode(&target, mode).map_err(unwritable)?;
        Ok((Member { part: entry.part, executable: entry.executable, origin }, compiled))
    }

    /// Where the file at `source` has byte code, copies that too. Returns its path in the tree.
    fn copy_byte_code(&self, source: &Path, path: &str) -> io::Result<Option<String>> {
        let (Some(compiled), Some(name)) = (compiled(path, &self.cache_tag), source.file_stem()) else { return Ok(None) };
        let mut file = source.with_file_name("__pycache__");
        file.push(format!("{}.{}.pyc", name.to_string_lossy(), self.cache_tag));
        let Ok(mut file) = File::open(file) else { return Ok(None) };
        let target = self.root.join(&compiled);
        if let Some(directory) = target.parent() {
            // Several threads may want it at once.
            fs::create_dir_all(directory)?;
        }
        io::copy(&mut file, &mut File::create_new(&target)?)?;
        set_mode(&target, 0o444)?;
        Ok(Some(compiled))
    }
}

/// The directory of a path in the tree; the root is the empty path, and has none.
fn parent(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path.rsplit_once('/').map_or("", |(parent, _)| parent)) }
}

fn same_content(a: &Path, b: &Path) -> bool {
    let size = |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.len());
    if size(a) != size(b) {
        return false;
    }
    matches!((fs::read(a), fs::read(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    permissions.set_readonly(mode & 0o200 == 0);
    fs::set_permissions(path, permissions)
}
