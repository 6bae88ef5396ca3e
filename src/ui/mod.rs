//! The only place that writes to standard output and standard error.
//!
//! stdout is data, stderr is talk: results (text, or one JSON document with `--json`) go to the first, progress, notes and errors to the second.

mod bars;
pub mod cache;
pub mod certify;
mod change;
mod console;
pub mod explain;
mod failure;
pub mod init;
pub mod package;
mod printer;
mod progress;
pub mod prompt;
pub mod regions;
pub mod report;
pub mod report_page;
pub mod settings;

pub use bars::Bars;
pub use console::{Console, Event, Shown};
pub use failure::{report_failure, say_interrupted};
pub use printer::{ColorChoice, OutputError, Printer, PrinterOptions};
