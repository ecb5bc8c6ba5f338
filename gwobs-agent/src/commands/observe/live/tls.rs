//! The TLS libraries of the processes that are watched: found, probed, believed or given up.
//!
//! A program is searched on a thread of its own: that takes up to a second for a large one, in which events would be lost.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::event::{EventKind, KernelEvent};
use crate::probes::{ProbeError, Probes};
use crate::tls::{Finder, Finding, Library, Points, Trials};

/// What was found in a process.
struct Found {
    pid: u32,
    images: Vec<(PathBuf, String, Arc<Points>)>,
}

/// The probes on TLS calls.
pub(super) struct TlsWatch {
    questions: Sender<u32>,
    answers: Receiver<Found>,
    trials: Trials,
    withheld: u64,
}

impl TlsWatch {
    pub(super) fn start() -> std::io::Result<Self> {
        let (questions, asked) = channel();
        let (tell, answers) = channel();
        thread::Builder::new()
            .name("tls-finder".into())
            .spawn(move || answer(&asked, &tell))?;
        Ok(Self {
            questions,
            answers,
            trials: Trials::default(),
            withheld: 0,
        })
    }

    /// Searches these processes and attaches what is found, before anything else happens. Answers the libraries.
    pub(super) fn attach_now(&mut self, pids: &[u32], probes: &mut Probes) -> Vec<Library> {
        for pid in pids {
            self.ask(*pid);
        }
        let mut libraries = Vec::new();
        for _ in pids {
            if let Ok(found) = self.answers.recv() {
                libraries.extend(self.attach(&found, probes));
            }
        }
        libraries.sort_unstable();
        libraries.dedup();
        libraries
    }

    /// Searches a process; what is found is attached later.
    pub(super) fn search(&self, pid: u32) {
        self.ask(pid);
    }

    /// Attaches what was found since this was last called.
    pub(super) fn attach_found(&mut self, probes: &mut Probes) {
        while let Ok(found) = self.answers.try_recv() {
            self.attach(&found, probes);
        }
    }

    /// Takes note of an event; false if it must not be believed.
    pub(super) fn note(&mut self, event: &KernelEvent, probes: &mut Probes) -> bool {
        match &event.kind {
            EventKind::ProcessStarted { .. } => {
                self.detach(event.pid, probes);
                self.ask(event.pid);
            }
            EventKind::ProcessExited => self.detach(event.pid, probes),
            EventKind::Handshake { socket, outcome } => {
                tracing::debug!(pid = event.pid, socket = socket.0, "TLS handshake: {outcome:?}");
            }
            _ => {}
        }
        match self.trials.judge(event) {
            Finding::Believe => true,
            Finding::Doubt => {
                self.withheld += 1;
                false
            }
            Finding::GiveUp => {
                tracing::warn!(
                    pid = event.pid,
                    "what was taken for the TLS library's reads and writes yields no HTTP: TLS stays unread"
                );
                self.withheld += 1;
                self.detach(event.pid, probes);
                false
            }
        }
    }

    /// Events that were not believed, since this was last asked.
    pub(super) fn take_withheld(&mut self) -> u64 {
        std::mem::take(&mut self.withheld)
    }

    fn ask(&self, pid: u32) {
        if self.questions.send(pid).is_err() {
            tracing::error!("the thread that searches programs for TLS libraries has ended");
        }
    }

    fn detach(&mut self, pid: u32, probes: &mut Probes) {
        self.trials.end(pid);
        if let Err(error) = probes.unwatch_tls(pid) {
            tracing::warn!(pid, "cannot remove the TLS probes: {error}");
        }
    }

    /// A process that cannot be probed has its TLS unread, no more.
    fn attach(&mut self, found: &Found, probes: &mut Probes) -> Vec<Library> {
        let mut libraries = Vec::new();
        for (path, name, points) in &found.images {
            match probes.watch_tls(found.pid, path, points) {
                Ok(()) => {
                    if !points.are_certain() {
                        self.trials.begin(found.pid);
                    }
                    libraries.push(points.library);
                }
                Err(error) => tell_refusal(found.pid, name, &error),
            }
        }
        libraries
    }
}

fn tell_refusal(pid: u32, name: &str, error: &ProbeError) {
    tracing::warn!(
        pid,
        "TLS stays unread, the probes on {name} cannot be attached: {error}"
    );
}

/// Answers until nobody asks any more.
fn answer(asked: &Receiver<u32>, tell: &Sender<Found>) {
    let mut finder = Finder::default();
    while let Ok(pid) = asked.recv() {
        let images = finder
            .find(pid)
            .into_iter()
            .filter_map(|(located, points)| match points {
                Ok(points) => Some((located.path, located.name, points)),
                Err(why) => {
                    tracing::debug!(pid, "no TLS probes in {}: {why}", located.name);
                    None
                }
            });
        let images = images.collect();
        if tell.send(Found { pid, images }).is_err() {
            return;
        }
    }
}
