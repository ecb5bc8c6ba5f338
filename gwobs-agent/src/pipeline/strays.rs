//! Mirrors that came late: after the request that they copy was handed out, or so late that they were taken for another's.
//! They cast doubt on requests that are held because a mirror of theirs is missing.

use std::collections::VecDeque;

use gwobs_route::Purpose;

use super::judging::Judging;
use crate::event::Timestamp;
use crate::exchange::Half;
use crate::pairing::{Oracle, SettledRequest};

/// Late mirrors that are remembered, at most: as many as gateways send in a hold of some seconds if all are late.
const MAX_STRAYS: usize = 4_096;

/// The late mirrors of the last while.
#[derive(Debug, Default)]
pub(super) struct Strays(VecDeque<(Timestamp, Half)>);

impl Strays {
    /// Remembers a late mirror.
    pub(super) fn add(&mut self, now: Timestamp, call: Half) {
        if self.0.len() >= MAX_STRAYS {
            self.0.pop_front();
        }
        self.0.push_back((now, call));
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
        mirrors().filter(same).for_each(|call| self.add(now, call.clone()));
    }

    /// Forgets those that came before.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.0.front().is_some_and(|(at, _)| *at < before) {
            self.0.pop_front();
        }
    }

    /// True if one of them may be a copy of this request.
    pub(super) fn may_be_of(&self, request: &SettledRequest, judging: &Judging<'_>) -> bool {
        let downstream = &request.downstream;
        let read = downstream.request.head_ended.unwrap_or(downstream.request.started);
        self.0
            .iter()
            .any(|(_, call)| call.request.started.order > read.order && judging.may_become(downstream, call))
    }
}
