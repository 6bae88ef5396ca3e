//! pip's requirements files: read together with what they include, so that the cache's key covers all of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest as _, Sha256};

use super::{Wanted, text, wrong};
use crate::bundle::BundleError;

/// One list out of `path` and everything that it includes.
pub(super) fn read(path: &Path) -> Result<Wanted, BundleError> {
    // Installers take paths in requirements from their working directory, which will be this one.
    let base = path.parent().unwrap_or(Path::new(""));
    let mut reader = Reader { base, open: BTreeSet::new(), wanted: Wanted::default(), inputs: Sha256::new() };
    reader.file(path)?;
    reader.wanted.inputs = reader.inputs.finalize().to_vec();
    Ok(reader.wanted)
}

struct Reader<'a> {
    base: &'a Path,
    open: BTreeSet<PathBuf>,
    wanted: Wanted,
    inputs: Sha256,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) -> Result<(), BundleError> {
        if !self.open.insert(path.to_owned()) {
            // Included twice, or by itself: pip reads it once as well.
            return Ok(());
        }
        let content = text(path)?;
        let directory = path.parent().unwrap_or(Path::new(""));
        let mut continued = false;
        for line in content.trim_start_matches('\u{feff}').lines() {
            if continued {
                self.wanted.lines.push(line.to_owned());
            } else {
                self.line(path, directory, line)?;
            }
            continued = line.trim_end().ends_with('\\');
        }
        Ok(())
    }

    fn line(&mut self, path: &Path, directory: &Path, line: &str) -> Result<(), BundleError> {
        let bare = line.split(" #").next().unwrap_or(line).trim();
        if bare.is_empty() || bare.starts_with('#') {
            return Ok(());
        }
        if let Some(included) = option(bare, &["-r", "--requirement"]) {
            if included.contains("://") {
                return Err(wrong(path, format!("`{bare}` includes a file from the network")));
            }
            return self.file(&directory.join(included));
        }
        if let Some(constraints) = option(bare, &["-c", "--constraint"]) {
            let constraints = directory.join(constraints);
            self.inputs.update(text(&constraints)?);
            self.wanted.lines.push(format!("-c \"{}\"", constraints.display()));
            return Ok(());
        }
        // Into a directory nothing can be installed as editable; a normal install of the same gives the same code.
        let editable = option(bare, &["-e", "--editable"]);
        let requirement = editable.unwrap_or(bare);
        let place = requirement.split([';', '[']).next().unwrap_or(requirement).trim();
        let place = place.split_once(" @ ").map_or(place, |(_, url)| url).trim();
        let local = self.base.join(place.strip_prefix("file://").unwrap_or(place));
        if !requirement.starts_with('-') && (editable.is_some() || place.contains(['/', '\\']) || is_package(place)) && local.exists() {
            digest(&local, &mut self.inputs);
        }
        self.wanted.lines.push(editable.map_or_else(|| line.to_owned(), str::to_owned));
        Ok(())
    }
}

/// The value of `-r x`, `-rx`, `--requirement x` or `--requirement=x`.
fn option<'l>(line: &'l str, names: &[&str; 2]) -> Option<&'l str> {
    let [short, long] = names;
    let rest = match line.strip_prefix(long) {
        Some(rest) => rest.strip_prefix(['=', ' ', '\t'])?,
        None => line.strip_prefix(short).filter(|_| !line.starts_with("--"))?,
    };
    Some(rest.trim().trim_matches(['"', '\'']))
}

fn is_package(name: &str) -> bool {
    name == "." || name.ends_with(".whl") || name.ends_with(".zip") || name.ends_with(".tar.gz")
}

/// Digests a local package by names, sizes and times: cheap, and different as soon as anything is edited.
fn digest(path: &Path, hash: &mut Sha256) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if metadata.is_dir() {
        let entries = fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| !is_apart(path)).collect();
        paths.sort_unstable();
        paths.iter().for_each(|path| digest(path, hash));
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
