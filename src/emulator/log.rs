//! What a sandbox leaves in the log file: the function's own output, line by line, and the platform's lines (`START`, `END`, `REPORT`…).
//!
//! One event is one line: time (RFC 3339, UTC, milliseconds), tab, id of the request it belongs to (`-` during init and between requests), tab,
//! text. A carriage return ends a line as a newline does, since the runtime client uses it inside tracebacks. Bytes that are not UTF-8 come out
//! as U+FFFD.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Clock;

/// The longest event that CloudWatch Logs takes in one piece; a longer line is cut.
const LONGEST_LINE: usize = 256 * 1024;
/// What Lambda returns as the log of an invocation.
const TAIL: usize = 4 * 1024;

/// The log of one sandbox. Several may write to the same file.
pub(super) struct Journal {
    path: PathBuf,
    clock: Clock,
    request: Option<String>,
    partial: Vec<u8>,
    tail: String,
}

impl Journal {
    pub(super) fn new(path: &Path, clock: Clock) -> Self {
        Self { path: path.to_owned(), clock, request: None, partial: Vec::new(), tail: String::new() }
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
        cut_front(&mut self.tail, TAIL);
        std::mem::take(&mut self.tail)
    }

    /// Lines of the platform's own, together.
    pub(super) fn lines(&mut self, lines: &[String]) {
        self.end_line();
        self.write(lines.iter().map(String::as_str));
    }

    /// Output of the process, as it came through the pipe.
    pub(super) fn output(&mut self, bytes: &[u8]) {
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
            push_line(&mut lines, &buffer[start..end]);
            start = end + if buffer[end..].starts_with(b"\r\n") { 2 } else { 1 };
        }
        while buffer.len() - start > LONGEST_LINE {
            let end = character_boundary(&buffer, start + LONGEST_LINE);
            push_line(&mut lines, &buffer[start..end]);
            start = end;
        }
        self.partial = buffer[start..].to_vec();
        self.write(lines.iter().map(String::as_str));
    }

    /// Writes what is there of a line that was never ended.
    fn end_line(&mut self) {
        let rest = std::mem::take(&mut self.partial);
        let rest = rest.strip_suffix(b"\r").unwrap_or(&rest);
        if !rest.is_empty() {
            let text = String::from_utf8_lossy(rest).into_owned();
            self.write(std::iter::once(text.as_str()));
        }
    }

    fn write<'a>(&mut self, lines: impl Iterator<Item = &'a str>) {
        let prefix = format!("{:.3}\t{}\t", (self.clock)(), self.request.as_deref().unwrap_or("-"));
        let mut text = String::new();
        for line in lines {
            for part in [prefix.as_str(), line, "\n"] {
                text.push_str(part);
            }
            self.tail.push_str(line);
            self.tail.push('\n');
            if self.tail.len() > 8 * TAIL {
                cut_front(&mut self.tail, TAIL);
            }
        }
        if text.is_empty() {
            return;
        }
        // Opened each time, so that a log that somebody removed or rotated comes back. Appending is one call: lines of sandboxes that write to
        // the same file never mix. A log that cannot be written must not stop the function, as in Lambda.
        let open = || OpenOptions::new().append(true).create(true).open(&self.path);
        let file = open().or_else(|error| match self.path.parent() {
            Some(parent) if error.kind() == std::io::ErrorKind::NotFound => std::fs::create_dir_all(parent).and_then(|()| open()),
            _ => Err(error),
        });
        if let Ok(mut file) = file {
            let _ = file.write_all(text.as_bytes());
        }
    }
}

fn push_line(lines: &mut Vec<String>, mut line: &[u8]) {
    while line.len() > LONGEST_LINE {
        let (head, rest) = line.split_at(character_boundary(line, LONGEST_LINE));
        lines.push(String::from_utf8_lossy(head).into_owned());
        line = rest;
    }
    lines.push(String::from_utf8_lossy(line).into_owned());
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
