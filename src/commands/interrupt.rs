//! Ctrl-C: what this run has begun on disk goes away, what it has begun at the target is finished by the next run.

use std::io;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::{Mutex, PoisonError};

static SCRATCH: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary directory that goes with the run, however it ends (kill -9 excepted).
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    /// A directory inside `parent`, for results that are to be moved into place beside it; in the system's temporary directory if `None`.
    pub(crate) fn new(parent: Option<&Path>) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".zappa-");
        let directory = match parent {
            Some(parent) => builder.tempdir_in(parent)?,
            None => builder.tempdir()?,
        };
        SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).push(directory.path().to_owned());
        Ok(Self(directory))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// Waits for Ctrl-C beside the work, on a thread of the runtime; `state` is what then holds.
pub(crate) fn watch(state: impl Into<String>) {
    let state = state.into();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            for directory in SCRATCH.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
                let _ = std::fs::remove_dir_all(directory);
            }
            crate::ui::say_interrupted(&state);
            process::exit(crate::ui::prompt::INTERRUPTED.into());
        }
    });
}
