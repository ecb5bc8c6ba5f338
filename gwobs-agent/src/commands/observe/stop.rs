//! What ends a run.

use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, Sleep, sleep_until};

/// SIGINT, SIGTERM, or the end of `--duration`.
#[derive(Debug)]
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    duration: Option<Duration>,
    end: Option<std::pin::Pin<Box<Sleep>>>,
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
        })
    }

    /// The duration begins now.
    pub(super) fn begin(&mut self) {
        self.end = self
            .duration
            .map(|duration| Box::pin(sleep_until(Instant::now() + duration)));
    }

    /// Waits for the end. Cancel safe.
    pub(super) async fn wait(&mut self) {
        let ended = async {
            match &mut self.end {
                Some(end) => end.as_mut().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = ended => {}
        }
    }
}
