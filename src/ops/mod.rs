//! ops

pub mod init;
