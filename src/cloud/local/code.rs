//! Unpacked code: one read-only directory per archive, named by its hash, complete or not there at all.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::LocalError;
use crate::cloud::ArchiveSpec;

/// Unpacks the archive to `target`, unless that is there already. Returns whether it did.
pub(super) fn unpack(archive: &ArchiveSpec, target: &Path) -> Result<bool, LocalError> {
    if target.is_dir() {
        return Ok(false);
    }
    let parent = target.parent().unwrap_or(Path::new("."));
    let write = |source| LocalError::Write { path: target.to_owned(), source };
    fs::create_dir_all(parent).map_err(write)?;
    let staging = tempfile::Builder::new().prefix(".new-").tempdir_in(parent).map_err(write)?;
    let path = &archive.path;
    let file = File::open(path).map_err(|source| LocalError::Read { path: path.clone(), source })?;
    let mut zip = zip::ZipArchive::new(file).map_err(|source| LocalError::Unpack { path: path.clone(), source })?;
    zip.extract(staging.path()).map_err(|source| match source {
        // Most likely of the place it is unpacked to.
        zip::result::ZipError::Io(source) => write(source),
        source => LocalError::Unpack { path: path.clone(), source },
    })?;
    let staging = staging.keep();
    // Directories are made read-only only once everything is in them; the outermost one after it has its name.
    let finished = fs::rename(&staging, target).and_then(|()| make_read_only(target));
    if let Err(source) = finished {
        let _ = remove(&staging);
        return Err(write(source));
    }
    Ok(true)
}

/// Keeps the archive at `target` as it is.
pub(super) fn keep(archive: &ArchiveSpec, target: &Path) -> Result<(), LocalError> {
    if target.is_file() {
        return Ok(());
    }
    let parent = target.parent().unwrap_or(Path::new("."));
    let attempt = || {
        fs::create_dir_all(parent)?;
        let staging = tempfile::Builder::new().prefix(".new-").tempfile_in(parent)?;
        fs::copy(&archive.path, staging.path())?;
        staging.persist(target).map_err(|error| error.error)
    };
    attempt().map(drop).map_err(|source| LocalError::Write { path: target.to_owned(), source })
}

/// Takes write permission from everything below `directory` and from itself, as in Lambda's `/var/task`.
fn make_read_only(directory: &Path) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(directory).contents_first(true) {
        let entry = entry?;
        let mut permissions = entry.metadata()?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(entry.path(), permissions)?;
    }
    Ok(())
}

/// Removes a directory whose content may be read-only, or a file.
pub(super) fn remove(directory: &Path) -> io::Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    if directory.is_file() {
        return fs::remove_file(directory);
    }
    for entry in walkdir::WalkDir::new(directory) {
        let entry = entry?;
        // Removing needs a writable parent on Unix and a writable file on Windows.
        if entry.file_type().is_dir() || cfg!(windows) {
            make_writable(entry.path())?;
        }
    }
    fs::remove_dir_all(directory)
}

fn make_writable(path: &Path) -> io::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        permissions.set_mode(permissions.mode() | 0o700);
    }
    #[cfg(not(unix))]
    permissions.set_readonly(false);
    fs::set_permissions(path, permissions)
}
