//! Gives answers out in step, so that which calls go out together does not depend on how long each of them takes.
//!
//! An answer waits until nothing is being worked on and the client has asked for nothing more for a while; then all answers that wait go out
//! at once. What a run asks for meanwhile did not have to wait for any of them.

use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::watch;

/// How long a client that has something more to ask may take to do so.
const QUIET: Duration = Duration::from_millis(400);

#[derive(Default)]
pub(super) struct Steps {
    state: Mutex<State>,
    /// Counts the steps.
    released: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    on: bool,
    working: usize,
    /// Counts beginnings and ends.
    changes: u64,
}

/// A call that is being worked on.
pub(super) struct Working<'a>(&'a Steps);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap();
        state.working -= 1;
        state.changes += 1;
    }
}

impl Steps {
    pub(super) fn switch_on(&self) {
        self.state.lock().unwrap().on = true;
    }

    pub(super) fn begin(&self) -> Working<'_> {
        let mut state = self.state.lock().unwrap();
        state.working += 1;
        state.changes += 1;
        Working(self)
    }

    /// Waits until an answer may go out.
    pub(super) async fn turn(&self) {
        let mut released = self.released.subscribe();
        loop {
            let before = {
                let state = self.state.lock().unwrap();
                if !state.on {
                    return;
                }
                state.changes
            };
            tokio::select! {
                _ = released.changed() => return,
                () = tokio::time::sleep(QUIET) => {
                    let state = self.state.lock().unwrap();
                    if state.working == 0 && state.changes == before {
                        self.released.send_modify(|count| *count += 1);
                        return;
                    }
                }
            }
        }
    }
}
