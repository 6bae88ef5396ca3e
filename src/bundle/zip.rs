//! Zip archives of members that are compressed already, written from beginning to end (PKWARE's APPNOTE.TXT, named by section below).
//!
//! Written out here because what stands in the headers is part of what makes archives reproducible, from one release of this tool to the next.

use std::io::{self, Write};

use super::cache::Member;

/// 4.4.3: 2.0, for DEFLATE; 4.5 for what ZIP64 is needed for.
const VERSION: u16 = 20;
const VERSION_ZIP64: u16 = 45;
/// 4.4.2: whose file attributes these are.
const UNIX: u16 = 3 << 8;
/// 4.4.4, bit 11: names are UTF-8.
const UTF8: u16 = 1 << 11;
/// 4.4.5.
const DEFLATED: u16 = 8;
/// 4.4.6: midnight of the first of January 1980, the earliest that the format can hold.
const TIME: u16 = 0;
const DATE: u16 = 1 << 5 | 1;
/// A regular file of mode 0755 or 0644, as Unix has it in the upper half of the external attributes.
const EXECUTABLE: u32 = 0o100_755 << 16;
const PLAIN: u32 = 0o100_644 << 16;

/// An archive that is being written.
pub(super) struct Zip<W> {
    output: W,
    offset: u64,
    /// What will stand at its end.
    directory: Vec<u8>,
    count: u64,
}

impl<W: Write> Zip<W> {
    /// Begins one.
    pub(super) fn new(output: W) -> Self {
        Self { output, offset: 0, directory: Vec::new(), count: 0 }
    }

    /// Adds a member.
    pub(super) fn add(&mut self, path: &str, executable: bool, member: &Member) -> io::Result<()> {
        let compressed = member.compressed();
        // 4.5.3 would allow for more.
        let size = |size: u64| {
            u32::try_from(size).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{path}` is larger than 4 GiB")))
        };
        let length =
            u16::try_from(path.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{path}` is too long a name")))?;
        // What local header and directory have in common: 4.3.7 and 4.3.12, from "general purpose bit flag" to "extra field length".
        let mut common = Vec::with_capacity(24);
        for field in [if path.is_ascii() { 0 } else { UTF8 }, DEFLATED, TIME, DATE] {
            common.extend_from_slice(&field.to_le_bytes());
        }
        for field in [member.crc32(), size(compressed.len() as u64)?, size(member.size())?] {
            common.extend_from_slice(&field.to_le_bytes());
        }
        for field in [length, 0] {
            common.extend_from_slice(&field.to_le_bytes());
        }
        let header = [&b"PK\x03\x04"[..], &VERSION.to_le_bytes(), &common, path.as_bytes()].concat();
        self.output.write_all(&header)?;
        self.output.write_all(compressed)?;

        // 4.5.3: the one field of an entry that may be too small.
        let far = u32::try_from(self.offset).ok().filter(|offset| *offset < u32::MAX);
        let extra = match far {
            Some(_) => Vec::new(),
            None => [&1_u16.to_le_bytes()[..], &8_u16.to_le_bytes(), &self.offset.to_le_bytes()].concat(),
        };
        let version = if extra.is_empty() { VERSION } else { VERSION_ZIP64 };
        self.directory.extend_from_slice(b"PK\x01\x02");
        self.directory.extend_from_slice(&(UNIX | version).to_le_bytes());
        self.directory.extend_from_slice(&version.to_le_bytes());
        self.directory.extend_from_slice(common.get(..22).unwrap_or_default());
        // Extra field; comment, disk, internal attributes: none.
        self.directory.extend_from_slice(&u16::try_from(extra.len()).unwrap_or(0).to_le_bytes());
        self.directory.extend_from_slice(&[0; 6]);
        self.directory.extend_from_slice(&if executable { EXECUTABLE } else { PLAIN }.to_le_bytes());
        self.directory.extend_from_slice(&far.unwrap_or(u32::MAX).to_le_bytes());
        self.directory.extend_from_slice(path.as_bytes());
        self.directory.extend_from_slice(&extra);

        self.offset += (header.len() + compressed.len()) as u64;
        self.count += 1;
        Ok(())
    }

    /// Writes the directory; hands the output back.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.output.write_all(&self.directory)?;
        let length = self.directory.len() as u64;
        let count = u16::try_from(self.count).ok().filter(|count| *count < u16::MAX);
        let small = |number: u64| u32::try_from(number).ok().filter(|number| *number < u32::MAX);
        let (small_length, small_offset) = (small(length), small(self.offset));
        if count.is_none() || small_length.is_none() || small_offset.is_none() {
            // 4.3.14 and 4.3.15: all of it once more, in wider fields.
            let mut end = b"PK\x06\x06".to_vec();
            end.extend_from_slice(&44_u64.to_le_bytes());
            end.extend_from_slice(&(UNIX | VERSION_ZIP64).to_le_bytes());
            end.extend_from_slice(&VERSION_ZIP64.to_le_bytes());
            end.extend_from_slice(&[0; 8]);
            for field in [self.count, self.count, length, self.offset] {
                end.extend_from_slice(&field.to_le_bytes());
            }
            end.extend_from_slice(b"PK\x06\x07\0\0\0\0");
            end.extend_from_slice(&(self.offset + length).to_le_bytes());
            end.extend_from_slice(&1_u32.to_le_bytes());
            self.output.write_all(&end)?;
        }
        // 4.3.16; no comment.
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend_from_slice(&count.unwrap_or(u16::MAX).to_le_bytes());
        end.extend_from_slice(&count.unwrap_or(u16::MAX).to_le_bytes());
        end.extend_from_slice(&small_length.unwrap_or(u32::MAX).to_le_bytes());
        end.extend_from_slice(&small_offset.unwrap_or(u32::MAX).to_le_bytes());
        end.extend_from_slice(&[0; 2]);
        self.output.write_all(&end)?;
        Ok(self.output)
    }
}
