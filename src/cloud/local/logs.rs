//! Reads a function's log (written by `emulator::log`): two files, the older one first, from a time or from where a reader has been before.
//!
//! A position names its file by the file's first line, which stays the same when the file becomes the older one, so that a reader goes on where it
//! was. A line that is not ended yet is left for the next time.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::cloud::{LogEvent, LogKind, LogPage, LogPosition, LogQuery, LogSink};
use crate::emulator::log::{older, parse};

/// Looking costs two opened files.
const AGAIN: Duration = Duration::from_millis(50);
/// How often a file may be moved away while both are opened, before it is taken as it is.
const ATTEMPTS: usize = 5;

/// Whether anything was ever logged.
pub(super) fn exists(path: &Path) -> bool {
    path.exists() || older(path).exists()
}

/// See [`crate::cloud::Cloud::logs`].
pub(super) fn read(path: &Path, query: &LogQuery, sink: LogSink<'_>) -> io::Result<LogPage> {
    let mut files = open(path)?;
    let mut start = 0;
    if let Some((offset, name)) = query.after.as_ref().and_then(|position| position.0.split_once(' '))
        && let Some(index) = files.iter().position(|file| file.name == name)
    {
        files.drain(..index);
        start = offset.parse().unwrap_or(0);
    }
    let mut position = query.after.clone().unwrap_or(LogPosition(String::new()));
    for file in files {
        let (end, flow) = events(file.file, start, &mut |event| if query.wants(&event) { sink(event) } else { ControlFlow::Continue(()) })?;
        position = LogPosition(format!("{end} {}", file.name));
        start = 0;
        if flow.is_break() {
            break;
        }
    }
    Ok(LogPage { position, ask_again_in: AGAIN })
}

struct LogFile {
    file: File,
    /// What its first line says, in short.
    name: String,
}

/// The files there are, older one first.
fn open(path: &Path) -> io::Result<Vec<LogFile>> {
    let mut attempt = 0;
    loop {
        // The present one first: if it is moved away in between, it is found twice, and never missed.
        let present = LogFile::open(path)?;
        let before = LogFile::open(&older(path))?;
        attempt += 1;
        match (&present, &before) {
            (Some(present), Some(before)) if present.name == before.name && attempt < ATTEMPTS => {}
            // Moved away, and no new one yet.
            (None, _) if attempt == 1 => {}
            _ => return Ok(before.into_iter().chain(present).collect()),
        }
    }
}

impl LogFile {
    /// `None` if there is none, or no line in it.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok(None);
        }
        let name = Sha256::digest(&line).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Self { file: reader.into_inner(), name }))
    }
}

/// Hands over the events of a file from `start` on. Returns up to where.
fn events(mut file: File, start: u64, sink: LogSink<'_>) -> io::Result<(u64, ControlFlow<()>)> {
    file.seek(SeekFrom::Start(start))?;
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let mut position = start;
    let mut event: Option<LogEvent> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            break;
        }
        // Damaged by somebody else if it is not text.
        let text = String::from_utf8_lossy(&line);
        match (parse(&text), &mut event) {
            (Some(entry), Some(begun)) if entry.joined && entry.request == begun.request_id.as_deref() => {
                begun.text.push('\n');
                begun.text.push_str(entry.text);
            }
            (Some(entry), event) => {
                let next = LogEvent {
                    time: entry.time,
                    request_id: entry.request.map(str::to_owned),
                    kind: LogKind::of(entry.text),
                    text: entry.text.to_owned(),
                };
                if let Some(done) = event.replace(next)
                    && sink(done).is_break()
                {
                    return Ok((position, ControlFlow::Break(())));
                }
            }
            (None, _) => {}
        }
        position += length as u64;
    }
    let flow = event.map_or(ControlFlow::Continue(()), sink);
    Ok((position, flow))
}
