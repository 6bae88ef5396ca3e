//! What `zappa serve` shows while it serves, line by line from a thread of its own: a reader that stops reading holds up nobody's request.
//!
//! stdout has the URL, a line per request and what the app writes; stderr has the talk of new versions. With `--json` stdout has one object per line.

use std::io::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::printer::{BOLD, DIM};
use super::{Printer, report};
use crate::emulator::{Access, LogLine, Witness, Writer};
use crate::model::{FrontDoor, Version};
use crate::observe::{Observer, TaskId};

const OK: Style = AnsiColor::Green.on_default();
const REDIRECT: Style = AnsiColor::Cyan.on_default();
const CLIENT_ERROR: Style = AnsiColor::Yellow.on_default();
const SERVER_ERROR: Style = AnsiColor::Red.on_default();
const COLD: Style = AnsiColor::Blue.on_default();
/// How long the end waits for a reader of what was shown last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Something to show.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The front door is open.
    Serving {
        /// Where.
        url: String,
        /// The stage's function.
        function: String,
        /// Which kind.
        front_door: FrontDoor,
    },
    /// A request was answered.
    Request(Access),
    /// The function wrote a line.
    Log(LogLine),
    /// A version serves.
    Version {
        /// Its number.
        version: Version,
        /// Paths in the bundle that made it necessary.
        changed: Vec<String>,
        /// From noticing the change, or from the start, until it served, in milliseconds.
        took_ms: u64,
        /// How long its init was, in milliseconds.
        init_ms: Option<u64>,
    },
    /// A version failed its init.
    Refused {
        /// Its number.
        version: Version,
        /// Paths in the bundle that made it necessary.
        changed: Vec<String>,
        /// The exception's type.
        error_type: String,
        /// What it says.
        message: String,
        /// The version that goes on serving.
        live: Option<Version>,
    },
    /// Something failed before there was a version.
    Failed {
        /// What was attempted.
        message: String,
        /// Why it failed, outermost reason first.
        causes: Vec<String>,
        /// What to do.
        hints: Vec<String>,
        /// The version that goes on serving.
        live: Option<Version>,
    },
    /// Anything else worth a line.
    Note {
        /// The line.
        message: String,
    },
}

/// Where events go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Console {
    events: mpsc::Sender<Event>,
}

/// The other end: shows events until the last console is gone.
#[derive(Debug)]
pub struct Shown {
    done: mpsc::Receiver<()>,
}

impl Console {
    /// Starts showing.
    pub fn start(printer: &Printer, quiet: bool, verbose: bool) -> std::io::Result<(Self, Shown)> {
        let (events, received) = mpsc::channel();
        let (over, done) = mpsc::channel();
        let json = printer.is_json();
        thread::Builder::new().name("console".to_owned()).spawn(move || {
            for event in received {
                let platform = matches!(&event, Event::Log(LogLine { by: Writer::Platform, .. }));
                if json {
                    out(&serde_json::to_string(&event).unwrap_or_else(|error| format!("{{\"event\":\"note\",\"message\":\"{error}\"}}")));
                } else if verbose || !platform {
                    show(&event, quiet);
                }
            }
            let _ = over.send(());
        })?;
        Ok((Self { events }, Shown { done }))
    }

    /// Shows `event`, after all that was shown before.
    pub fn show(&self, event: Event) {
        let _ = self.events.send(event);
    }

    /// One line of talk.
    pub fn say(&self, message: impl Into<String>) {
        self.show(Event::Note { message: message.into() });
    }
}

impl Shown {
    /// Waits until everything is shown, unless nobody reads it.
    pub fn finish(self) {
        let _ = self.done.recv_timeout(LAST_WORDS);
    }
}

impl Witness for Console {
    fn answered(&self, access: Access) {
        self.show(Event::Request(access));
    }

    fn logged(&self, line: LogLine) {
        self.show(Event::Log(line));
    }
}

/// Beside a running server progress has no room: only what must be told is.
impl Observer for Console {
    fn begin(&self, _task: &str, _total: Option<u64>) -> TaskId {
        TaskId(0)
    }

    fn advance(&self, _id: TaskId, _done: u64) {}

    fn end(&self, _id: TaskId, _outcome: Result<&str, ()>) {}

    fn note(&self, message: &str) {
        self.say(message);
    }

    fn warn(&self, message: &str) {
        self.say(format!("warning: {message}"));
    }

    fn detail(&self, _message: &str) {}
}

fn out(text: &str) {
    // Standard output is flushed at the end of each line, pipe or not. A reader that went away is not an error.
    let _ = writeln!(anstream::stdout().lock(), "{text}");
}

fn talk(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

fn show(event: &Event, quiet: bool) {
    match event {
        Event::Serving { url, .. } => out(&format!("{BOLD}{url}{BOLD:#}")),
        Event::Request(access) => out(&access_line(access)),
        Event::Log(line) => out(&format!("  {DIM}|{DIM:#} {}", line.text)),
        Event::Version { version, changed, took_ms, .. } => {
            if !quiet {
                talk(&format!("{OK}✓{OK:#} version {version} serves after {took_ms} ms{DIM}{}{DIM:#}", because(changed)));
            }
        }
        Event::Refused { version, changed, error_type, message, live } => {
            let goes_on = goes_on(*live);
            talk(&format!(
                "{SERVER_ERROR}✗{SERVER_ERROR:#} version {version} failed to start: {error_type}: {message}{}",
                because(changed)
            ));
            talk(&format!("  {goes_on}; the next save tries again"));
        }
        Event::Failed { message, causes, hints, live } => {
            talk(&format!("{SERVER_ERROR}✗{SERVER_ERROR:#} {message}"));
            causes.iter().for_each(|cause| talk(&format!("  Caused by: {}", cause.replace('\n', "\n    "))));
            hints.iter().for_each(|hint| talk(&format!("  hint: {hint}")));
            talk(&format!("  {}; the next save tries again", goes_on(*live)));
        }
        Event::Note { message } => {
            if !quiet {
                talk(message);
            }
        }
    }
}

fn goes_on(live: Option<Version>) -> String {
    live.map_or_else(|| "nothing serves yet".to_owned(), |live| format!("version {live} goes on serving"))
}

/// `: app.py and 3 more`
fn because(changed: &[String]) -> String {
    match changed {
        [] => String::new(),
        [one] => format!(" ({one})"),
        [one, others @ ..] => format!(" ({one} and {} more)", others.len()),
    }
}

/// `GET     200    1.2 kB     3.4 ms  warm               38 MB  /path?query`
fn access_line(access: &Access) -> String {
    let style = match access.status {
        ..300 => OK,
        300..400 => REDIRECT,
        400..500 => CLIENT_ERROR,
        500.. => SERVER_ERROR,
    };
    let milliseconds = |duration: Duration| format!("{:.1} ms", duration.as_secs_f64() * 1000.0);
    let (start, memory) = match &access.run {
        None => (String::from("-"), String::new()),
        Some(run) => {
            let start = run.init.map_or_else(|| "warm".to_owned(), |init| format!("cold, init {}", milliseconds(init)));
            (start, run.memory_mb.map(|memory| format!("{memory} MB")).unwrap_or_default())
        }
    };
    let cold = if start.starts_with("cold") { COLD } else { DIM };
    let padding = " ".repeat(20_usize.saturating_sub(start.width()));
    format!(
        "{:<7} {style}{}{style:#} {:>10} {:>11}  {cold}{start}{cold:#}{padding} {:>8}  {}",
        access.method,
        access.status,
        report::size(access.size as u64),
        milliseconds(access.duration),
        memory,
        access.target
    )
}
