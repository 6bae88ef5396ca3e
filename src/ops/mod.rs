//! ops

pub mod package;
