//! The life of a stage on AWS, through the built binary and the SDK's real traffic: which calls each command makes, and what then exists.

mod calls;
mod settings;
pub(crate) mod stage;
