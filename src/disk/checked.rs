//! Small files with a checksum at their end: whole or not there, and believed only if the checksum says so.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

/// How the names of files begin while they are written.
pub(crate) const UNFINISHED: &str = ".new-";
/// Half a SHA-256: against accidents, not against anybody.
const CHECKSUM: usize = 16;
/// A file that is used has a time no older than this, so that what nobody uses can be told apart.
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// The content of the file at `path`, if there is one that is not damaged.
pub(crate) fn read(path: &Path) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1);
    file.read_to_end(&mut bytes).ok()?;
    let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM)?)?;
    if Sha256::digest(content)[..CHECKSUM] != *checksum {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM);
    used(&file, &metadata);
    Some(bytes)
}

/// Makes `content` the content of the file at `path`.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = new_file(path)?;
    file.write_all(content)?;
    file.write_all(&Sha256::digest(content)[..CHECKSUM])?;
    file.persist(path).map(|_| ()).map_err(|error| error.error)
}

/// A file beside `path`, still without a name of its own; makes the directories that are missing.
pub(crate) fn new_file(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let make = || tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory);
    make().or_else(|error| {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
        fs::create_dir_all(directory)?;
        make()
    })
}

/// Takes note that a file has been used.
pub(crate) fn used(file: &File, metadata: &Metadata) {
    let now = SystemTime::now();
    if metadata.modified().is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > FRESH)) {
        let _ = file.set_modified(now);
    }
}
