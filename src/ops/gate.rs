//! `--atomic`: versions that wait for each other before any of them serves.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Opens once every region is ready; shuts for good once one will never be.
#[derive(Debug)]
pub struct Gate {
    regions: usize,
    state: watch::Sender<State>,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    ready: usize,
    shut: bool,
}

impl Gate {
    /// For so many regions, each of which needs a [`Ticket`].
    #[must_use]
    pub fn new(regions: usize) -> Self {
        Self { regions, state: watch::Sender::new(State::default()) }
    }

    /// One region's.
    pub fn ticket(&self) -> Ticket<'_> {
        Ticket { gate: self, is_ready: AtomicBool::new(false) }
    }
}

/// One region's way through a [`Gate`]. Dropped before it was ready, it shuts the gate.
#[derive(Debug)]
pub struct Ticket<'a> {
    gate: &'a Gate,
    is_ready: AtomicBool,
}

impl Ticket<'_> {
    /// Nothing keeps the others back on this region's account.
    pub fn ready(&self) {
        if !self.is_ready.swap(true, Ordering::Relaxed) {
            self.gate.state.send_modify(|state| state.ready += 1);
        }
    }

    /// Is ready, and waits for the others. `false`: one of them will never be.
    pub async fn pass(&self) -> bool {
        self.ready();
        let regions = self.gate.regions;
        let mut state = self.gate.state.subscribe();
        state.wait_for(|state| state.shut || state.ready == regions).await.is_ok_and(|state| !state.shut)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.is_ready.load(Ordering::Relaxed) {
            self.gate.state.send_modify(|state| state.shut = true);
        }
    }
}
