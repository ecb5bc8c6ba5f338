//! Which upstream calls belong to which downstream request: by evidence, never by guess.
//!
//! A *reading* is a complete assignment of the upstream calls of one process to its downstream requests that agrees
//! with every hard fact:
//!
//! - a call for a request begins after the request's head was read (and after the request before it on an HTTP/1
//!   connection was over) and before the request is answered; its answer is passed on after it was read (`facts.rs`);
//! - some filter of the specs, or none, can have turned the request into the call ([`Oracle::may_become`]);
//! - the attempts of one request follow one another, each after the one before failed; an answer of 2xx or 3xx is final;
//! - every call has exactly one owner, unless it is recognised as no route ([`Oracle::purpose`]), nothing that could own
//!   it was there, or a request may have been there that nobody could read (`unseen.rs`);
//! - in a process that never moves requests between threads, the thread (`threads.rs`).
//!
//! Evidence (`evidence.rs`) adds facts where it is unique on both sides. **A verdict is given only if all readings
//! agree on it**: on the calls, on the verdict, or at least on the verdicts of all requests that are equal for routing
//! together.
//!
//! # How it stays cheap
//!
//! At any moment few requests are *free*: read, not answered, and without a call under way. A call that begins now can
//! only belong to one of these, so nearly always there is one candidate and the call is settled in the moment it
//! begins. What is excluded then stays excluded: later events only add facts. If there are several candidates, edges
//! are kept; where as many calls are under way as requests hang together, none of these is free any more, which keeps
//! components small (`process.rs`). Edges fall as answers are read and passed on. When a request has ended, and its
//! component has not come apart by then, evidence and the readings are asked (`process/look.rs`, `puzzle.rs`).
//!
//! A busy event loop reads the next batch before it writes the last one. Then requests that look alike hang together for as
//! long as the load lasts. Beyond a limit such a component becomes a *crowd*, in which no edges are kept and more than all
//! readings are considered (`crowd.rs`).
//!
//! A *failed connect* has no request, and ties none together (`process/connects.rs`).

mod crowd;
mod evidence;
mod facts;
mod habits;
mod limits;
mod matching;
mod node;
mod oracle;
mod process;
mod puzzle;
mod readings;
mod settled;
#[cfg(test)]
mod tests;
mod threads;
mod tokens;
mod unseen;

use std::collections::BTreeMap;
use std::time::Duration;

pub use oracle::{Attempt, CallPurpose, Oracle};
pub use settled::{Settled, SettledCall, SettledRequest, Tie};

use crate::event::Timestamp;
use crate::exchange::ExchangeEvent;
use process::{Out, Process};

/// Pairing in numbers (`gwobs_pairing_total`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests whose upstream calls are known, or whose verdict does not depend on which they are.
    pub paired: u64,
    /// Requests that the gateway answered without any upstream call.
    pub local: u64,
    /// Requests of which only the counts are known.
    pub interchangeable: u64,
    /// Requests whose upstream calls stay in doubt.
    pub unpaired: u64,
    /// Calls that no request can have caused.
    pub unowned: u64,
    /// Calls recognised as no route.
    pub no_route: u64,
    /// Requests and calls that were dropped because a limit was reached.
    pub overflowed: u64,
}

/// Ties downstream requests and upstream calls together, process by process.
#[derive(Debug)]
pub struct Pairing {
    processes: BTreeMap<u32, Process>,
    hold: u64,
    counts: Counts,
    /// When events were lost last: a process that is heard of later may have had some among them.
    lost: Option<Timestamp>,
    component_limit: usize,
}

impl Pairing {
    /// `hold`: how long a mismatch that does not rest on certain calls is held in case newer specs explain it.
    #[must_use]
    pub fn new(hold: Duration) -> Self {
        Self {
            processes: BTreeMap::new(),
            hold: limits::nanoseconds(hold),
            counts: Counts::default(),
            lost: None,
            component_limit: limits::MAX_COMPONENT,
        }
    }

    /// With crowds from so few requests on.
    #[cfg(test)]
    fn with_component_limit(mut self, limit: usize) -> Self {
        self.component_limit = limit;
        self
    }

    /// Takes what happened on the connections, in order.
    pub fn on_exchange(
        &mut self,
        now: Timestamp,
        event: &ExchangeEvent<'_>,
        oracle: &impl Oracle,
        settled: &mut Vec<Settled>,
    ) {
        match event {
            ExchangeEvent::Progress { stage, half } => {
                let mut counts = self.counts;
                let out = &mut Out {
                    settled,
                    counts: &mut counts,
                };
                self.process(half.connection.pid)
                    .on_progress(now, *stage, half, oracle, out);
                self.counts = counts;
            }
            ExchangeEvent::Unreadable { connection, stamp, why } => {
                self.process(connection.pid)
                    .on_unreadable(connection, *stamp, *why, oracle);
            }
            ExchangeEvent::UnseenAnswered { connection, stamp, why } => {
                self.process(connection.pid)
                    .on_unseen_answered(connection, *stamp, *why, oracle);
            }
            ExchangeEvent::Unread { pid, unread, stamp } => self.process(*pid).on_unread(unread, *stamp),
            ExchangeEvent::ConnectFailed { pid, peer, began } => {
                self.process(*pid).on_connect_failed(*peer, *began, oracle);
            }
            ExchangeEvent::Lost => {
                self.lost = Some(now);
                self.processes.values_mut().for_each(|process| process.on_lost(now));
            }
        }
    }

    /// Requests come in at this local port of a process that nobody sees: they may own any of its calls.
    pub fn on_unseen_listener(&mut self, pid: u32, port: u16) {
        self.process(pid).on_unseen_listener(port);
    }

    /// Hands out what is due; to be called often, at least every 100 ms.
    pub fn on_tick(&mut self, now: Timestamp, oracle: &impl Oracle, settled: &mut Vec<Settled>) {
        for process in self.processes.values_mut() {
            process.look(
                now,
                self.hold,
                oracle,
                &mut Out {
                    settled,
                    counts: &mut self.counts,
                },
            );
        }
        self.processes.retain(|_, process| !process.is_gone());
    }

    /// Hands out every request that has ended, with what is known now.
    pub fn drain(&mut self, now: Timestamp, oracle: &impl Oracle, settled: &mut Vec<Settled>) {
        for process in self.processes.values_mut() {
            process.drain(
                now,
                oracle,
                &mut Out {
                    settled,
                    counts: &mut self.counts,
                },
            );
        }
    }

    /// A process ended: it is forgotten once its last requests are handed out.
    pub fn on_process_exit(&mut self, pid: u32) {
        if let Some(process) = self.processes.get_mut(&pid) {
            process.exited = true;
        }
    }

    /// Requests that have not ended.
    #[must_use]
    pub fn open(&self) -> usize {
        self.processes.values().map(Process::open).sum()
    }

    /// Requests and calls that are kept in memory.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.processes.values().map(Process::kept).sum()
    }

    /// When the oldest request was read that is not handed out yet.
    #[must_use]
    pub fn oldest(&self) -> Option<Timestamp> {
        self.processes.values().filter_map(Process::oldest).min()
    }

    /// The numbers so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The process with that number; one that is new knows of the last loss.
    fn process(&mut self, pid: u32) -> &mut Process {
        let (lost, limit) = (self.lost, self.component_limit);
        self.processes.entry(pid).or_insert_with(|| {
            let mut process = Process::new(limit);
            lost.into_iter().for_each(|at| process.on_lost(at));
            process
        })
    }
}
