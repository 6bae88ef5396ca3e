//! Packages that a list names by their place on this disk: they change without the list changing, so the cache's key covers them too.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

/// Digests every local package among `lines`; paths are taken from `base`, where installers will work.
pub(super) fn digest(lines: &[String], base: &Path) -> Vec<u8> {
    let mut hash = Sha256::new();
    for line in lines.iter().filter(|line| !line.starts_with('-')) {
        let place = line.split(" #").next().unwrap_or(line).split([';', '[']).next().unwrap_or(line).trim();
        let place = place.split_once(" @ ").map_or(place, |(_, url)| url).trim();
        let path = base.join(place.strip_prefix("file://").unwrap_or(place));
        if (place.contains(['/', '\\']) || is_package(place)) && path.exists() {
            add(&path, &mut hash);
        }
    }
    hash.finalize().to_vec()
}

fn is_package(name: &str) -> bool {
    name == "." || name.ends_with(".whl") || name.ends_with(".zip") || name.ends_with(".tar.gz")
}

/// By names, sizes and times: cheap, and different as soon as anything is edited.
fn add(path: &Path, hash: &mut Sha256) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| !is_apart(path)).collect();
        paths.sort_unstable();
        paths.iter().for_each(|path| add(path, hash));
        return;
    }
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    hash.update(path.as_os_str().as_encoded_bytes());
    hash.update(metadata.len().to_le_bytes());
    hash.update(modified.as_nanos().to_le_bytes());
}

/// What changes without changing the package: hidden directories, byte code, environments, build results.
fn is_apart(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.starts_with('.')
        || matches!(&*name, "__pycache__" | "node_modules" | "build" | "dist")
        || name.ends_with(".egg-info")
        || path.join("pyvenv.cfg").exists()
}
