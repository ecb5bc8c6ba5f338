//! Calls that cast doubt on requests which look like their owners.
//!
//! - *Late mirrors:* they began after the request that they copy was handed out, or so late that they were taken for
//!   another's. A mirror that is missing may be one of them.
//! - *Calls that nothing explains:* somebody made one call more than the facts allow (an authorization service that the
//!   specs do not mention is asked about every request). Then one of its calls may have been taken for that of another
//!   request that looks alike, and no mismatch among these is proven.

use std::collections::VecDeque;

use gwobs_route::{Mismatch, Purpose};

use super::judging::Judging;
use crate::event::Timestamp;
use crate::exchange::Half;
use crate::pairing::{Oracle, SettledRequest};

/// Calls of a kind that are remembered, at most; where there are so many, few are enough.
const MAX_STRAYS: usize = 1_024;

/// How long they are remembered beyond the hold, in nanoseconds: as long as requests that were open at the same time may
/// differ in length.
const MEMORY: u64 = 10_000_000_000;

/// What cast doubt in the last while.
#[derive(Debug, Default)]
pub(super) struct Strays {
    mirrors: Recent,
    unexplained: Recent,
}

/// Calls by when they were told.
#[derive(Debug, Default)]
struct Recent(VecDeque<(Timestamp, Half)>);

impl Strays {
    /// Remembers a late mirror.
    pub(super) fn add_mirror(&mut self, now: Timestamp, call: Half) {
        self.mirrors.add(now, call);
    }

    /// Remembers a call that nothing explains.
    pub(super) fn add_unexplained(&mut self, now: Timestamp, call: Half) {
        self.unexplained.add(now, call);
    }

    /// Remembers the mirrors of a request that went to one address more than once: one of them may be another's.
    pub(super) fn add_surplus(&mut self, now: Timestamp, request: &SettledRequest) {
        let mirrors = || {
            let beside = request.beside.iter();
            beside.filter_map(|(call, purpose)| (*purpose == Purpose::Mirror).then_some(call))
        };
        let same = |call: &&Half| {
            let peer = call.connection.peer;
            mirrors().filter(|other| other.connection.peer == peer).count() > 1
        };
        mirrors()
            .filter(same)
            .for_each(|call| self.mirrors.add(now, call.clone()));
    }

    /// Forgets those that are too old for what was held for so long.
    pub(super) fn forget(&mut self, now: Timestamp, hold: u64) {
        let before = Timestamp(now.0.saturating_sub(hold).saturating_sub(MEMORY));
        self.mirrors.forget(before);
        self.unexplained.forget(before);
    }

    /// True if a mismatch of this request is not proven.
    pub(super) fn cast_doubt(&self, reason: Mismatch, request: &SettledRequest, judging: &Judging<'_>) -> bool {
        let downstream = &request.downstream;
        let alike =
            |call: &Half| call.connection.pid == downstream.connection.pid && judging.may_become(downstream, call);
        let read = downstream.request.head_ended.unwrap_or(downstream.request.started);
        let late = |call: &Half| call.request.started.order > read.order && alike(call);
        self.unexplained.calls().any(alike) || reason == Mismatch::WrongMirror && self.mirrors.calls().any(late)
    }
}

impl Recent {
    fn add(&mut self, now: Timestamp, call: Half) {
        if self.0.len() >= MAX_STRAYS {
            self.0.pop_front();
        }
        self.0.push_back((now, call));
    }

    fn forget(&mut self, before: Timestamp) {
        while self.0.front().is_some_and(|(at, _)| *at < before) {
            self.0.pop_front();
        }
    }

    fn calls(&self) -> impl Iterator<Item = &Half> {
        self.0.iter().map(|(_, call)| call)
    }
}
