//! How a failure looks: what was attempted, the chain of causes, what to do next.

use std::error::Error;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use super::Printer;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Writes `error` to standard error; with `--json` also as the one document on standard output, so that a script gets an answer either way.
pub fn report_failure(printer: &Printer, error: &dyn Error, hints: &[String]) {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    tell(&error.to_string(), &causes, hints);
    if printer.is_json() {
        printer.json(&json!({ "error": { "message": error.to_string(), "causes": causes, "hints": hints } }));
    }
}

/// The text of it.
pub(super) fn tell(message: &str, causes: &[String], hints: &[String]) {
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "{ERROR}error:{ERROR:#} {message}");
    for cause in causes {
        let _ = writeln!(err, "  Caused by: {}", cause.replace('\n', "\n    "));
    }
    if !hints.is_empty() {
        let _ = writeln!(err);
    }
    drop(err);
    tell_hints(hints);
}

/// What to do next, alone.
pub(super) fn tell_hints(hints: &[String]) {
    let mut err = anstream::stderr().lock();
    for hint in hints {
        let _ = writeln!(err, "{HINT}hint:{HINT:#} {hint}");
    }
}

/// The last words of a run that Ctrl-C ended; `state` is what holds now.
pub fn say_interrupted(state: &str) {
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "\n{ERROR}interrupted:{ERROR:#} {state}");
}
