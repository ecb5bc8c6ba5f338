//! Where lines go: standard output and the journal, each on a bounded queue of its own.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::journal::Journal;
use tokio::sync::mpsc::Sender;

use crate::notice::Notice;
use crate::output::{Full, Writer};

/// How long the end waits for readers of what is queued.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes lines.
pub(super) trait Out {
    /// Takes a line.
    ///
    /// # Errors
    /// [`Full`] if there is no room: the line is lost, and counted by the caller.
    fn line(&mut self, bytes: Vec<u8>) -> Result<(), Full>;

    /// Takes a line of which there are few in a run, room or not: ready, summary.
    fn essential(&mut self, bytes: Vec<u8>);

    /// Whether [`Self::mismatch`] keeps anything.
    fn keeps_mismatches(&self) -> bool;

    /// Takes a mismatch, as JSONL.
    ///
    /// # Errors
    /// [`Full`] if there is no room.
    fn mismatch(&mut self, bytes: Vec<u8>) -> Result<(), Full>;

    /// Takes a notice.
    ///
    /// # Errors
    /// [`Full`] if there is no room.
    fn notice(&mut self, notice: Notice) -> Result<(), Full>;
}

/// The outlets of a live run.
#[derive(Debug)]
pub(super) struct Outlets {
    stdout: Writer,
    journal: Option<Writer>,
    /// Who makes Events of notices.
    notices: Option<Sender<Notice>>,
}

/// An outlet that failed.
#[derive(Debug)]
pub(super) enum Broken {
    /// Nobody reads standard output any more: a clean end.
    Reader,
    /// It cannot be written.
    Failed(anyhow::Error),
}

impl Outlets {
    pub(super) fn open(journal: Option<&Path>) -> anyhow::Result<Self> {
        let journal = journal.map(Journal::open).transpose()?;
        Ok(Self {
            stdout: Writer::start("stdout", io::stdout())?,
            journal: journal.map(|journal| Writer::start("journal", journal)).transpose()?,
            notices: None,
        })
    }

    /// Notices go there from now on.
    pub(super) fn send_notices(&mut self, notices: Sender<Notice>) {
        self.notices = Some(notices);
    }

    /// Waits until an outlet fails.
    pub(super) async fn broken(&mut self) -> Broken {
        tokio::select! {
            error = self.stdout.ended() => stdout_failed(error),
            error = ended(self.journal.as_mut()) => journal_failed(error),
        }
    }

    /// Writes what is queued.
    pub(super) async fn finish(self) -> Result<(), Broken> {
        self.stdout.finish(PATIENCE).await.map_err(stdout_failed)?;
        match self.journal {
            Some(journal) => journal.finish(PATIENCE).await.map_err(journal_failed),
            None => Ok(()),
        }
    }
}

async fn ended(writer: Option<&mut Writer>) -> io::Error {
    match writer {
        Some(writer) => writer.ended().await,
        None => std::future::pending().await,
    }
}

fn stdout_failed(error: io::Error) -> Broken {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Broken::Reader,
        _ => Broken::Failed(anyhow::Error::new(error).context("cannot write to standard output")),
    }
}

fn journal_failed(error: io::Error) -> Broken {
    Broken::Failed(anyhow::Error::new(error).context("cannot write the journal"))
}

impl Out for Outlets {
    fn line(&mut self, bytes: Vec<u8>) -> Result<(), Full> {
        self.stdout.offer(bytes)
    }

    fn essential(&mut self, bytes: Vec<u8>) {
        self.stdout.force(bytes);
    }

    fn keeps_mismatches(&self) -> bool {
        self.journal.is_some()
    }

    fn mismatch(&mut self, bytes: Vec<u8>) -> Result<(), Full> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.offer(bytes))
    }

    fn notice(&mut self, notice: Notice) -> Result<(), Full> {
        let sent = self.notices.as_ref().map_or(Ok(()), |notices| notices.try_send(notice));
        sent.map_err(|_| Full)
    }
}
