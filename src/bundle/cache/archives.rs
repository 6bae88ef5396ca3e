//! Whole archives by their recipe: what is in them, in which order and under which names.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::SystemTime;

use libdeflater::Crc;

use super::{Digest, checked};
use crate::bundle::workers;
use crate::disk::pieces;

/// Bytes that a thread checks in one go.
const SHARE: u64 = 4 << 20;

/// All of them.
pub(in crate::bundle) struct Archives {
    directory: PathBuf,
}

impl Archives {
    /// In a cache.
    pub(in crate::bundle) fn new(cache: &Path) -> Self {
        Self { directory: cache.join("archives") }
    }

    /// Whether the file at `path` is the archive made by `recipe` already: its size and SHA-256. Its time becomes now.
    pub(in crate::bundle) fn is_at(&self, recipe: &Digest, path: &Path) -> Option<(u64, Digest)> {
        let record = self.record(recipe)?;
        let file = File::options().append(true).open(path).ok()?;
        (record.fits(path).ok()?).then_some(())?;
        file.set_modified(SystemTime::now()).ok()?;
        if let Ok(kept) = File::open(self.archive(recipe)) {
            kept.metadata().iter().for_each(|metadata| checked::used(&kept, metadata));
        }
        Some((record.length, record.digest))
    }

    /// Copies the archive made by `recipe` to `target`, if there is one that is not damaged: its size and SHA-256. Otherwise `target` is as it was.
    /// The check is one against accidents (CRC-32): to compute the SHA-256 of what has not changed would take longer than all else.
    pub(in crate::bundle) fn copy(&self, recipe: &Digest, target: &mut File) -> io::Result<Option<(u64, Digest)>> {
        let Some((archive, record)) = self.open(recipe) else { return Ok(None) };
        // Copied by the kernel while it is checked.
        let (length, fits) = thread::scope(|scope| {
            let fits = scope.spawn(|| record.fits(&self.archive(recipe)));
            let length = io::copy(&mut &archive, target);
            (length, fits.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into())))
        });
        if fits.is_ok_and(|fits| fits) && length? == record.length {
            return Ok(Some((record.length, record.digest)));
        }
        target.set_len(0)?;
        target.rewind()?;
        Ok(None)
    }

    fn open(&self, recipe: &Digest) -> Option<(File, Record)> {
        let record = self.record(recipe)?;
        let archive = File::open(self.archive(recipe)).ok()?;
        checked::used(&archive, &archive.metadata().ok()?);
        Some((archive, record))
    }

    /// Keeps a copy of the archive at `path`.
    pub(in crate::bundle) fn keep(&self, recipe: &Digest, path: &Path, digest: &Digest) -> io::Result<()> {
        let place = self.archive(recipe);
        let mut file = checked::new_file(&place)?;
        // By the kernel, which may share the blocks.
        io::copy(&mut File::open(path)?, file.as_file_mut())?;
        let length = file.as_file().metadata()?.len();
        let mut record = [&digest.0[..], &length.to_le_bytes()].concat();
        checksums(path, length)?.iter().for_each(|checksum| record.extend_from_slice(&checksum.to_le_bytes()));
        file.persist(&place).map_err(|error| error.error)?;
        checked::write(&self.place_of_record(recipe), &record)
    }

    fn archive(&self, recipe: &Digest) -> PathBuf {
        self.directory.join(format!("{recipe}.zip"))
    }

    fn record(&self, recipe: &Digest) -> Option<Record> {
        let bytes = checked::read(&self.place_of_record(recipe))?;
        let (digest, rest) = bytes.split_first_chunk()?;
        let (length, checksums) = rest.split_first_chunk()?;
        let checksums = checksums.as_chunks().0.iter().map(|checksum| u32::from_le_bytes(*checksum)).collect();
        Some(Record { digest: Digest(*digest), length: u64::from_le_bytes(*length), checksums })
    }

    fn place_of_record(&self, recipe: &Digest) -> PathBuf {
        self.directory.join(recipe.to_string())
    }
}

/// What is known of an archive.
struct Record {
    digest: Digest,
    length: u64,
    /// Of every share.
    checksums: Vec<u32>,
}

impl Record {
    /// Whether it is about the file at `path`.
    fn fits(&self, path: &Path) -> io::Result<bool> {
        Ok(std::fs::metadata(path)?.len() == self.length && checksums(path, self.length)? == self.checksums)
    }
}

fn checksums(path: &Path, length: u64) -> io::Result<Vec<u32>> {
    let shares = usize::try_from(length.div_ceil(SHARE)).map_err(io::Error::other)?;
    workers::each(
        shares,
        || (),
        |(), index| {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(index as u64 * SHARE))?;
            let mut crc = Crc::new();
            pieces(file.take(SHARE), |piece| {
                crc.update(piece);
                Ok(())
            })?;
            Ok(crc.sum())
        },
    )
}
