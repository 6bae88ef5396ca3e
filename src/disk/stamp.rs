//! What tells that a file is no longer what it was, short of reading it.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Size and times of a file, and which file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Inode and time of the last change of any kind, where there is such a thing.
    identity: (u64, i64, i64),
}

/// A stamp as bytes.
pub(crate) type StampBytes = [u8; 44];

impl Stamp {
    /// Of a file as it is now; `None` if it cannot be seen.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }

    /// Uncompressed bytes.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Whether a file that is written to from `now` on gets another stamp for it. Clocks of file systems tick: what changes twice between two ticks
    /// keeps its stamp ("racily clean" in git). Linux ticks up to every 10 ms; FAT, HFS+ and ext3 every second or two, and have no fractions.
    pub(crate) fn is_settled(&self, now: SystemTime) -> bool {
        let Some(modified) = self.modified else { return false };
        // Where a file has such a time, nobody can set it.
        let changed = match self.identity {
            (_, seconds, nanoseconds) if seconds > 0 => {
                let (Ok(seconds), Ok(nanoseconds)) = (u64::try_from(seconds), u32::try_from(nanoseconds)) else { return false };
                UNIX_EPOCH + Duration::new(seconds, nanoseconds)
            }
            _ => modified,
        };
        let fraction = changed.duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_nanos());
        let tick = if fraction == 0 { Duration::from_secs(2) } else { Duration::from_millis(100) };
        now.duration_since(changed).is_ok_and(|age| age > tick)
    }

    /// For a file of ours; `None` where the file system has no times.
    pub(crate) fn bytes(&self) -> Option<StampBytes> {
        let modified = match self.modified?.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()).ok()?,
            Err(before) => -i128::try_from(before.duration().as_nanos()).ok()?,
        };
        let (inode, seconds, nanoseconds) = self.identity;
        let mut bytes = [0; 44];
        bytes[..8].copy_from_slice(&self.size.to_le_bytes());
        bytes[8..20].copy_from_slice(&modified.to_le_bytes()[..12]);
        bytes[20..28].copy_from_slice(&inode.to_le_bytes());
        bytes[28..36].copy_from_slice(&seconds.to_le_bytes());
        bytes[36..].copy_from_slice(&nanoseconds.to_le_bytes());
        Some(bytes)
    }

    /// As [`Stamp::bytes`], in hexadecimal.
    pub(crate) fn text(&self) -> Option<String> {
        Some(self.bytes()?.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt as _;
            (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
        };
        #[cfg(not(unix))]
        let identity = (0, 0, 0);
        Self { size: metadata.len(), modified: metadata.modified().ok(), identity }
    }
}
