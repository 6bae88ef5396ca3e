//! Work on many things with all cores: each for itself, or handed over in order to somebody who takes them one by one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Uncompressed bytes that may be made ahead of who takes them, so that something large in front does not fill the memory behind it.
const AHEAD: u64 = 64 << 20;

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The results of `work` on `0..count`, or the error of the first that failed. Every thread has a `state` of its own.
pub(super) fn each<S, T: Send, E: Send>(
    count: usize,
    state: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut state = state();
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            let result = work(&mut state, index);
            if result.is_err() {
                // What is in front of it has been taken already: nothing that comes later is the first.
                next.fetch_max(count, Ordering::Relaxed);
            }
            done.push((index, result));
        }
    };
    let mut results = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads().min(count)).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect::<Vec<_>>()
    });
    results.sort_unstable_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Makes something of each of as many things as there are `sizes`, and hands all over in order.
pub(super) fn in_order<S, T: Send, E: Send>(
    sizes: &[u64],
    state: impl Fn() -> S + Sync,
    make: impl Fn(&mut S, usize) -> Result<T, E> + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let shared = Shared { sizes, state: Mutex::new(State::new(sizes.len())), changed: Condvar::new() };
    thread::scope(|scope| {
        for _ in 0..threads().min(sizes.len()) {
            scope.spawn(|| shared.work(&mut state(), &make));
        }
        let result = sizes.iter().enumerate().try_for_each(|(index, size)| {
            let made = shared.wait_for(index)?;
            take(index, made)?;
            shared.taken(*size);
            Ok(())
        });
        // Nobody is left waiting for room when something failed.
        shared.stop();
        result
    })
}

struct Shared<'a, T, E> {
    sizes: &'a [u64],
    state: Mutex<State<T, E>>,
    changed: Condvar,
}

struct State<T, E> {
    /// The next that no worker has.
    next: usize,
    /// The sizes of what a worker has and nobody has taken.
    ahead: u64,
    ready: Vec<Option<Result<T, E>>>,
    stopped: bool,
}

impl<T, E> State<T, E> {
    fn new(count: usize) -> Self {
        Self { next: 0, ahead: 0, ready: (0..count).map(|_| None).collect(), stopped: false }
    }
}

impl<T, E> Shared<'_, T, E> {
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work<S>(&self, own: &mut S, make: &impl Fn(&mut S, usize) -> Result<T, E>) {
        loop {
            let mut state = self.lock();
            let (index, size) = loop {
                let Some(size) = self.sizes.get(state.next).filter(|_| !state.stopped) else { return };
                // One is always let through, however large.
                if state.ahead == 0 || state.ahead + size <= AHEAD {
                    break (state.next, size);
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            state.next += 1;
            state.ahead += size;
            drop(state);
            let made = make(own, index);
            if let Some(slot) = self.lock().ready.get_mut(index) {
                *slot = Some(made);
            }
            self.changed.notify_all();
        }
    }

    fn wait_for(&self, index: usize) -> Result<T, E> {
        let mut state = self.lock();
        loop {
            if let Some(made) = state.ready.get_mut(index).and_then(Option::take) {
                return made;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn taken(&self, size: u64) {
        self.lock().ahead -= size;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}
