//! The bundle through the library: what goes in and why, what stays out, what is refused, and that the same input gives the same bytes.

mod archive;
mod binaries;
mod byte_code;
mod cache;
mod contents;
mod explain;
mod fixture;
#[cfg(unix)]
mod installers;
mod lists;
mod packages;
mod refused;
mod slim;
mod strip;
mod wheels;
