//! The only place that writes to standard output and standard error.
//!
//! stdout is data, stderr is talk: results (text, or one JSON document with `--json`) go to the first, progress, notes and errors to the second.

mod console;
mod failure;
pub mod init;
pub mod package;
mod printer;
mod progress;
pub mod prompt;
pub mod report;
pub mod settings;

pub use console::{Console, Event, Shown};
pub use failure::{report_failure, say_interrupted};
pub use printer::{ColorChoice, OutputError, Printer, PrinterOptions};
