//! The way out: a bounded queue and a thread that writes.
//!
//! A reader that is slow must not keep events from being read. So lines are queued up to [`MAX_QUEUED_BYTES`]; beyond
//! that they are refused, and the caller counts them. Every line is flushed before the thread waits for the next.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

#[cfg(test)]
mod tests;

/// Lines that may wait: at about 1 KiB each this is some 16,000 decisions, a second or more of heavy traffic.
pub const MAX_QUEUED_BYTES: usize = 16 << 20;

/// Bytes that are written at once: a system call takes as much as rendering a few lines.
const BUFFER: usize = 64 << 10;

/// A queue to a thread that writes.
#[derive(Debug)]
pub struct Writer {
    queue: mpsc::Sender<Vec<u8>>,
    queued: Arc<AtomicUsize>,
    ended: oneshot::Receiver<io::Result<()>>,
}

/// The queue is full: the reader is too slow, the line was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the output queue is full")]
pub struct Full;

impl Writer {
    /// Starts a thread named `name` that writes to `out`.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(name: &str, out: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, lines) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let waiting = Arc::clone(&queued);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            // The receiver is gone only if nobody waits for the outcome any more.
            let _ = end.send(write_all(&lines, &waiting, BufWriter::with_capacity(BUFFER, out)));
        })?;
        Ok(Self { queue, queued, ended })
    }

    /// Queues bytes.
    ///
    /// # Errors
    /// [`Full`] if too much is waiting already. Bytes for a writer that failed are dropped: [`Self::ended`] tells.
    pub fn offer(&self, bytes: Vec<u8>) -> Result<(), Full> {
        let length = bytes.len();
        if self.queued.load(Ordering::Relaxed) + length > MAX_QUEUED_BYTES {
            return Err(Full);
        }
        self.force(bytes);
        Ok(())
    }

    /// Queues bytes beyond the limit: for the few lines of a run that must not be missing.
    pub fn force(&self, bytes: Vec<u8>) {
        self.queued.fetch_add(bytes.len(), Ordering::Relaxed);
        let _ = self.queue.send(bytes);
    }

    /// Waits until the thread ends, which before [`Self::finish`] is a failure.
    pub async fn ended(&mut self) -> io::Error {
        match (&mut self.ended).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) | Err(_) => io::Error::other("the writer stopped"),
        }
    }

    /// Writes what is queued and ends the thread; nothing to do after a failure that [`Self::ended`] told.
    ///
    /// # Errors
    /// If writing failed, or what is queued was not taken within `patience`.
    pub async fn finish(self, patience: Duration) -> io::Result<()> {
        drop(self.queue);
        if self.ended.is_terminated() {
            return Ok(());
        }
        match tokio::time::timeout(patience, self.ended).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(io::Error::other("the writer stopped")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the reader does not read")),
        }
    }
}

/// Writes until every sender is gone; flushes whenever nothing is waiting.
fn write_all(lines: &mpsc::Receiver<Vec<u8>>, queued: &AtomicUsize, mut out: impl Write) -> io::Result<()> {
    while let Ok(first) = lines.recv() {
        let mut next = Some(first);
        while let Some(bytes) = next {
            out.write_all(&bytes)?;
            queued.fetch_sub(bytes.len(), Ordering::Relaxed);
            next = lines.try_recv().ok();
        }
        out.flush()?;
    }
    Ok(())
}
