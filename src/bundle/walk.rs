//! Walks a directory for files to bundle: in order of names, through symbolic links, with an error for everything that no archive can hold.
//! What is wanted is for the caller to say; what is not wanted may be as broken as it likes.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::cache::{Digest, Kind, Known, Named};
use super::{BundleError, By, Part, Skipped, workers};
use crate::disk::Stamp;

/// Files that a thread looks at in one go.
const SHARE: usize = 64;

/// Something that was come upon.
pub(super) struct Candidate<'a> {
    /// Below the root that is walked, `/`-separated.
    pub(super) relative: &'a str,
    /// The last part of it.
    pub(super) name: &'a str,
    /// Where it is.
    pub(super) path: &'a Path,
    /// Whether it is a directory or a link to one.
    pub(super) is_directory: bool,
}

impl Candidate<'_> {
    /// In bytes, if it is a file. Asked for what is not wanted: of the rest it is known in the end.
    pub(super) fn size(&self) -> u64 {
        if self.is_directory { 0 } else { fs::metadata(self.path).map_or(0, |metadata| metadata.len()) }
    }

    /// The note that it stays out, at `path` of the bundle.
    pub(super) fn skipped(&self, path: String, part: Part, by: By, reason: String) -> Skipped {
        let path = if self.is_directory { format!("{path}/") } else { path };
        Skipped { path, reason, by, part, files: usize::from(!self.is_directory), size: self.size() }
    }
}

/// A file that is wanted.
pub(super) struct Found {
    /// Below the root that was walked, `/`-separated.
    pub(super) relative: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// In bytes.
    pub(super) size: u64,
    /// Whether anyone may execute it.
    pub(super) executable: bool,
    /// What tells that it has changed.
    pub(super) stamp: Stamp,
    /// Of what is in it, if that is known already.
    pub(super) digest: Option<Digest>,
}

/// Says whether a file is wanted or a directory worth entering.
pub(super) type Decide<'a> = dyn FnMut(&Candidate<'_>) -> Result<bool, BundleError> + 'a;

/// All wanted files below `root`.
pub(super) fn walk(root: &Path, known: &Known, decide: &mut Decide<'_>) -> Result<Vec<Found>, BundleError> {
    let mut walk = Walk { known, decide, ancestors: vec![canonical(root)?], wanted: Vec::new() };
    walk.directory(root, "")?;
    // One look at each file is most of the work when nothing has changed.
    let Walk { wanted, .. } = walk;
    let shares: Vec<&[(String, PathBuf)]> = wanted.chunks(SHARE).collect();
    let found = workers::each(
        shares.len(),
        || (),
        |(), index| {
            let share = shares.get(index).copied().unwrap_or_default();
            share.iter().map(|(relative, path)| find(relative, path, known)).collect::<Result<Vec<_>, _>>()
        },
    )?;
    Ok(found.into_iter().flatten().collect())
}

fn find(relative: &str, path: &Path, known: &Known) -> Result<Found, BundleError> {
    let metadata = fs::metadata(path).map_err(|source| unreachable_file(path, source))?;
    if !metadata.is_file() {
        return Err(BundleError::Special { path: path.to_owned(), kind: kind(&metadata) });
    }
    let stamp = Stamp::from(&metadata);
    let digest = known.digest(path, &stamp);
    let (relative, path) = (relative.to_owned(), path.to_owned());
    Ok(Found { relative, path, size: metadata.len(), executable: is_executable(&metadata), stamp, digest })
}

/// Whether anyone may execute a file. Windows does not say.
pub(super) fn is_executable(metadata: &Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

struct Walk<'w, 'd> {
    known: &'w Known,
    decide: &'w mut Decide<'d>,
    /// Real paths of the directory that is read and of those above it, down from the root.
    ancestors: Vec<PathBuf>,
    /// Files: below the root, and where they are.
    wanted: Vec<(String, PathBuf)>,
}

impl Walk<'_, '_> {
    fn directory(&mut self, directory: &Path, relative: &str) -> Result<(), BundleError> {
        let listing = self.known.directory(directory).map_err(|source| BundleError::Read { path: directory.to_owned(), source })?;
        listing.iter().try_for_each(|named| self.entry(&directory.join(&named.name), relative, named))
    }

    fn entry(&mut self, path: &Path, above: &str, named: &Named) -> Result<(), BundleError> {
        let name = named.name.to_string_lossy();
        let relative = if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
        // What a directory does not tell, the file tells.
        let metadata = if named.kind == Kind::Other { Some(fs::metadata(path)) } else { None };
        let is_directory = match &metadata {
            None => named.kind == Kind::Directory,
            Some(metadata) => metadata.as_ref().is_ok_and(Metadata::is_dir),
        };
        if !(self.decide)(&Candidate { relative: &relative, name: &name, path, is_directory })? {
            return Ok(());
        }
        if named.name.to_str().is_none() {
            return Err(BundleError::NotUnicode { path: path.to_owned() });
        }
        if let Some(Err(source)) = metadata {
            return Err(unreachable_file(path, source));
        }
        if !is_directory {
            self.wanted.push((relative, path.to_owned()));
            return Ok(());
        }
        if named.kind == Kind::Directory {
            // No link, so it leads nowhere else.
            let real = self.ancestors.last().map(|parent| parent.join(&named.name)).unwrap_or_default();
            return self.enter(path, &relative, real);
        }
        let real = canonical(path)?;
        // A link to a directory above the root leads back as well, one round later.
        if self.ancestors.contains(&real) || self.ancestors.last().is_some_and(|parent| parent.starts_with(&real)) {
            return Err(BundleError::Loop { path: path.to_owned(), target: real });
        }
        self.enter(path, &relative, real)
    }

    fn enter(&mut self, path: &Path, relative: &str, real: PathBuf) -> Result<(), BundleError> {
        self.ancestors.push(real);
        self.directory(path, relative)?;
        self.ancestors.pop();
        Ok(())
    }
}

fn canonical(path: &Path) -> Result<PathBuf, BundleError> {
    path.canonicalize().map_err(|source| BundleError::Read { path: path.to_owned(), source })
}

/// Why a name in a directory leads to no file: almost always a link.
fn unreachable_file(path: &Path, source: io::Error) -> BundleError {
    match fs::read_link(path) {
        Ok(target) if source.kind() == io::ErrorKind::NotFound => BundleError::Dangling { path: path.to_owned(), target },
        Ok(target) if source.kind() != io::ErrorKind::PermissionDenied => BundleError::Loop { path: path.to_owned(), target },
        _ => BundleError::Read { path: path.to_owned(), source },
    }
}

#[cfg(unix)]
fn kind(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    let file_type = metadata.file_type();
    if file_type.is_socket() {
        "a socket"
    } else if file_type.is_fifo() {
        "a named pipe"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn kind(_metadata: &Metadata) -> &'static str {
    "no regular file"
}
