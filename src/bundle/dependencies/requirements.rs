//! pip's requirements files: read together with what they include, so that the cache's key covers all of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::locked::Release;
use super::{Wanted, text, wrong};
use crate::bundle::BundleError;

/// One list out of `path` and everything that it includes.
pub(super) fn read(path: &Path) -> Result<Wanted, BundleError> {
    let mut reader = Reader { open: BTreeSet::new(), wanted: Wanted::default(), inputs: Sha256::new() };
    reader.file(path)?;
    reader.wanted.inputs = reader.inputs.finalize().to_vec();
    Ok(reader.wanted)
}

/// The releases of which a list names hashes.
pub(super) fn releases(lines: &[String]) -> Vec<Release> {
    let whole = lines.join("\n").replace("\\\n", " ");
    let release = |line: &str| {
        let (pin, options) = line.split_once("--hash")?;
        let (name, version) = pin.split([';', '#']).next()?.split_once("==")?;
        let name = name.split('[').next()?.trim();
        let hashes = options.split_whitespace().map(|hash| hash.trim_start_matches("--hash").trim_start_matches('=').to_owned());
        Some(Release { name: name.to_owned(), version: version.trim_start_matches('=').trim().to_owned(), hashes: hashes.collect() })
    };
    whole.lines().filter_map(release).collect()
}

struct Reader {
    open: BTreeSet<PathBuf>,
    wanted: Wanted,
    inputs: Sha256,
}

impl Reader {
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
        self.wanted.lines.push(match editable {
            None => line.to_owned(),
            // Without a slash it would be a name.
            Some(place) if !place.contains(['/', ':']) && !place.starts_with('.') => format!("./{place}"),
            Some(place) => place.to_owned(),
        });
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
