//! What ends a run.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long to go on after a signal: a TLS library's call is told when it returns, and by then whoever was answered may have
/// sent the signal.
const LINGER: Duration = Duration::from_millis(100);

/// SIGINT, SIGTERM, or the end of `--duration`.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    duration: Option<Duration>,
    end: Option<std::pin::Pin<Box<Sleep>>>,
    /// There was a signal.
    asked: bool,
}

impl Stop {
    /// Takes over the signals.
    pub(super) fn new(duration: Option<Duration>) -> io::Result<Self> {
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Self {
            interrupt,
            terminate,
            duration,
            end: None,
            asked: false,
        })
    }

    /// The duration begins now.
    pub(super) fn begin(&mut self) {
        self.end = self
            .duration
            .map(|duration| Box::pin(sleep_until(Instant::now() + duration)));
    }

    /// Waits for the end: a moment after a signal, or at once after a second one. Cancel safe.
    pub(super) async fn wait(&mut self) {
        while self.is_signalled().await && !std::mem::replace(&mut self.asked, true) {
            self.end = Some(Box::pin(sleep_until(Instant::now() + LINGER)));
        }
    }

    /// Waits for a signal, or for the end, which is none.
    async fn is_signalled(&mut self) -> bool {
        let ended = async {
            match &mut self.end {
                Some(end) => end.as_mut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => true,
            () = ended => false,
        }
    }
}
