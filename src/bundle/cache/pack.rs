//! Many members in one file, because a file for each costs more than to make it: the members one behind the other, then what is where, sorted by name.
//!
//! A pack is written by one run, as a whole, and never again. It is named by a digest of what is where; each member has a checksum there.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use libdeflater::crc32;

use super::{Digest, checked};

/// Of what is where: a name, an offset, a length, a CRC-32 (against accidents, not against anybody).
const ROW: usize = 32 + 8 + 8 + 4;
/// At the very end: how long what is where is.
const TRAILER: usize = 8;

/// Where a member is.
#[derive(Debug, Clone, Copy)]
struct Place {
    offset: u64,
    length: u64,
    crc32: u32,
}

impl Place {
    fn read(self, file: &File) -> Option<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(self.length).ok()?];
        read_exact_at(file, &mut bytes, self.offset).ok()?;
        (crc32(&bytes) == self.crc32).then_some(bytes)
    }
}

/// A pack of an earlier run.
#[derive(Debug)]
pub(super) struct Pack {
    path: PathBuf,
    file: File,
    size: u64,
    rows: Vec<u8>,
    used: Once,
}

impl Pack {
    /// The one at `path`, if what is where is not damaged.
    pub(super) fn open(path: PathBuf) -> Option<Self> {
        let file = File::open(&path).ok()?;
        let size = file.metadata().ok()?.len();
        let end = size.checked_sub(TRAILER as u64)?;
        let mut length = [0; TRAILER];
        read_exact_at(&file, &mut length, end).ok()?;
        let start = end.checked_sub(u64::from_le_bytes(length))?;
        let mut rows = vec![0; usize::try_from(end - start).ok()?];
        read_exact_at(&file, &mut rows, start).ok()?;
        let named = path.file_stem()?.to_str()? == Digest::of(&rows).to_string();
        named.then(|| Self { path, file, size, rows, used: Once::new() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the whole file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The names of all that is in it.
    pub(super) fn names(&self) -> impl Iterator<Item = Digest> {
        self.rows.chunks_exact(ROW).filter_map(|row| row.first_chunk().copied().map(Digest))
    }

    /// Whether there is something of this name, damaged or not.
    pub(super) fn has(&self, name: &Digest) -> bool {
        self.place(name).is_some()
    }

    /// What is under a name, if it is not damaged.
    pub(super) fn get(&self, name: &Digest) -> Option<Vec<u8>> {
        let bytes = self.place(name)?.read(&self.file)?;
        self.used.call_once(|| {
            if let Ok(metadata) = self.file.metadata() {
                checked::used(&self.file, &metadata);
            }
        });
        Some(bytes)
    }

    fn place(&self, name: &Digest) -> Option<Place> {
        let (rows, _) = self.rows.as_chunks::<ROW>();
        let row = rows.get(rows.binary_search_by(|row| row[..32].cmp(&name.0)).ok()?)?;
        let number = |at: usize| row[at..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
        let crc32 = row.last_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
        Some(Place { offset: number(32)?, length: number(40)?, crc32 })
    }
}

/// The pack of this run. Nobody else sees it before it is complete.
#[derive(Debug)]
pub(super) struct NewPack {
    file: tempfile::NamedTempFile,
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    end: u64,
    places: BTreeMap<[u8; 32], Place>,
}

impl NewPack {
    /// In `directory`, with nothing in it.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let file = checked::new_file(&directory.join("pack"))?;
        Ok(Self { file, content: Mutex::default() })
    }

    /// Whether there is something of this name.
    pub(super) fn has(&self, name: &Digest) -> bool {
        self.content().places.contains_key(&name.0)
    }

    /// What is under a name.
    pub(super) fn get(&self, name: &Digest) -> Option<Vec<u8>> {
        let place = *self.content().places.get(&name.0)?;
        place.read(self.file.as_file())
    }

    /// Adds something. Where that fails, its room stays empty.
    pub(super) fn put(&self, name: &Digest, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        let offset = {
            let mut content = self.content();
            content.end += length;
            content.end - length
        };
        write_all_at(self.file.as_file(), bytes, offset)?;
        self.content().places.insert(name.0, Place { offset, length, crc32: crc32(bytes) });
        Ok(())
    }

    /// Gives it its place in `directory`, with this ending.
    pub(super) fn save(self, directory: &Path, ending: &str) -> io::Result<()> {
        let Content { end, places } = self.content.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::with_capacity(places.len() * ROW + TRAILER);
        for (name, Place { offset, length, crc32 }) in places {
            rows.extend_from_slice(&name);
            rows.extend_from_slice(&offset.to_le_bytes());
            rows.extend_from_slice(&length.to_le_bytes());
            rows.extend_from_slice(&crc32.to_le_bytes());
        }
        let name = format!("{}.{ending}", Digest::of(&rows));
        rows.extend_from_slice(&(rows.len() as u64).to_le_bytes());
        write_all_at(self.file.as_file(), &rows, end)?;
        self.file.persist(directory.join(name)).map(|_| ()).map_err(|error| error.error)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[count..];
        offset += count as u64;
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[count..];
        offset += count as u64;
    }
    Ok(())
}
