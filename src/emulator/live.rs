//! What a function writes, for whoever watches one invocation: the bytes as they came, without the platform's lines.

use bytes::Bytes;
use tokio::sync::mpsc;

/// How many pieces may wait for a reader, each at most as large as a pipe.
const WAITING: usize = 256;
/// What stands where a reader was too slow.
const SKIPPED: &[u8] = b"\n[output is left out here; all of it is in the log]\n";
/// How the runtime client begins what it says about an exception.
const ERROR: &[u8] = b"[ERROR] ";

/// The writing end. The function is never made to wait for a reader.
#[derive(Debug, Clone)]
pub struct Live {
    sender: mpsc::Sender<Bytes>,
    skipped: bool,
    line: Line,
}

/// Where in a line the output is.
#[derive(Debug, Clone, Copy)]
enum Line {
    /// At its beginning, with so many bytes of [`ERROR`] seen.
    Beginning(usize),
    /// In an exception of the runtime client's, which ends its lines by carriage returns to make them one event.
    Exception,
    /// In any other.
    Other,
}

impl Live {
    /// Both ends. The reading end is over when the invocation is.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Bytes>) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self { sender, skipped: false, line: Line::Beginning(0) }, receiver)
    }

    /// Passes on what was written.
    pub fn write(&mut self, bytes: &[u8]) {
        let bytes: Bytes = bytes.iter().map(|&byte| self.readable(byte)).collect();
        if self.skipped && self.sender.try_send(Bytes::from_static(SKIPPED)).is_err() {
            return;
        }
        self.skipped = matches!(self.sender.try_send(bytes), Err(mpsc::error::TrySendError::Full(_)));
    }

    fn readable(&mut self, byte: u8) -> u8 {
        self.line = match (self.line, byte) {
            (_, b'\n') => Line::Beginning(0),
            (Line::Beginning(seen), _) if ERROR[seen] == byte && seen + 1 == ERROR.len() => Line::Exception,
            (Line::Beginning(seen), _) if ERROR[seen] == byte => Line::Beginning(seen + 1),
            (Line::Exception, _) => Line::Exception,
            _ => Line::Other,
        };
        if byte == b'\r' && matches!(self.line, Line::Exception) { b'\n' } else { byte }
    }
}
