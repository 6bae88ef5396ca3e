//! Whole archives by their recipe: what is in them, in which order and under which names.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::thread;

use sha2::{Digest as _, Sha256};

use super::{Digest, checked};

/// All of them.
pub(in crate::bundle) struct Archives {
    directory: PathBuf,
}

impl Archives {
    /// In a cache.
    pub(in crate::bundle) fn new(cache: &Path) -> Self {
        Self { directory: cache.join("archives") }
    }

    /// Copies the archive made by `recipe` to `target`, if there is one that is not damaged: its size and SHA-256. Otherwise `target` is as it was.
    pub(in crate::bundle) fn copy(&self, recipe: &Digest, target: &mut File) -> io::Result<Option<(u64, Digest)>> {
        let Some((archive, digest)) = self.open(recipe) else { return Ok(None) };
        // Copied by the kernel while it is checked.
        let (length, found) = thread::scope(|scope| {
            let found = scope.spawn(|| hash(File::open(self.archive(recipe))?));
            let length = io::copy(&mut &archive, target);
            (length, found.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
        });
        let length = length?;
        if found.is_ok_and(|found| found == digest) {
            return Ok(Some((length, digest)));
        }
        target.set_len(0)?;
        target.rewind()?;
        Ok(None)
    }

    fn open(&self, recipe: &Digest) -> Option<(File, Digest)> {
        let digest = checked::read(&self.record(recipe))?.try_into().ok().map(Digest)?;
        let archive = File::open(self.archive(recipe)).ok()?;
        checked::used(&archive, &archive.metadata().ok()?);
        Some((archive, digest))
    }

    /// Keeps a copy of the archive at `path`.
    pub(in crate::bundle) fn keep(&self, recipe: &Digest, path: &Path, digest: &Digest) -> io::Result<()> {
        let place = self.archive(recipe);
        let mut file = checked::new_file(&place)?;
        // By the kernel, which may share the blocks.
        io::copy(&mut File::open(path)?, file.as_file_mut())?;
        file.persist(&place).map_err(|error| error.error)?;
        checked::write(&self.record(recipe), &digest.0)
    }

    fn archive(&self, recipe: &Digest) -> PathBuf {
        self.directory.join(format!("{recipe}.zip"))
    }

    fn record(&self, recipe: &Digest) -> PathBuf {
        self.directory.join(recipe.to_string())
    }
}

fn hash(mut file: File) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = file.read(&mut buffer)?;
        let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { return Ok(Digest(hash.finalize().into())) };
        hash.update(read);
    }
}
