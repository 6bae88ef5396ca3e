//! Compressed members of archives by what was compressed: all that one run makes in one file (`pack`).

use std::fs;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use libdeflater::{CompressionLvl, Crc, crc32};
use sha2::{Digest as _, Sha256};

use super::Digest;
use super::pack::{NewPack, Pack};
use crate::disk::pieces;

/// What libdeflate has for its default; how it was chosen is in `benches/README.md`.
const LEVEL: i32 = 6;
/// Changes when the same bytes are to be compressed differently from before: names of what was compressed otherwise have another ending.
pub(in crate::bundle) const LAYOUT: &str = "2";
/// CRC-32 and size of what is compressed.
const HEADER: usize = 12;
/// A pack up to this size is put together with others of its kind, once there are so many that to look into all of them takes its time.
const SMALL: u64 = 1 << 20;
const MANY: usize = 32;

/// One member as it stands in an archive, behind its header.
pub(in crate::bundle) struct Member(Vec<u8>);

impl Member {
    /// Of what `content` has, which is not held in memory, and the digest of that. Takes the room for `size` bytes at once, but can be of others.
    pub(in crate::bundle) fn of_large(content: impl Read, size: u64) -> io::Result<(Self, Digest)> {
        let room = usize::try_from(size).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(HEADER + room + room / 1000 + 64);
        bytes.resize(HEADER, 0);
        // libdeflate has to have all of it.
        let mut encoder = DeflateEncoder::new(bytes, Compression::new(LEVEL.unsigned_abs()));
        let (mut crc, mut hash, mut length) = (Crc::new(), Sha256::new(), 0_u64);
        pieces(content, |piece| {
            crc.update(piece);
            hash.update(piece);
            length += piece.len() as u64;
            encoder.write_all(piece)
        })?;
        let mut bytes = encoder.finish()?;
        bytes[..HEADER].copy_from_slice(&header(crc.sum(), length));
        bytes.shrink_to_fit();
        Ok((Self(bytes), Digest(hash.finalize().into())))
    }

    /// Of the uncompressed bytes.
    pub(in crate::bundle) fn crc32(&self) -> u32 {
        self.0.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Uncompressed bytes.
    pub(in crate::bundle) fn size(&self) -> u64 {
        self.0.get(4..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Raw DEFLATE (RFC 1951).
    pub(in crate::bundle) fn compressed(&self) -> &[u8] {
        self.0.get(HEADER..).unwrap_or_default()
    }
}

/// Compresses; one for each thread.
pub(in crate::bundle) struct Compressor(libdeflater::Compressor);

impl Compressor {
    /// With nothing in it.
    pub(in crate::bundle) fn new() -> Self {
        Self(libdeflater::Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()))
    }

    /// The member that holds `content`.
    pub(in crate::bundle) fn member(&mut self, content: &[u8]) -> io::Result<Member> {
        let mut bytes = vec![0; HEADER + self.0.deflate_compress_bound(content.len())];
        let (head, compressed) = bytes.split_at_mut(HEADER);
        head.copy_from_slice(&header(crc32(content), content.len() as u64));
        let length = self.0.deflate_compress(content, compressed).map_err(io::Error::other)?;
        bytes.truncate(HEADER + length);
        bytes.shrink_to_fit();
        Ok(Member(bytes))
    }
}

fn header(crc32: u32, size: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..4].copy_from_slice(&crc32.to_le_bytes());
    header[4..].copy_from_slice(&size.to_le_bytes());
    header
}

/// All of them: those that are there, and those that this run adds.
#[derive(Debug)]
pub(in crate::bundle) struct Members {
    directory: PathBuf,
    /// Looked for when something is asked for.
    packs: OnceLock<Vec<Pack>>,
    new: Mutex<Option<Arc<NewPack>>>,
}

impl Members {
    /// In a cache.
    pub(in crate::bundle) fn new(cache: &Path) -> Self {
        Self { directory: cache.join("members"), packs: OnceLock::new(), new: Mutex::default() }
    }

    /// The member of this name, if there is one that is not damaged.
    pub(in crate::bundle) fn get(&self, name: &Digest) -> Option<Member> {
        let new = || self.added().as_ref().map(Arc::clone)?.get(name);
        let bytes = self.packs().iter().find_map(|pack| pack.get(name)).or_else(new)?;
        (bytes.len() >= HEADER).then_some(Member(bytes))
    }

    /// Whether there is one, damaged or not.
    pub(in crate::bundle) fn has(&self, name: &Digest) -> bool {
        self.packs().iter().any(|pack| pack.has(name)) || self.added().as_ref().is_some_and(|new| new.has(name))
    }

    /// Adds a member.
    pub(in crate::bundle) fn put(&self, name: &Digest, member: &Member) -> io::Result<()> {
        let new = {
            let mut added = self.added();
            match &*added {
                Some(new) => new.clone(),
                None => added.insert(Arc::new(NewPack::new(&self.directory)?)).clone(),
            }
        };
        new.put(name, &member.0)
    }

    /// Keeps what was added.
    pub(in crate::bundle) fn save(self) -> io::Result<()> {
        let Some(new) = self.added().take().and_then(Arc::into_inner) else { return Ok(()) };
        let mut small: Vec<&Pack> = self.packs().iter().filter(|pack| pack.size() <= SMALL).collect();
        if small.len() < MANY {
            small.clear();
        }
        for pack in &small {
            for name in pack.names().filter(|name| !new.has(name)).collect::<Vec<_>>() {
                if let Some(bytes) = pack.get(&name) {
                    new.put(&name, &bytes)?;
                }
            }
        }
        new.save(&self.directory, LAYOUT)?;
        for pack in small {
            let _ = fs::remove_file(pack.path());
        }
        Ok(())
    }

    fn packs(&self) -> &[Pack] {
        self.packs.get_or_init(|| {
            let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten().map(|entry| entry.path());
            entries.filter(|path| path.extension().is_some_and(|ending| ending == LAYOUT)).filter_map(Pack::open).collect()
        })
    }

    fn added(&self) -> MutexGuard<'_, Option<Arc<NewPack>>> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
