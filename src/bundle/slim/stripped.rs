//! Shared objects of the dependencies as they go into the bundle under `slim = "max"`: made of the files whenever they are needed, which takes less time
//! than to read them; what comes of a file is known by its content.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::strip::strip;
use crate::bundle::cache::{Digest, Known};
use crate::bundle::{Entry, Manifest, Part, Source, workers};

/// What the reason of a stripped file begins with; behind it stands the distribution.
pub(in crate::bundle) const STRIPPED: &str = "stripped, of ";
/// Changes when something else is to come of the same file.
const LAYOUT: &[u8] = b"strip 1";

/// A shared object without symbols.
#[derive(Debug, Clone)]
pub struct Stripped {
    /// What it is called in the cache.
    name: Digest,
    file: PathBuf,
    /// Of the file.
    digest: Digest,
}

impl Stripped {
    /// What it is called in the cache.
    pub(in crate::bundle) fn name(&self) -> Digest {
        self.name
    }

    /// The file that it is made of, and what was in that.
    pub(in crate::bundle) fn original(&self) -> (&Path, &Digest) {
        (&self.file, &self.digest)
    }

    /// Itself. The file has to be what it was.
    pub(in crate::bundle) fn bytes(&self) -> io::Result<Vec<u8>> {
        let original = fs::read(&self.file)?;
        let stripped = if Digest::of(&original) == self.digest { strip(original) } else { None };
        stripped.ok_or_else(|| io::Error::other("it changed while the bundle was made"))
    }
}

/// Takes the symbols out of the shared objects among the dependencies.
pub(in crate::bundle) fn strip_all(manifest: &mut Manifest) {
    let Manifest { entries, known, .. } = manifest;
    let objects: Vec<&mut Entry> = entries.iter_mut().filter(|entry| entry.part == Part::Dependencies && may_have(&entry.path)).collect();
    let stripped = workers::each(
        objects.len(),
        || (),
        |(), index| Ok::<_, std::convert::Infallible>(objects.get(index).and_then(|entry| of(entry, known))),
    );
    let Ok(stripped) = stripped;
    for (entry, stripped) in objects.into_iter().zip(stripped) {
        let Some((size, stripped)) = stripped else { continue };
        entry.size = size;
        entry.reason.insert_str(0, STRIPPED);
        entry.source = Source::Stripped(Box::new(stripped));
    }
}

/// By its name. The module of OpenSSL that is certified (FIPS 140) compares its whole file with a checksum.
fn may_have(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    (name.ends_with(".so") || name.contains(".so.")) && name != "fips.so"
}

/// What comes of it and how large that is; `None` where it stays as it is. What cannot be read is reported when it is packed.
fn of(entry: &Entry, known: &Known) -> Option<(u64, Stripped)> {
    let Source::File(path) = &entry.source else { return None };
    let content = known.content(path).ok()?.filter(|content| content.size == entry.size)?;
    let name = Digest::of_all([LAYOUT, &content.digest.0]);
    let size = match known.note(&name) {
        Some(note) => parse(note),
        None => {
            let original = content.bytes.map_or_else(|| fs::read(path).ok().filter(|bytes| Digest::of(bytes) == content.digest), Some)?;
            let size = strip(original).map(|stripped| stripped.len() as u64);
            known.remember(name, size.map_or_else(Vec::new, |size| size.to_le_bytes().to_vec()));
            size
        }
    };
    Some((size?, Stripped { name, file: path.clone(), digest: content.digest }))
}

/// The size that was noted; nothing where nothing was to be gained.
fn parse(note: &[u8]) -> Option<u64> {
    note.try_into().ok().map(u64::from_le_bytes)
}
