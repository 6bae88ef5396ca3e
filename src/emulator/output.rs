//! What a sandbox's process writes, as bytes: waited for while it runs, and emptied at once when a request is over.

use std::io::{self, PipeReader};

/// As much as a pipe holds on Linux: whatever was written before a moment is among the next that many bytes.
const PIPE: usize = 64 * 1024;

/// The reading end of the pipe behind both standard streams.
pub(super) struct Output {
    pipe: imp::Pipe,
    buffer: Vec<u8>,
    closed: bool,
}

impl Output {
    pub(super) fn new(pipe: PipeReader) -> io::Result<Self> {
        Ok(Self { pipe: imp::Pipe::new(pipe)?, buffer: vec![0; PIPE], closed: false })
    }

    /// Waits until something was written, and returns it. Never returns once the other end is closed. Can be dropped and called again.
    pub(super) async fn next(&mut self) -> &[u8] {
        if !self.closed {
            match self.pipe.read(&mut self.buffer).await {
                Ok(length) if length > 0 => return &self.buffer[..length],
                _ => self.closed = true,
            }
        }
        std::future::pending().await
    }

    /// Hands to `take` what has been written up to now, without waiting.
    pub(super) fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        let mut total = 0;
        // The bound is for a process that goes on writing as fast as we read.
        while total <= PIPE {
            let length = self.pipe.read_now(&mut self.buffer);
            if length == 0 {
                return;
            }
            take(&self.buffer[..length]);
            total += length;
        }
    }
}

#[cfg(unix)]
mod imp {
    use std::fs::File;
    use std::io::{self, PipeReader, Read as _};
    use std::os::fd::OwnedFd;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::unix::pipe::Receiver;

    pub(super) struct Pipe {
        waiting: Receiver,
        /// The same pipe past the reactor, which learns of new bytes only at its next turn.
        direct: File,
    }

    impl Pipe {
        pub(super) fn new(pipe: PipeReader) -> io::Result<Self> {
            let descriptor = OwnedFd::from(pipe);
            let direct = File::from(descriptor.try_clone()?);
            // Makes the pipe non-blocking, and with it the copy.
            Ok(Self { waiting: Receiver::from_owned_fd(descriptor)?, direct })
        }

        pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.waiting.read(buffer).await
        }

        pub(super) fn read_now(&mut self, buffer: &mut [u8]) -> usize {
            self.direct.read(buffer).unwrap_or(0)
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io::{self, PipeReader, Read as _};

    use tokio::sync::mpsc;

    /// Pipes cannot be waited for here: a thread reads.
    pub(super) struct Pipe {
        chunks: mpsc::Receiver<Vec<u8>>,
    }

    impl Pipe {
        pub(super) fn new(mut pipe: PipeReader) -> io::Result<Self> {
            let (sender, chunks) = mpsc::channel(8);
            std::thread::Builder::new().name("sandbox-output".to_owned()).spawn(move || {
                let mut buffer = vec![0; 8 * 1024];
                while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                    if sender.blocking_send(buffer[..length].to_vec()).is_err() {
                        return;
                    }
                }
            })?;
            Ok(Self { chunks })
        }

        pub(super) async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            Ok(self.chunks.recv().await.map_or(0, |chunk| copy(&chunk, buffer)))
        }

        pub(super) fn read_now(&mut self, buffer: &mut [u8]) -> usize {
            self.chunks.try_recv().map_or(0, |chunk| copy(&chunk, buffer))
        }
    }

    fn copy(chunk: &[u8], buffer: &mut [u8]) -> usize {
        buffer[..chunk.len()].copy_from_slice(chunk);
        chunk.len()
    }
}
