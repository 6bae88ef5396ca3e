//! Compressed members of archives, each in a file named by what was compressed: in one of 256 directories, so that none of them grows large.

use std::io;
use std::path::{Path, PathBuf};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use super::{Digest, checked};

/// zlib's own default; how it was chosen is in `benches/README.md`.
const LEVEL: u32 = 6;
/// Changes when the same bytes are to be compressed differently from before: names of what was compressed otherwise have another ending.
pub(in crate::bundle) const LAYOUT: &str = "1";
/// CRC-32 and size of what is compressed.
const HEADER: usize = 12;

/// One member as it stands in an archive, behind its header.
pub(in crate::bundle) struct Member(Vec<u8>);

impl Member {
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
pub(in crate::bundle) struct Compressor(Compress);

impl Compressor {
    /// With nothing in it.
    pub(in crate::bundle) fn new() -> Self {
        Self(Compress::new(Compression::new(LEVEL), false))
    }

    /// The member that holds `content`.
    pub(in crate::bundle) fn member(&mut self, content: &[u8]) -> io::Result<Member> {
        let mut crc = Crc::new();
        crc.update(content);
        // Room for what does not shrink at all.
        let mut bytes = Vec::with_capacity(HEADER + content.len() + content.len() / 1000 + 64);
        bytes.extend_from_slice(&crc.sum().to_le_bytes());
        bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
        self.0.reset();
        loop {
            let done = usize::try_from(self.0.total_in()).map_err(io::Error::other)?;
            let rest = content.get(done..).unwrap_or_default();
            match self.0.compress_vec(rest, &mut bytes, FlushCompress::Finish).map_err(io::Error::other)? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => bytes.reserve(1 << 16),
            }
        }
        bytes.shrink_to_fit();
        Ok(Member(bytes))
    }
}

/// All of them.
#[derive(Debug, Clone)]
pub(in crate::bundle) struct Members {
    directory: PathBuf,
}

impl Members {
    /// In a cache.
    pub(in crate::bundle) fn new(cache: &Path) -> Self {
        Self { directory: cache.join("members") }
    }

    /// The member of this name, if there is one that is not damaged.
    pub(in crate::bundle) fn get(&self, name: &Digest) -> Option<Member> {
        checked::read(&self.path(name)).filter(|bytes| bytes.len() >= HEADER).map(Member)
    }

    /// Whether there is one, damaged or not.
    pub(in crate::bundle) fn has(&self, name: &Digest) -> bool {
        self.path(name).exists()
    }

    /// Keeps a member.
    pub(in crate::bundle) fn put(&self, name: &Digest, member: &Member) -> io::Result<()> {
        checked::write(&self.path(name), &member.0)
    }

    fn path(&self, name: &Digest) -> PathBuf {
        let name = name.to_string();
        let (directory, rest) = name.split_at(2);
        self.directory.join(directory).join(format!("{rest}.{LAYOUT}"))
    }
}
