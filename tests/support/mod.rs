//! What the tests stand on: throw-away projects, the built binary with a clean environment, and a Python environment made once under `target/`.

pub(crate) mod project;
pub(crate) mod python;

pub(crate) use project::{Outcome, TestProject};
