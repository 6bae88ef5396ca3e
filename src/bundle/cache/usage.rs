//! How much room the cache takes, and who has to go when it is too much: what was used longest ago. Of those who keep something here it knows no more than
//! this: a file can be done without at any moment, a directory is one thing and somebody may be working with it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::bundle::BundleError;
use crate::disk::checked::UNFINISHED;

/// Environments of the local target: whatever is deployed here runs in them.
const EXEMPT: &str = "runtime";
/// What releases held is not made anew by the next build: it goes only when there is too much of everything.
const REMEMBERED: [&str; 2] = ["listings", "releases"];
/// Marks when the cache was tidied last.
const TIDIED: &str = "tidied";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What was used since, a run may be about to use.
const YOUNG: Duration = Duration::from_secs(60 * 60);
/// So long after its last use a directory is not one that somebody works with.
const RESTED: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// When there is too much, a tenth more goes than has to, so that not every run meets the limit.
const LEFT: (u64, u64) = (9, 10);
/// What a file takes on disk is a multiple of this.
const BLOCK: u64 = 4096;

/// What the cache holds.
#[derive(Debug, Clone, Serialize)]
pub struct Usage {
    /// Bytes of all parts that are limited.
    pub size: u64,
    /// By directory.
    pub parts: Vec<Part>,
}

/// One directory of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Things in it: files, or directories that are one thing.
    pub entries: usize,
    /// Bytes on disk.
    pub size: u64,
    /// Whether it counts towards the limit.
    pub limited: bool,
    /// Whether `clean` empties it.
    pub cleaned: bool,
}

/// What was removed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Cleaned {
    /// Things that were removed.
    pub entries: usize,
    /// Their bytes on disk.
    pub size: u64,
    /// Things that were left because somebody may be using them.
    pub in_use: usize,
}

/// Looks at all of it.
pub fn usage(cache: &Path) -> Result<Usage, BundleError> {
    let mut parts = Vec::new();
    for name in parts_of(cache)? {
        let items = items(cache, &name);
        let size = items.iter().map(|item| item.size).sum();
        parts.push(Part { entries: items.len(), size, limited: name != EXEMPT, cleaned: is_cleaned(&name), name });
    }
    Ok(Usage { size: parts.iter().filter(|part| part.limited).map(|part| part.size).sum(), parts })
}

/// Removes what has not been used for so long; everything but what releases held, if that is no time at all. What another run uses now stays, or is made anew by it.
pub fn clean(cache: &Path, older_than: Duration) -> Result<Cleaned, BundleError> {
    let now = SystemTime::now();
    let mut cleaned = Cleaned::default();
    for name in parts_of(cache)?.into_iter().filter(|name| is_cleaned(name)) {
        for item in items(cache, &name) {
            let age = item.age(now);
            if age < older_than {
                continue;
            }
            if age < YOUNG && (item.is_directory || item.unfinished) {
                cleaned.in_use += 1;
                continue;
            }
            item.remove().map_err(|source| BundleError::Cache { path: item.path.clone(), source })?;
            cleaned.entries += 1;
            cleaned.size += item.size;
        }
    }
    Ok(cleaned)
}

/// Once a day: removes what killed runs left behind, and what was used longest ago if there is more than `limit`. Best effort.
pub fn tidy(cache: &Path, limit: u64) {
    let now = SystemTime::now();
    let marker = cache.join(TIDIED);
    let modified = fs::metadata(&marker).and_then(|metadata| metadata.modified());
    if modified.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age < DAY)) {
        return;
    }
    // First of all: another run is not to do the same meanwhile.
    if fs::write(&marker, b"").is_err() {
        return;
    }
    let mut kept = Vec::new();
    for name in parts_of(cache).unwrap_or_default().into_iter().filter(|name| name != EXEMPT) {
        for item in items(cache, &name) {
            if item.unfinished && item.age(now) > DAY {
                let _ = item.remove();
            } else {
                kept.push(item);
            }
        }
    }
    let mut size: u64 = kept.iter().map(|item| item.size).sum();
    if size <= limit {
        return;
    }
    kept.sort_by_key(|item| item.used);
    for item in kept {
        if size <= limit / LEFT.1 * LEFT.0 {
            return;
        }
        let rest = if item.is_directory { RESTED } else { YOUNG };
        if item.age(now) > rest && !item.unfinished && item.remove().is_ok() {
            size -= item.size;
        }
    }
}

/// Takes note that a directory of the cache is used.
pub(in crate::bundle) fn used(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.set_modified(SystemTime::now()));
}

fn is_cleaned(part: &str) -> bool {
    part != EXEMPT && !REMEMBERED.contains(&part)
}

fn parts_of(cache: &Path) -> Result<Vec<String>, BundleError> {
    let unusable = |source| BundleError::Cache { path: cache.to_owned(), source };
    let entries = match fs::read_dir(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unusable)?,
    };
    let directories = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut names: Vec<String> = directories.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// What is kept or goes as a whole.
struct Item {
    path: PathBuf,
    is_directory: bool,
    size: u64,
    used: SystemTime,
    /// Or the lock of somebody who is at it.
    unfinished: bool,
}

impl Item {
    fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.used).unwrap_or_default()
    }

    fn remove(&self) -> io::Result<()> {
        let removed = if self.is_directory { remove_directory(&self.path) } else { fs::remove_file(&self.path) };
        removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
    }
}

/// Out of the way first, so that nobody finds half of it.
fn remove_directory(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("{UNFINISHED}{name}"));
    fs::rename(path, &aside)?;
    fs::remove_dir_all(aside)
}

/// Everything in one part, best effort.
fn items(cache: &Path, part: &str) -> Vec<Item> {
    let mut items = Vec::new();
    for entry in walkdir::WalkDir::new(cache.join(part)).min_depth(1).max_depth(1).into_iter().flatten() {
        let (Ok(metadata), is_directory) = (entry.metadata(), entry.file_type().is_dir()) else { continue };
        let size = if is_directory { size_below(entry.path()) } else { on_disk(metadata.len()) };
        let name = entry.file_name().to_string_lossy();
        let unfinished = name.starts_with('.') || name.ends_with(".lock");
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        items.push(Item { path: entry.into_path(), is_directory, size, used, unfinished });
    }
    items
}

fn size_below(directory: &Path) -> u64 {
    let files = walkdir::WalkDir::new(directory).into_iter().flatten().filter(|entry| entry.file_type().is_file());
    files.filter_map(|entry| entry.metadata().ok()).map(|metadata| on_disk(metadata.len())).sum()
}

fn on_disk(length: u64) -> u64 {
    length.next_multiple_of(BLOCK)
}
