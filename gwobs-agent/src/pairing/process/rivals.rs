//! Requests that nobody saw, and that show themselves when they are answered or given up. On HTTP/2 that is said of one
//! stream, so it ends what is unknown about it: from then on it makes no call. But it may have made any call that began
//! before, and a request that was seen and is not handed out yet may have been given that call: it has a *rival*.
//!
//! A rivalled request keeps its verdict only by proof on both sides. As long as one of them is not answered, the call
//! that it really makes may still come and be given to somebody else, so calls that begin meanwhile may be anybody's.
//!
//! What was handed out before stands: a gateway passes an answer on when it has it, and requests wait for longer than
//! that after their end (`SETTLE_DELAY`).

use std::collections::BTreeMap;

use gwobs_route::Inconclusive;

use super::{Process, adjacent};
use crate::event::{Role, Timestamp};
use crate::exchange::{Connection, HalfId, Stamp};
use crate::finished::Evidence;
use crate::pairing::evidence;
use crate::pairing::limits::{SEND_TOLERANCE, SETTLE_DELAY, UNSEEN_MEMORY, after};
use crate::pairing::node::{Call, Request};
use crate::pairing::oracle::Oracle;

/// What unseen requests that were answered leave behind.
#[derive(Debug, Default)]
pub(super) struct Rivals {
    /// Rivalled requests whose own call may still begin.
    open: BTreeMap<HalfId, Rivalled>,
    /// Until when a call of one that was answered on another thread may be logged.
    until: Option<(Timestamp, Inconclusive)>,
}

/// A request that may have been given somebody else's call.
#[derive(Debug, Clone, Copy)]
struct Rivalled {
    /// The thread that read it.
    tid: u32,
    /// When its own call is logged at the latest.
    until: Timestamp,
    why: Inconclusive,
}

impl Rivals {
    /// A request is being answered: its call began before, as far as threads log in order.
    pub(super) fn answered(&mut self, id: HalfId, began: Option<Stamp>) {
        if let Some((rivalled, began)) = self.open.get_mut(&id).zip(began) {
            rivalled.until = rivalled.until.min(after(began.time, SEND_TOLERANCE));
        }
    }

    /// A request is over: the gateway soon forgets it.
    pub(super) fn ended(&mut self, id: HalfId, at: Timestamp) {
        if let Some(rivalled) = self.open.get_mut(&id) {
            rivalled.until = rivalled.until.min(after(at, SETTLE_DELAY));
        }
    }

    /// What is over by then is forgotten, so that no more are remembered than there are requests.
    fn forget_old(&mut self, now: Timestamp) {
        self.open.retain(|_, rivalled| rivalled.until >= now);
    }

    /// Why a call that begins now may be that of an unseen request, or of one whose own was given away. `steady`: requests
    /// never move between threads.
    fn owner_of(&mut self, began: Stamp, steady: bool) -> Option<Inconclusive> {
        self.forget_old(began.time);
        let late = self.until.filter(|(until, _)| !steady && *until >= began.time);
        let mut rivalled = self.open.values().filter(|one| !steady || one.tid == began.tid);
        late.map(|(_, why)| why).or_else(|| rivalled.next().map(|one| one.why))
    }
}

impl Process {
    /// An unseen request is over.
    pub(in crate::pairing) fn on_unseen_answered(
        &mut self,
        connection: &Connection,
        stamp: Stamp,
        why: Inconclusive,
        oracle: &impl Oracle,
    ) {
        if connection.role == Role::Connected {
            return self.on_unreadable(connection, stamp, why, oracle);
        }
        self.note(stamp);
        self.unseen.note_port(connection.local.port(), stamp.time);
        self.rivals.until = Some((after(stamp.time, SEND_TOLERANCE), why));
        self.rival_requests(stamp, why);
        self.rival_calls(stamp, why);
    }

    /// Why a call that begins now may belong to a request that nobody saw.
    pub(super) fn unseen_owner_of(&mut self, began: Stamp) -> Option<Inconclusive> {
        let steady = self.threads.steady();
        let unseen = self.unseen.owner_of(began, steady);
        unseen.or_else(|| self.rivals.owner_of(began, steady))
    }

    /// Every request that may own a call which the unseen one may own too. Crowds only count, so theirs are spoilt.
    fn rival_requests(&mut self, answered: Stamp, why: Inconclusive) {
        self.rivals.forget_old(answered.time);
        let steady = self.threads.steady();
        let mut reopened = Vec::new();
        let mut crowds = Vec::new();
        for (id, request) in &mut self.requests {
            let Some(read) = request.half.request.head_ended else {
                continue;
            };
            if request.emitted || read.order > answered.order || steady && read.tid != answered.tid {
                continue;
            }
            request.rivalled = Some(why);
            request.closed = false;
            reopened.push(*id);
            crowds.extend(request.crowd);
            if request.ended.is_none() && request.half.response.started.is_none() {
                let (tid, until) = (read.tid, after(answered.time, UNSEEN_MEMORY));
                self.rivals.open.insert(*id, Rivalled { tid, until, why });
            }
        }
        crowds.into_iter().for_each(|crowd| self.disperse(crowd));
        reopened.into_iter().for_each(|id| self.refresh(id));
    }

    /// Calls that nobody owns for sure may be the unseen request's.
    fn rival_calls(&mut self, answered: Stamp, why: Inconclusive) {
        let steady = self.threads.steady();
        for call in self.calls.values_mut() {
            let began = call.started();
            if call.owner.is_none() && began.order < answered.order && (!steady || began.tid == answered.tid) {
                call.orphan.get_or_insert(why);
            }
        }
    }
}

/// True if a request's calls are its own, whoever else was there: by an id, or because its only call follows its read on
/// the thread and its client got just that answer.
pub(super) fn is_proven(request: &Request, calls: &[&Call]) -> bool {
    let is_own = |call: &Call| {
        let half = call.half();
        half.is_some_and(|half| evidence::same_answer(&request.half, half)) && adjacent(&request.half, call.started())
    };
    let by_both_sides = matches!(calls, [only] if request.unseen_call.is_none() && is_own(only));
    request.evidence.contains(&Evidence::Id) || by_both_sides
}
