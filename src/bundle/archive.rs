//! Deterministic archives: members sorted, times and modes fixed, under the final name only when complete. What was compressed before is copied, and
//! what was put together before is not put together again (`cache`).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::byte_code::Compiler;
use super::cache::{Archives, Compressor, Digest, Known, LARGE, Member, Members};
use super::zip::Zip;
use super::{Archive, ArchiveRole, BundleError, Entry, Place, Source, workers};
use crate::model::size;
use crate::observe::{Observer, Task};

/// Changes when the same members are to be put together differently from before.
const LAYOUT: &[u8] = b"archive 1";
/// How the names of archives begin and end while they are written.
pub(super) const UNFINISHED: (&str, &str) = (".zappa-", ".partial");
/// Uncompressed bytes of members that a thread makes in one go.
const SHARE: u64 = 1 << 18;
/// Uncompressed bytes of an archive from which on a copy of it is worth its room in the cache.
const KEPT: u64 = 4 << 20;

/// What goes into one archive.
pub(super) struct Content<'a> {
    pub(super) role: ArchiveRole,
    /// Sorted by path.
    pub(super) entries: Vec<&'a Entry>,
    /// What stands in the archive in front of each path.
    pub(super) prefix: &'static str,
    /// Where it goes.
    pub(super) path: &'a Path,
}

/// Writes `content` by way of `place`, with what is `known` of the project's files.
pub(super) fn write(content: &Content<'_>, place: Place<'_>, known: &Known, observer: &dyn Observer) -> Result<Archive, BundleError> {
    let (members, archives) = (Members::new(place.cache), Archives::new(place.cache));
    let writer = Writer { members, archives, known, observer };
    let written = writer.write(content, place);
    writer.save();
    written
}

struct Writer<'a> {
    members: Members,
    archives: Archives,
    known: &'a Known,
    observer: &'a dyn Observer,
}

impl Writer<'_> {
    fn write(&self, content: &Content<'_>, place: Place<'_>) -> Result<Archive, BundleError> {
        let Content { role, entries, prefix, path } = content;
        let unwritable = |source| BundleError::Write { path: path.to_path_buf(), source };
        let unpacked_size: u64 = entries.iter().map(|entry| entry.size).sum();
        let archive = |length, digest: Digest| {
            let code_sha256 = STANDARD.encode(digest.0);
            Archive { role: *role, path: path.to_path_buf(), code_sha256, size: length, unpacked_size, files: entries.len() }
        };
        let task = Task::begin(self.observer, "compress the bundle", Some(unpacked_size));
        let members: Vec<_> = entries.iter().copied().zip(self.digests(entries, &task)?).collect();
        consistent(&members)?;
        let recipe = recipe(&members, prefix);

        if let Some((length, digest)) = self.archives.is_at(&recipe, path) {
            task.done(&size(length));
            return Ok(archive(length, digest));
        }
        let mut temporary = new_file(place.scratch).map_err(unwritable)?;
        let copied = self.archives.copy(&recipe, temporary.as_file_mut()).map_err(unwritable)?;
        let (length, digest) = match copied {
            Some(copied) => copied,
            None => self.assemble(content, &members, temporary.as_file_mut(), &task)?,
        };
        temporary.persist(path).map_err(|error| unwritable(error.error))?;
        if copied.is_none() && unpacked_size >= KEPT {
            let kept = self.archives.keep(&recipe, path, &digest);
            told(self.observer, kept, "the archive");
        }
        task.done(&size(length));
        Ok(archive(length, digest))
    }

    /// What tells each member from all others. What has to be read for that, because it is new, is compressed while it is at hand.
    fn digests(&self, entries: &[&Entry], task: &Task<'_>) -> Result<Vec<Digest>, BundleError> {
        let read = AtomicU64::new(0);
        workers::each(
            entries.len(),
            || None,
            |compressor, index| {
                let Some(entry) = entries.get(index) else { return Err(BundleError::Empty) };
                let path = match &entry.source {
                    Source::Bytes(bytes) => return Ok(Digest::of(bytes)),
                    Source::ByteCode(code) => return Ok(code.name()),
                    Source::File(path) => match entry.digest {
                        Some(digest) => return Ok(digest),
                        None => path,
                    },
                    Source::Stripped(stripped) => {
                        let (path, digest) = stripped.original();
                        let content = self.known.content(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
                        let same = content.is_some_and(|content| content.digest == *digest);
                        return if same { Ok(stripped.name()) } else { Err(BundleError::Changed { path: path.to_owned() }) };
                    }
                };
                let content = self.known.content(path).map_err(|source| BundleError::Read { path: path.clone(), source })?;
                let content =
                    content.filter(|content| content.size == entry.size).ok_or_else(|| BundleError::Changed { path: path.clone() })?;
                if let Some(bytes) = content.bytes
                    && !self.members.has(&content.digest)
                {
                    let compressor = compressor.get_or_insert_with(Compressor::new);
                    let member = compressor.member(&bytes).map_err(|source| BundleError::Write { path: path.clone(), source })?;
                    // What cannot be kept is compressed once more when it is its turn.
                    let _ = self.members.put(&content.digest, &member);
                    task.advance(read.fetch_add(entry.size, Ordering::Relaxed) + entry.size);
                }
                Ok(content.digest)
            },
        )
    }

    /// Puts the members together.
    fn assemble(
        &self,
        content: &Content<'_>,
        members: &[(&Entry, Digest)],
        file: &mut File,
        task: &Task<'_>,
    ) -> Result<(u64, Digest), BundleError> {
        let unwritable = |source| BundleError::Write { path: content.path.to_owned(), source };
        let shares = shares(members);
        let sizes: Vec<u64> = shares.iter().map(|share| share.iter().map(|(entry, _)| entry.size).sum()).collect();
        let share = |index: usize| shares.get(index).copied().unwrap_or_default();
        let mut archive = Zip::new(Hashing::new(file));
        let mut written = 0;
        let make = |tools: &mut Tools, index: usize| {
            share(index).iter().map(|(entry, digest)| self.member(entry, digest, tools)).collect::<Result<Vec<_>, _>>()
        };
        workers::in_order(&sizes, Tools::default, make, |index, made| {
            for ((entry, _), member) in share(index).iter().zip(&made) {
                archive.add(&format!("{}{}", content.prefix, entry.path), entry.executable, member).map_err(unwritable)?;
                written += entry.size;
            }
            task.advance(written);
            Ok(())
        })?;
        archive.finish().and_then(Hashing::finish).map_err(unwritable)
    }

    /// Out of the cache, or else read and compressed.
    fn member(&self, entry: &Entry, digest: &Digest, tools: &mut Tools) -> Result<Member, BundleError> {
        if let Some(member) = self.members.get(digest).filter(|member| member.size() == entry.size) {
            return Ok(member);
        }
        let place = match &entry.source {
            Source::File(path) => path.clone(),
            Source::Stripped(stripped) => stripped.original().0.to_owned(),
            Source::Bytes(_) | Source::ByteCode(_) => entry.path.clone().into(),
        };
        let unreadable = |source| BundleError::Read { path: place.clone(), source };
        if let Source::File(path) = &entry.source
            && entry.size > LARGE
        {
            let (member, found) = File::open(path).and_then(|file| Member::of_large(file, entry.size)).map_err(unreadable)?;
            if found != *digest {
                return Err(BundleError::Changed { path: place });
            }
            let _ = self.members.put(digest, &member);
            return Ok(member);
        }
        let read;
        let bytes = match &entry.source {
            Source::Bytes(bytes) => bytes,
            Source::ByteCode(code) => {
                read = code.compile(&mut tools.compiler).map_err(unreadable)?;
                &read
            }
            Source::Stripped(stripped) => {
                read = stripped.bytes().map_err(unreadable)?;
                &read
            }
            Source::File(path) => {
                read = fs::read(path).map_err(unreadable)?;
                if Digest::of(&read) != *digest {
                    return Err(BundleError::Changed { path: place });
                }
                &read
            }
        };
        if bytes.len() as u64 != entry.size {
            return Err(BundleError::Changed { path: place });
        }
        let compressor = tools.compressor.get_or_insert_with(Compressor::new);
        let member = compressor.member(bytes).map_err(|source| BundleError::Write { path: place, source })?;
        let _ = self.members.put(digest, &member);
        Ok(member)
    }

    /// Also of an archive that came to nothing.
    fn save(self) {
        told(self.observer, self.members.save(), "what was compressed");
    }
}

fn told(observer: &dyn Observer, kept: io::Result<()>, what: &str) {
    if let Err(error) = kept {
        observer.detail(&format!("{what} is not kept for the next time: {error}"));
    }
}

/// What a thread needs when something is not in the cache.
#[derive(Default)]
struct Tools {
    compressor: Option<Compressor>,
    compiler: Option<Compiler>,
}

/// Byte code has to be that of the source beside it: a source that was written to between plan and archive is not what was compiled.
fn consistent(members: &[(&Entry, Digest)]) -> Result<(), BundleError> {
    let mut sources = HashMap::with_capacity(members.len());
    for (entry, digest) in members {
        if let Source::File(path) = &entry.source {
            sources.insert(path.as_path(), digest);
        }
    }
    for (entry, _) in members {
        if let Source::ByteCode(code) = &entry.source
            && let Some((path, digest)) = code.source()
            && sources.get(path).is_some_and(|now| *now != digest)
        {
            return Err(BundleError::Changed { path: path.to_owned() });
        }
    }
    Ok(())
}

/// What decides the bytes of an archive.
fn recipe(members: &[(&Entry, Digest)], prefix: &str) -> Digest {
    let mut text = [LAYOUT, super::cache::LAYOUT.as_bytes()].concat();
    for (entry, digest) in members {
        text.push(if entry.executable { b'x' } else { b'-' });
        text.extend_from_slice(&digest.0);
        text.extend_from_slice(prefix.as_bytes());
        text.extend_from_slice(entry.path.as_bytes());
        text.push(0);
    }
    Digest::of(&text)
}

/// Neighbours that are made by one thread.
fn shares<'m, 'e>(members: &'m [(&'e Entry, Digest)]) -> Vec<&'m [(&'e Entry, Digest)]> {
    let mut size = 0;
    let together = |_: &(&Entry, Digest), next: &(&Entry, Digest)| {
        size += next.0.size;
        let fits = size <= SHARE;
        if !fits {
            size = 0;
        }
        fits
    };
    members.chunk_by(together).collect()
}

fn new_file(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED.0).suffix(UNFINISHED.1);
    // Temporary files are private by default; this one becomes a file like any other, as the umask says.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(directory)
}

/// A file written from beginning to end, hashed on the way.
struct Hashing<'f> {
    file: BufWriter<&'f mut File>,
    hash: Sha256,
    length: u64,
}

impl<'f> Hashing<'f> {
    fn new(file: &'f mut File) -> Self {
        Self { file: BufWriter::with_capacity(1 << 20, file), hash: Sha256::new(), length: 0 }
    }

    fn finish(mut self) -> io::Result<(u64, Digest)> {
        self.file.flush()?;
        Ok((self.length, Digest(self.hash.finalize().into())))
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.file.write(buffer)?;
        self.hash.update(&buffer[..count]);
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
