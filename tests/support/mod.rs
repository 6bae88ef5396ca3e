//! What the tests stand on: throw-away projects, the built binary with a clean environment, local deployments, a stand-in for AWS, a raw HTTP
//! client, and Python environments made once under `target/`.

pub(crate) mod aws;
pub(crate) mod http;
pub(crate) mod local;
pub(crate) mod project;
pub(crate) mod python;
pub(crate) mod random;
pub(crate) mod wheels;

pub(crate) use aws::Aws;
pub(crate) use local::Deployed;
pub(crate) use project::{Outcome, TestProject};

/// Waits until `condition` holds; fails the test after a minute.
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !condition() {
        assert!(start.elapsed().as_secs() < 60, "{what} did not come true");
        std::thread::yield_now();
    }
}
