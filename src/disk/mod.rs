//! What every memory between two runs stands on: what tells that a file has changed (`stamp`), and small files that are whole or not there (`checked`).

pub(crate) mod checked;
mod stamp;

use std::fmt;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

pub(crate) use self::stamp::{Stamp, StampBytes};

/// Of what is read piece by piece.
const PIECE: usize = 1 << 18;

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    /// Of some bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of all that is still to be read.
    pub(crate) fn of_rest(source: impl Read) -> io::Result<Self> {
        let mut hash = Sha256::new();
        pieces(source, |piece| {
            hash.update(piece);
            Ok(())
        })?;
        Ok(Self(hash.finalize().into()))
    }

    /// Of several things in a row, which no other row has.
    pub(crate) fn of_all<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }
}

/// Reads all that there is, piece by piece.
pub(crate) fn pieces(mut source: impl Read, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    loop {
        let count = source.read(&mut buffer)?;
        match buffer.get(..count).filter(|piece| !piece.is_empty()) {
            Some(piece) => take(piece)?,
            None => return Ok(()),
        }
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
