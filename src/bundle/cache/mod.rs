//! What one build leaves for the next, in the user's cache directory: compressed members by what is in them (`members`), what files were when they were
//! last read (`known`), and whole archives by their recipe (`archives`); with a limit to it all (`usage`).
//!
//! Nothing in it is needed. What is damaged is as good as not there, what cannot be written is done without, and whatever comes out of it is to the
//! byte what would be made anew. Every file is written beside its place and renamed, so that runs at the same time and runs that are killed leave
//! whole files; the last writer wins, and all writers of one name write the same.

mod archives;
mod checked;
mod known;
mod members;
mod usage;

use std::fmt;

use sha2::{Digest as _, Sha256};

pub(super) use self::archives::Archives;
pub(super) use self::checked::{read, write};
pub(super) use self::known::Known;
pub(super) use self::members::{Compressor, LAYOUT, Member, Members};
pub(super) use self::usage::used;
pub use self::usage::{Cleaned, Part, Usage, clean, tidy, usage};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest(pub(super) [u8; 32]);

impl Digest {
    /// Of some bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of several things in a row, which no other row has.
    pub(super) fn of_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
