//! What the tests stand on: throw-away projects, the built binary with a clean environment, local deployments, a raw HTTP client, and a Python
//! environment made once under `target/`.

pub(crate) mod http;
pub(crate) mod local;
pub(crate) mod project;
pub(crate) mod python;
pub(crate) mod random;

pub(crate) use local::Deployed;
pub(crate) use project::{Outcome, TestProject};
