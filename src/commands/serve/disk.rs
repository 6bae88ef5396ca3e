//! Work on the session's own directory, off the tasks that serve; none of it goes on when the directory is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::spawn_blocking;

use crate::bundle::BundleError;

/// Admits one piece of work at a time, until it is closed.
#[derive(Default)]
pub(super) struct Disk {
    busy: Mutex<()>,
    closed: AtomicBool,
}

impl Disk {
    /// Does `work`, which looks at the flag now and then, unless it is too late for it.
    pub(super) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&AtomicBool) -> Result<T, BundleError> + Send + 'static,
    ) -> Result<T, BundleError> {
        let done = spawn_blocking(move || {
            let _busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
            if self.closed.load(Ordering::Relaxed) { Err(BundleError::Empty) } else { work(&self.closed) }
        });
        done.await.unwrap_or(Err(BundleError::Empty))
    }

    /// Lets nothing begin any more, and waits for what has begun.
    pub(super) async fn close(self: &Arc<Self>) {
        self.closed.store(true, Ordering::Relaxed);
        let disk = self.clone();
        let _ = spawn_blocking(move || drop(disk.busy.lock().unwrap_or_else(PoisonError::into_inner))).await;
    }
}
