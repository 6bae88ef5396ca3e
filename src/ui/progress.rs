//! Progress of long work: bars on a terminal, one plain line per finished task elsewhere, nothing with `--quiet`.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anstyle::{AnsiColor, Style};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::DIM;
use crate::observe::{Observer, TaskId};

const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const DONE: Style = AnsiColor::Green.on_default();
const FAILED: Style = AnsiColor::Red.on_default();
const TICK: Duration = Duration::from_millis(120);
/// Work that is quicker than this is not worth telling how long it took.
const WORTH_TELLING: Duration = Duration::from_millis(950);

struct Running {
    name: String,
    since: Instant,
    bar: Option<ProgressBar>,
}

/// The observer that talks to people.
pub(super) struct Progress {
    quiet: bool,
    verbose: u8,
    bars: Option<MultiProgress>,
    next: AtomicU64,
    running: Mutex<HashMap<u64, Running>>,
}

impl Progress {
    pub(super) fn new(quiet: bool, verbose: u8, bars: bool) -> Self {
        let bars = bars.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));
        Self { quiet, verbose, bars, next: AtomicU64::new(0), running: Mutex::default() }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Writes a line above the bars, whatever the flags say.
    pub(super) fn line(&self, text: &str) {
        let write = || {
            let mut err = anstream::stderr().lock();
            let _ = writeln!(err, "{text}");
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    /// A line for a region, where there are bars.
    pub(super) fn region_bar(&self, region: &str) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let style = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg} {elapsed}").ok()?;
        let bar = bars.add(ProgressBar::new_spinner().with_style(style).with_prefix(region.to_owned()).with_message("waits"));
        bar.enable_steady_tick(TICK);
        Some(bar)
    }

    /// How something ended, in the colour of that.
    pub(super) fn marked(&self, result: &str, well: bool) -> String {
        let style = if well { DONE } else { FAILED };
        format!("{style}{result}{style:#}")
    }

    fn bar(&self, name: &str, total: Option<u64>) -> Option<ProgressBar> {
        let bars = self.bars.as_ref()?;
        let (bar, template) = match total {
            Some(total) => (ProgressBar::new(total), "{spinner} {msg} {wide_bar} {percent:>3}%"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}"),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = bars.add(bar.with_style(style).with_message(name.to_owned()));
        bar.enable_steady_tick(TICK);
        Some(bar)
    }
}

/// What to say of the time that something took, where it is worth telling.
pub(super) fn took(took: Duration) -> String {
    if took >= WORTH_TELLING { format!(" {DIM}{:.1} s{DIM:#}", took.as_secs_f64()) } else { String::new() }
}

impl Observer for Progress {
    fn begin(&self, task: &str, total: Option<u64>) -> TaskId {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let running = Running { name: task.to_owned(), since: Instant::now(), bar: self.bar(task, total) };
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id, running);
        TaskId(id)
    }

    fn advance(&self, id: TaskId, done: u64) {
        if let Some(Running { bar: Some(bar), .. }) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&id.0) {
            bar.set_position(done);
        }
    }

    fn end(&self, id: TaskId, outcome: Result<&str, ()>) {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&id.0) else { return };
        if let Some(bar) = running.bar {
            bar.finish_and_clear();
        }
        if self.quiet {
            return;
        }
        let name = running.name;
        let took = took(running.since.elapsed());
        match outcome {
            Ok("") => self.line(&format!("{DONE}✓{DONE:#} {name}{took}")),
            Ok(detail) => self.line(&format!("{DONE}✓{DONE:#} {name} {DIM}{detail}{DIM:#}{took}")),
            Err(()) => self.line(&format!("{FAILED}✗{FAILED:#} {name}{took}")),
        }
    }

    fn note(&self, message: &str) {
        if !self.quiet {
            self.line(message);
        }
    }

    fn warn(&self, message: &str) {
        self.line(&format!("{WARNING}warning:{WARNING:#} {message}"));
    }

    fn detail(&self, message: &str) {
        if self.verbose > 0 && !self.quiet {
            self.line(&format!("{DIM}{message}{DIM:#}"));
        }
    }
}
