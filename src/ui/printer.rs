//! Which streams are open: quiet, verbose, JSON, colour, terminal or pipe. Made once, from the flags.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anstyle::Style;
use serde::Serialize;

use super::bars::Bars;
use super::progress::Progress;
use crate::hint::Hint;
use crate::observe::Observer;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the flags say about output.
#[derive(Debug, Clone, Copy)]
pub struct PrinterOptions {
    /// `--json`
    pub json: bool,
    /// `--quiet`
    pub quiet: bool,
    /// How many `-v`.
    pub verbose: u8,
    /// `--color`
    pub color: ColorChoice,
}

/// Writes results and talk.
pub struct Printer {
    json: bool,
    /// Shared with work that outlives the borrow: SDK clients keep who they tell of their calls.
    progress: Arc<Progress>,
    verbose: u8,
    /// How bars are drawn on standard output.
    bars: Bars,
    /// The first failure of standard output.
    lost: Mutex<Option<io::Error>>,
}

/// A result that did not reach standard output: what was to be done is done, but nobody was told.
#[derive(Debug, thiserror::Error)]
#[error("could not write to standard output")]
pub struct OutputError(#[source] io::Error);

impl Hint for OutputError {
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_input(&self) -> bool {
        false
    }
}

/// Headings and names.
pub(crate) const BOLD: Style = Style::new().bold();
/// What stands in the second row.
pub(crate) const DIM: Style = Style::new().dimmed();

impl Printer {
    /// Decides once what is shown.
    #[must_use]
    pub fn new(options: PrinterOptions) -> Self {
        match options.color {
            ColorChoice::Auto => {}
            ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
            ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
        }
        let bars = !options.quiet && !options.json && io::stderr().is_terminal();
        Self {
            json: options.json,
            progress: Arc::new(Progress::new(options.quiet, options.verbose, bars)),
            verbose: options.verbose,
            bars: Bars::of_output(),
            lost: Mutex::default(),
        }
    }

    /// Whether results are JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// How bars are drawn on standard output.
    #[must_use]
    pub fn bars(&self) -> Bars {
        self.bars
    }

    /// Writes `text` and a newline to standard output. A reader that went away (`| head`) is not an error.
    pub fn data(&self, text: &str) {
        let mut out = anstream::stdout().lock();
        self.keep(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// Writes bytes to standard output as they are.
    pub fn raw(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        self.keep(out.write_all(bytes).and_then(|()| out.flush()));
    }

    /// Whether every result has been written; a full disk behind `>` is a failure of the command.
    pub fn finish(&self) -> Result<(), OutputError> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), |error| Err(OutputError(error)))
    }

    fn keep(&self, written: io::Result<()>) {
        if let Err(error) = written
            && error.kind() != ErrorKind::BrokenPipe
        {
            self.lost.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// As [`Self::data`], for a reader that may go away while we go on.
    pub fn line(&self, text: &str) -> std::io::Result<()> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()
    }

    /// What a function writes while it runs, as talk: bytes as they are. Silent with `--quiet`.
    pub fn murmur(&self, bytes: &[u8]) {
        if !self.progress.is_quiet() {
            let mut err = std::io::stderr().lock();
            let _ = err.write_all(bytes);
            let _ = err.flush();
        }
    }

    /// Tells of a failure that is a result (the function's, not ours), whatever the flags say.
    pub fn failure(&self, message: &str, hints: &[String]) {
        super::failure::tell(message, &[], hints);
    }

    /// As [`Self::failure`], with what caused it.
    pub(super) fn failure_with(&self, message: &str, causes: &[String], hints: &[String]) {
        super::failure::tell(message, causes, hints);
    }

    /// Who is told about progress in several regions.
    #[must_use]
    pub fn regions<'a>(&self, regions: impl Iterator<Item = &'a str>) -> super::regions::RegionsProgress {
        super::regions::RegionsProgress::new(self.progress.clone(), regions)
    }

    /// What can be done next.
    pub fn hints(&self, hints: &[String]) {
        super::failure::tell_hints(hints);
    }

    /// Writes one JSON document to standard output.
    pub fn json(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(&text),
            Err(error) => self.progress.line(&format!("error: could not write JSON: {error}")),
        }
    }

    /// Writes a command's result: `value` with `--json`, else `text`.
    pub fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json { self.json(value) } else { self.data(&text()) }
    }

    /// One line of talk on standard error; silent with `--quiet`.
    pub fn say(&self, message: &str) {
        self.progress.note(message);
    }

    /// Who is told about progress.
    #[must_use]
    pub fn observer(&self) -> &dyn Observer {
        &*self.progress
    }

    /// Who is told of every call to somebody else, with `-vv`.
    #[must_use]
    pub fn tracer(&self) -> Option<impl Fn(&str) + Send + Sync + 'static> {
        let progress = self.progress.clone();
        (self.verbose > 1).then_some(move |line: &str| progress.detail(line))
    }
}
