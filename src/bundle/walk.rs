//! Walks a directory for files to bundle: in order of names, through symbolic links, with an error for everything that no archive can hold.
//! What is wanted is for the caller to say; what is not wanted may be as broken as it likes.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::stamp::Stamp;
use super::{BundleError, By, Part, Skipped};

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
    /// In bytes, if it is a file.
    pub(super) size: u64,
}

impl Candidate<'_> {
    /// The note that it stays out, at `path` of the bundle.
    pub(super) fn skipped(&self, path: String, part: Part, by: By, reason: String) -> Skipped {
        let path = if self.is_directory { format!("{path}/") } else { path };
        Skipped { path, reason, by, part, files: usize::from(!self.is_directory), size: self.size }
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
}

/// Says whether a file is wanted or a directory worth entering.
pub(super) type Decide<'a> = dyn FnMut(&Candidate<'_>) -> Result<bool, BundleError> + 'a;

/// All wanted files below `root`.
pub(super) fn walk(root: &Path, decide: &mut Decide<'_>) -> Result<Vec<Found>, BundleError> {
    let mut walk = Walk { decide, ancestors: vec![canonical(root)?], found: Vec::new() };
    walk.directory(root, "")?;
    Ok(walk.found)
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
    decide: &'w mut Decide<'d>,
    /// Real paths of the directory that is read and of those above it, down from the root.
    ancestors: Vec<PathBuf>,
    found: Vec<Found>,
}

impl Walk<'_, '_> {
    fn directory(&mut self, directory: &Path, relative: &str) -> Result<(), BundleError> {
        let unreadable = |source| BundleError::Read { path: directory.to_owned(), source };
        // Nearly every file system says what the things in a directory are.
        let named = |entry: fs::DirEntry| (entry.file_name(), entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut names = fs::read_dir(directory)
            .and_then(|entries| entries.map(|entry| entry.map(named)).collect::<io::Result<Vec<_>>>())
            .map_err(unreadable)?;
        names.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        names.iter().try_for_each(|(name, plain)| self.entry(&directory.join(name), relative, name, *plain))
    }

    fn entry(&mut self, path: &Path, above: &str, os_name: &OsStr, plain_directory: bool) -> Result<(), BundleError> {
        let name = os_name.to_string_lossy();
        let relative = if above.is_empty() { name.to_string() } else { format!("{above}/{name}") };
        if plain_directory {
            let wanted = (self.decide)(&Candidate { relative: &relative, name: &name, path, is_directory: true, size: 0 })?;
            if wanted && os_name.to_str().is_none() {
                return Err(BundleError::NotUnicode { path: path.to_owned() });
            }
            // No link, so it leads nowhere else.
            let real = self.ancestors.last().map(|parent| parent.join(os_name));
            return if let Some(real) = real.filter(|_| wanted) { self.enter(path, &relative, real) } else { Ok(()) };
        }
        let metadata = fs::metadata(path);
        let is_directory = metadata.as_ref().is_ok_and(Metadata::is_dir);
        let size = metadata.as_ref().map_or(0, |metadata| if is_directory { 0 } else { metadata.len() });
        if !(self.decide)(&Candidate { relative: &relative, name: &name, path, is_directory, size })? {
            return Ok(());
        }
        if os_name.to_str().is_none() {
            return Err(BundleError::NotUnicode { path: path.to_owned() });
        }
        let metadata = metadata.map_err(|source| unreachable_file(path, source))?;
        if metadata.is_dir() {
            let real = canonical(path)?;
            // A link to a directory above the root leads back as well, one round later.
            if self.ancestors.contains(&real) || self.ancestors.last().is_some_and(|parent| parent.starts_with(&real)) {
                return Err(BundleError::Loop { path: path.to_owned(), target: real });
            }
            return self.enter(path, &relative, real);
        }
        if !metadata.is_file() {
            return Err(BundleError::Special { path: path.to_owned(), kind: kind(&metadata) });
        }
        let (executable, stamp) = (is_executable(&metadata), Stamp::from(&metadata));
        self.found.push(Found { relative, path: path.to_owned(), size: metadata.len(), executable, stamp });
        Ok(())
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
