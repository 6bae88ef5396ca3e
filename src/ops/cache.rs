//! Cache: what earlier builds have left for the next ones; how much it is, and away with it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use crate::bundle::{BundleError, cache};

pub use crate::bundle::cache::{Cleaned, Part, Usage};

/// What the cache holds, and where.
#[derive(Debug, Clone, Serialize)]
pub struct CacheReport {
    /// The directory.
    pub directory: PathBuf,
    /// How many bytes it may hold.
    pub limit: u64,
    /// How many it does.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What was removed, and from where.
#[derive(Debug, Clone, Serialize)]
pub struct CleanReport {
    /// The directory.
    pub directory: PathBuf,
    /// What was removed.
    #[serde(flatten)]
    pub cleaned: Cleaned,
}

/// Looks at it.
pub fn info(directory: &Path, limit: u64) -> Result<CacheReport, BundleError> {
    Ok(CacheReport { directory: directory.to_owned(), limit, usage: cache::usage(directory)? })
}

/// Removes what has not been used for this long.
pub fn clean(directory: &Path, older_than: Duration) -> Result<CleanReport, BundleError> {
    Ok(CleanReport { directory: directory.to_owned(), cleaned: cache::clean(directory, older_than)? })
}
