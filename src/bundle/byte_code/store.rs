//! What was compiled before, in the cache: one small file each, whole or not there, believed only if its checksum says so.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Outcome;

/// Changes when the same source is to be compiled differently from before.
const LAYOUT: &str = "1";
const CHECKSUM: usize = 32;

/// The results of one interpreter.
pub(super) struct Store {
    directory: PathBuf,
    version: String,
}

/// Names one result.
pub(super) struct Key(String);

impl Store {
    /// Of the interpreter with the full version `version`: patch releases compile differently, too.
    pub(super) fn new(cache: &Path, version: &str) -> Self {
        Self { directory: cache.join("byte-code"), version: version.to_owned() }
    }

    /// Of `source` for a file at `path`.
    pub(super) fn key(&self, path: &str, source: &[u8]) -> Key {
        let mut hash = Sha256::new();
        for part in [LAYOUT, &self.version, path] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(source);
        // Half of it is unique enough.
        let name: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Key(name)
    }

    /// The result, if there is one that is not damaged.
    pub(super) fn get(&self, key: &Key) -> Option<Outcome> {
        let bytes = fs::read(self.path(key)).ok()?;
        let (checksum, content) = bytes.split_at_checked(CHECKSUM)?;
        if Sha256::digest(content)[..] != *checksum {
            return None;
        }
        match content.split_first()? {
            (0, code) => Some(Outcome::Compiled(code.to_owned())),
            (_, why) => Some(Outcome::Refused(String::from_utf8_lossy(why).into_owned())),
        }
    }

    /// Keeps a result.
    pub(super) fn put(&self, key: &Key, outcome: &Outcome) -> io::Result<()> {
        let content = match outcome {
            Outcome::Compiled(code) => [&[0], &code[..]].concat(),
            Outcome::Refused(why) => [&[1], why.as_bytes()].concat(),
        };
        let path = self.path(key);
        let directory = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(directory)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
        file.write_all(&[&Sha256::digest(&content)[..], &content].concat())?;
        file.persist(path).map(|_| ()).map_err(|error| error.error)
    }

    /// In one of 256 directories, so that none of them grows large.
    fn path(&self, key: &Key) -> PathBuf {
        let (directory, name) = key.0.split_at(2);
        self.directory.join(directory).join(name)
    }
}
