//! What ties a sandbox to its pool: its place in it, and what the pool may know without asking.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use super::dispatch::Pool;
use crate::cloud::LastError;
use crate::model::Version;

/// What `status` reads of a sandbox.
#[derive(Default)]
pub(super) struct Facts {
    pub(super) pid: AtomicU32,
    pub(super) requests: AtomicU64,
    /// Whether init is over.
    pub(super) started: AtomicBool,
    /// Whether `/tmp` is the process's own.
    pub(super) owns_tmp: AtomicBool,
}

impl Facts {
    /// Process id, requests served, whether init is over.
    pub(super) fn read(&self) -> (u32, u64, bool) {
        (self.pid.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed), self.started.load(Ordering::Relaxed))
    }
}

/// A sandbox's place in its pool. Given up when dropped, however the task ends. Weak: a forgotten emulator takes its sandboxes with it.
pub(super) struct Seat {
    pool: Weak<Pool>,
    id: u64,
    version: Version,
}

impl Seat {
    pub(super) fn new(pool: &Arc<Pool>, id: u64, version: Version) -> Self {
        Self { pool: Arc::downgrade(pool), id, version }
    }

    /// The request is done. Returns whether the sandbox may stay.
    pub(super) fn vacate(&self) -> bool {
        self.pool.upgrade().is_some_and(|pool| pool.vacate(self.id))
    }

    /// Idle for long. Returns whether the sandbox may go.
    pub(super) fn give_up(&self) -> bool {
        self.pool.upgrade().is_none_or(|pool| pool.give_up(self.id))
    }

    /// A request has failed.
    pub(super) fn failed(&self, error: LastError) {
        if let Some(pool) = self.pool.upgrade() {
            pool.failed(error);
        }
    }

    /// No more requests can be taken.
    pub(super) fn gone(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.gone(self.id);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.gone(self.id);
            pool.ended(self.version);
        }
    }
}
