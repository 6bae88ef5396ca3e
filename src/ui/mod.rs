//! The only place that writes to standard output and standard error.
//!
//! stdout is data, stderr is talk: results (text, or one JSON document with `--json`) go to the first, progress, notes and errors to the second.

mod failure;
mod printer;
mod progress;
pub mod report;

pub use failure::{report_failure, say_interrupted};
pub use printer::{ColorChoice, Printer, PrinterOptions};

/// Asks a question on the terminal; no is the default.
pub(crate) fn confirm(question: &str) -> std::io::Result<bool> {
    let answer = dialoguer::Confirm::new().with_prompt(question).default(false).interact_opt();
    match answer {
        Ok(answer) => Ok(answer.unwrap_or(false)),
        Err(dialoguer::Error::IO(error)) => Err(error),
    }
}
