//! What one build leaves for the next, in the user's cache directory: compressed members by what is in them (`members`, `pack`), what files were when they were
//! last read (`known`), and whole archives by their recipe (`archives`); with a limit to it all (`usage`).
//!
//! Nothing in it is needed. What is damaged is as good as not there, what cannot be written is done without, and whatever comes out of it is to the
//! byte what would be made anew. Every file is written beside its place and renamed, so that runs at the same time and runs that are killed leave
//! whole files; the last writer wins, and all writers of one name write the same.

mod archives;
mod known;
mod members;
mod pack;
mod usage;

pub(super) use self::archives::Archives;
pub(super) use self::known::{Kind, Known, Named};
pub(super) use self::members::{Compressor, LAYOUT, Member, Members};
pub(super) use self::usage::used;
pub use self::usage::{Cleaned, Part, Usage, clean, tidy, usage};
pub(super) use crate::disk::checked::{read, write};
pub(super) use crate::disk::{Digest, checked};

/// What is larger is read in pieces, whenever it is needed, so that no file has to fit into memory.
pub(super) const LARGE: u64 = 32 << 20;
