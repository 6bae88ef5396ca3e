//! What a sandbox leaves in the log file: the function's own output, line by line, and the platform's lines (`START`, `END`, `REPORT`…).
//!
//! One line is: time (RFC 3339, UTC, milliseconds), tab, id of the request it belongs to (`-` during init and between requests), tab, text. A `+`
//! behind the time says that the line belongs to the same event as the one before: tracebacks and what is indented. A carriage return ends a line
//! as a newline does, since the runtime client uses it inside tracebacks. Bytes that are not UTF-8 come out as U+FFFD.
//!
//! A file that has grown to its limit becomes the older one (`function.log.1`), in place of the one before it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::live::Live;
use super::{Clock, LogLine, Witness, Writer};
use crate::cloud::LogKind;

/// The longest event that CloudWatch Logs takes in one piece; a longer line is cut.
const LONGEST_LINE: usize = 256 * 1024;
/// What Lambda returns as the log of an invocation.
const TAIL: usize = 4 * 1024;

/// Held while lines are written: a file must not be moved away under another sandbox's hands, or readers would be past it already.
static WRITING: Mutex<()> = Mutex::new(());

/// The older file of a log.
#[must_use]
pub fn older(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// A line of the file, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// When it was written.
    pub time: Timestamp,
    /// Whether it belongs to the event of the line before.
    pub joined: bool,
    /// The request it belongs to.
    pub request: Option<&'a str>,
    /// What was written.
    pub text: &'a str,
}

/// Takes a line, without its newline, apart; `None` if this module did not write it.
#[must_use]
pub fn parse(line: &str) -> Option<Entry<'_>> {
    let (time, rest) = line.split_once('\t')?;
    let (request, text) = rest.split_once('\t')?;
    let (time, joined) = time.strip_suffix('+').map_or((time, false), |time| (time, true));
    Some(Entry { time: time.parse().ok()?, joined, request: Some(request).filter(|id| *id != "-"), text })
}

/// The log of one sandbox. Several may write to the same file.
pub(super) struct Journal {
    path: PathBuf,
    limit: u64,
    clock: Clock,
    witness: Option<Arc<dyn Witness>>,
    request: Option<String>,
    partial: Vec<u8>,
    tail: String,
    grouping: Grouping,
    live: Option<Live>,
}

impl Journal {
    pub(super) fn new(path: &Path, limit: u64, clock: Clock, witness: Option<Arc<dyn Witness>>) -> Self {
        Self {
            path: path.to_owned(),
            limit,
            clock,
            witness,
            request: None,
            partial: Vec::new(),
            tail: String::new(),
            grouping: Grouping::default(),
            live: None,
        }
    }

    /// What the process writes until the end of the request that begins now goes to `live` too.
    pub(super) fn show(&mut self, live: Option<Live>) {
        self.live = live;
    }

    /// What follows belongs to this request.
    pub(super) fn begin(&mut self, request: &str) {
        self.end_line();
        self.request = Some(request.to_owned());
    }

    /// What follows belongs to no request. Returns the end of what was written since the last call.
    pub(super) fn end(&mut self) -> String {
        self.end_line();
        self.request = None;
        self.live = None;
        cut_front(&mut self.tail, TAIL);
        std::mem::take(&mut self.tail)
    }

    /// Lines of the platform's own, together.
    pub(super) fn lines(&mut self, lines: &[String]) {
        self.end_line();
        // Lambda says in two lines why a process ended.
        let joined = |index, text: &String| index > 0 && LogKind::of(text) == LogKind::Function;
        let lines: Vec<Line> =
            lines.iter().enumerate().map(|(index, text)| Line { text: text.clone(), joined: joined(index, text) }).collect();
        self.write(Writer::Platform, &lines);
    }

    /// Output of the process, as it came through the pipe.
    pub(super) fn output(&mut self, bytes: &[u8]) {
        if let Some(live) = &mut self.live {
            live.write(bytes);
        }
        self.partial.extend_from_slice(bytes);
        let buffer = std::mem::take(&mut self.partial);
        let mut lines = Vec::new();
        let mut start = 0;
        while let Some(length) = buffer[start..].iter().position(|&b| b == b'\n' || b == b'\r') {
            let end = start + length;
            // The newline of `\r\n` may still be on its way.
            if buffer[end] == b'\r' && end + 1 == buffer.len() {
                break;
            }
            self.push_line(&mut lines, &buffer[start..end]);
            let newline = buffer[end..].starts_with(b"\r\n");
            self.grouping.inside = buffer[end] == b'\r' && !newline;
            start = end + if newline { 2 } else { 1 };
        }
        while buffer.len() - start > LONGEST_LINE {
            let end = character_boundary(&buffer, start + LONGEST_LINE);
            self.push_line(&mut lines, &buffer[start..end]);
            start = end;
        }
        self.partial = buffer[start..].to_vec();
        self.write(Writer::Function, &lines);
    }

    /// Writes what is there of a line that was never ended.
    fn end_line(&mut self) {
        let rest = std::mem::take(&mut self.partial);
        let rest = rest.strip_suffix(b"\r").unwrap_or(&rest);
        if !rest.is_empty() {
            let mut lines = Vec::new();
            self.push_line(&mut lines, rest);
            self.write(Writer::Function, &lines);
        }
        self.grouping = Grouping::default();
    }

    fn push_line(&mut self, lines: &mut Vec<Line>, mut line: &[u8]) {
        while line.len() > LONGEST_LINE {
            let (head, rest) = line.split_at(character_boundary(line, LONGEST_LINE));
            lines.push(self.grouping.line(head));
            line = rest;
        }
        lines.push(self.grouping.line(line));
    }

    fn write(&mut self, by: Writer, lines: &[Line]) {
        if lines.is_empty() {
            return;
        }
        let request = self.request.as_deref().unwrap_or("-");
        let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        let time = format!("{:.3}", (self.clock)());
        let mut text = String::new();
        for Line { text: line, joined } in lines {
            for part in [time.as_str(), if *joined { "+" } else { "" }, "\t", request, "\t", line, "\n"] {
                text.push_str(part);
            }
            if let Some(witness) = &self.witness {
                witness.logged(LogLine { request_id: self.request.clone(), by, text: line.to_owned() });
            }
            self.tail.push_str(line);
            self.tail.push('\n');
            if self.tail.len() > 8 * TAIL {
                cut_front(&mut self.tail, TAIL);
            }
        }
        // Opened each time, so that a log that somebody removed or rotated comes back. Appending is one call: lines of sandboxes that write to
        // the same file never mix. A log that cannot be written must not stop the function, as in Lambda.
        if let Ok(mut file) = self.open(text.len()) {
            let _ = file.write_all(text.as_bytes());
        }
    }

    /// The file to append to: a new one if the present one has no room.
    fn open(&self, room: usize) -> io::Result<File> {
        let open = || OpenOptions::new().append(true).create(true).open(&self.path);
        let file = open().or_else(|error| match self.path.parent() {
            Some(parent) if error.kind() == io::ErrorKind::NotFound => std::fs::create_dir_all(parent).and_then(|()| open()),
            _ => Err(error),
        })?;
        let size = file.metadata()?.len();
        if size == 0 || size.saturating_add(room as u64) <= self.limit {
            return Ok(file);
        }
        drop(file);
        // If it cannot be moved, a log that is too large is better than none.
        let _ = std::fs::rename(&self.path, older(&self.path));
        open()
    }
}

/// A line on its way to the file.
struct Line {
    text: String,
    /// Whether it belongs to the event of the line before.
    joined: bool,
}

/// Which lines are one event. What reaches us is a stream of bytes: only the text tells.
#[derive(Default)]
struct Grouping {
    /// There is a line before, of the same request.
    begun: bool,
    /// The line before ended with a carriage return.
    inside: bool,
    traceback: Traceback,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Traceback {
    #[default]
    None,
    /// Up to the line that is not indented: the exception.
    Frames,
    /// Behind the exception; another one may have been raised while it was handled.
    Over,
}

impl Grouping {
    fn line(&mut self, bytes: &[u8]) -> Line {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let indented = text.starts_with([' ', '\t']);
        let (next, part) = match self.traceback {
            _ if text.starts_with("Traceback (most recent call last)") => (Traceback::Frames, true),
            Traceback::Frames if indented => (Traceback::Frames, true),
            Traceback::Frames => (Traceback::Over, true),
            Traceback::Over if text.is_empty() => (Traceback::Over, true),
            Traceback::Over if text.starts_with("During handling of the above ") || text.starts_with("The above exception was ") => {
                (Traceback::Over, true)
            }
            Traceback::Over | Traceback::None => (Traceback::None, indented),
        };
        let joined = self.begun && (self.inside || part);
        self.begun = true;
        self.inside = false;
        self.traceback = next;
        Line { text, joined }
    }
}

/// The last place at or before `at` where no UTF-8 sequence is cut in two.
fn character_boundary(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|&i| bytes.get(i).is_none_or(|b| b & 0xC0 != 0x80)).unwrap_or(at)
}

/// Leaves the last `keep` bytes of `text`, or a little less, so that it begins with a whole character.
fn cut_front(text: &mut String, keep: usize) {
    if let Some(surplus) = text.len().checked_sub(keep) {
        let start = (surplus..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap_or(text.len());
        text.drain(..start);
    }
}
