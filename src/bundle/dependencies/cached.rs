//! Directories of the cache that are whole or not there: filled beside their place and renamed, so that neither a run that is killed nor one beside it
//! is ever seen half-way; runs that want the same wait for each other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::bundle::{BundleError, cache};
use crate::observe::Observer;

/// What `fill` has to make in the directory that it is given.
pub(in crate::bundle) const CONTENT: &str = "packages";

/// The directory `key` below `parent`, filled if it is not there yet.
///
/// `fill` hands the lock on to the installer: one that outlives a run that was killed keeps the next one waiting instead of working against it.
pub(in crate::bundle) fn directory(
    parent: &Path,
    key: &str,
    observer: &dyn Observer,
    fill: impl FnOnce(&Path, &File) -> Result<(), BundleError>,
) -> Result<PathBuf, BundleError> {
    let unusable = |path: &Path| {
        let path = path.to_owned();
        move |source| BundleError::Cache { path, source }
    };
    let target = parent.join(key);
    if target.is_dir() {
        cache::used(&target);
        return Ok(target);
    }
    fs::create_dir_all(parent).map_err(unusable(parent))?;
    let lock = parent.join(format!("{key}.lock"));
    let held = File::create(&lock).map_err(unusable(&lock))?;
    if held.try_lock().is_err() {
        observer.note("waiting for another run that installs the same dependencies");
        held.lock().map_err(unusable(&lock))?;
    }
    if !target.is_dir() {
        let prefix = format!(".installing-{key}-");
        sweep(parent, key);
        let temporary = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(unusable(parent))?;
        fill(temporary.path(), &held)?;
        let made = temporary.path().join(CONTENT);
        fs::rename(&made, &target).map_err(unusable(&target))?;
    }
    drop(held);
    // Whoever waited has the file open and finds the directory; whoever comes later finds the directory first.
    let _ = fs::remove_file(&lock);
    Ok(target)
}

/// Removes what runs left behind that were killed: for `own`, whose lock is held, and for everything else whose lock nobody holds. Best effort: it is
/// in nobody's way but the disk's.
fn sweep(directory: &Path, own: &str) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Some((key, _)) = name.strip_prefix(".installing-").and_then(|rest| rest.rsplit_once('-')) else { continue };
        let held = if key == own { None } else { File::open(directory.join(format!("{key}.lock"))).ok() };
        if held.as_ref().is_none_or(|lock| lock.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
