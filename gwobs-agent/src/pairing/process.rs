//! The graph of one process: takes what happened, settles at once what is settled, keeps edges for what is not.

mod answers;
mod calls;
mod connects;
mod crowds;
mod look;
mod requests;
mod rivals;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use gwobs_route::Inconclusive;
use rustc_hash::FxHashMap;

use super::Counts;
use super::crowd::{Crowd, CrowdId};
use super::facts;
use super::habits::Habits;
use super::node::{Call, CallId, Request};
use super::oracle::Oracle;
use super::settled::Settled;
use super::threads::Threads;
use super::unseen::Unseen;
use crate::event::{Role, SocketCookie, Timestamp, Unread};
use crate::exchange::{Connection, Half, HalfId, Stage, Stamp};
use crate::finished::Evidence;
use rivals::Rivals;

/// Requests and calls of one process.
#[derive(Debug, Default)]
pub(super) struct Process {
    requests: FxHashMap<HalfId, Request>,
    calls: FxHashMap<CallId, Call>,
    /// Requests that may own a call that begins now.
    free: BTreeSet<HalfId>,
    /// Requests that have not ended.
    open: BTreeSet<HalfId>,
    /// Requests that wait on one connection, the first one being handled.
    queues: FxHashMap<SocketCookie, VecDeque<HalfId>>,
    /// When ended requests are looked at.
    due: BTreeSet<(Timestamp, HalfId)>,
    /// Set when the process ended.
    pub(super) exited: bool,
    threads: Threads,
    habits: Habits,
    /// Requests or calls of a component beyond which it is a crowd.
    component_limit: usize,
    crowds: BTreeMap<CrowdId, Crowd>,
    last_crowd: u64,
    unseen: Unseen,
    rivals: Rivals,
    /// Position of the latest event.
    latest: u64,
    /// Failed connects whose request is certain.
    failed_connects: u64,
    /// Calls that nobody can have made, with when they began: a request that is told late may still claim one.
    homeless: VecDeque<(Timestamp, CallId)>,
}

/// Where results go.
pub(super) struct Out<'a> {
    pub(super) settled: &'a mut Vec<Settled>,
    pub(super) counts: &'a mut Counts,
}

impl Process {
    /// A process that nothing is known of. `component_limit`: requests or calls of a component beyond which it is a crowd.
    pub(super) fn new(component_limit: usize) -> Self {
        Self {
            component_limit,
            ..Self::default()
        }
    }

    /// A half reached its next stage.
    pub(super) fn on_progress(
        &mut self,
        now: Timestamp,
        stage: Stage,
        half: &Half,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        self.note_stamps(half);
        match half.connection.role {
            Role::Accepted => self.on_request(now, stage, half, oracle, out),
            Role::Connected if oracle.is_control(half.connection.peer) => {}
            Role::Connected => self.on_call(stage, half, oracle, out),
        }
    }

    /// Bytes moved on a stream that cannot be read.
    pub(super) fn on_unreadable(
        &mut self,
        connection: &Connection,
        stamp: Stamp,
        why: Inconclusive,
        oracle: &impl Oracle,
    ) {
        self.note(stamp);
        if connection.role == Role::Connected && oracle.is_control(connection.peer) {
            return;
        }
        self.unseen.note(connection, stamp, why);
    }

    /// Something was received on a socket that is not read.
    pub(super) fn on_unread(&mut self, unread: &Unread, stamp: Stamp) {
        self.note(stamp);
        self.unseen.note_unread(unread, stamp);
    }

    /// Requests come in at this local port that nobody sees.
    pub(super) fn on_unseen_listener(&mut self, port: u16) {
        self.unseen.note_listener(port);
    }

    /// Events were lost: what has no upstream call yet may have made one that nobody saw.
    pub(super) fn on_lost(&mut self, now: Timestamp) {
        self.unseen.lose(now);
        for id in &self.open {
            if let Some(request) = self.requests.get_mut(id) {
                request.lost |= request.owned.is_empty();
            }
        }
    }

    /// Requests that have not ended.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// When the oldest request was read that is not handed out yet.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.requests
            .values()
            .filter(|request| !request.emitted)
            .map(|request| request.half.request.started.time)
            .min()
    }

    /// Requests and calls that are kept.
    pub(super) fn kept(&self) -> usize {
        self.requests.len() + self.calls.len()
    }

    /// True if the process ended and everything about it was handed out.
    pub(super) fn is_gone(&self) -> bool {
        self.exited && self.requests.is_empty()
    }

    fn note_stamps(&mut self, half: &Half) {
        let (request, response) = (&half.request, &half.response);
        let stamps = [Some(request.started), request.head_ended, request.ended];
        for stamp in stamps
            .into_iter()
            .chain([response.started, response.head_ended, response.ended])
            .flatten()
        {
            if stamp.order >= self.latest {
                self.note(stamp);
            }
        }
    }

    fn note(&mut self, stamp: Stamp) {
        self.latest = self.latest.max(stamp.order);
        self.threads.saw(stamp);
    }

    /// Puts a request among the free ones or takes it out, as its calls stand now.
    fn refresh(&mut self, id: HalfId) {
        let free = self.requests.get(&id).is_some_and(|request| {
            let last_failed = request
                .owned
                .last()
                .is_none_or(|last| self.calls.get(last).is_none_or(Call::failed));
            // On an event loop what is written after the answer belongs to somebody else.
            let answered = self.threads.steady() && request.half.response.started.is_some();
            request.from().is_some() && last_failed && !request.closed && !request.emitted && !answered
        });
        if free {
            self.free.insert(id);
        } else {
            self.free.remove(&id);
        }
    }

    /// Ties a call to its owner for good, and draws what follows from it: calls that lose their last but one candidate
    /// are settled too.
    fn settle(&mut self, call: CallId, owner: HalfId, kinds: &[Evidence]) {
        let mut queue = vec![(call, owner, kinds.to_vec())];
        while let Some((call, owner, kinds)) = queue.pop() {
            if !self.tie(call, owner, &kinds) {
                continue;
            }
            let excluded: Vec<CallId> = self.excluded_by(owner);
            for other in excluded {
                self.cut(other, owner);
                queue.extend(
                    self.last_candidate(other)
                        .map(|owner| (other, owner, vec![Evidence::Only])),
                );
            }
            self.refresh(owner);
        }
    }

    /// Moves a call from the edges of its candidates to what its owner owns; false if that was done before.
    fn tie(&mut self, id: CallId, owner: HalfId, kinds: &[Evidence]) -> bool {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.owner.is_none()) else {
            return false;
        };
        call.owner = Some(owner);
        let candidates = std::mem::take(&mut call.edges);
        let began = call.started();
        for candidate in &candidates {
            self.drop_edge(*candidate, id);
        }
        let before = self.owned_before(owner, began.order);
        let Some(request) = self.requests.get_mut(&owner) else {
            return false;
        };
        request.owned.insert(before.min(request.owned.len()), id);
        request.closed = false;
        request.candidates = request.candidates.max(candidates.len()).max(1);
        kinds.iter().for_each(|kind| request.add_evidence(*kind));
        if adjacent(&request.half, began) {
            request.add_evidence(Evidence::Adjacent);
        }
        self.threads.tied(&request.half, began);
        true
    }

    /// How many of the calls that a request owns began before that position.
    fn owned_before(&self, owner: HalfId, order: u64) -> usize {
        let owned = self
            .requests
            .get(&owner)
            .map(|request| request.owned.as_slice())
            .unwrap_or_default();
        owned
            .iter()
            .filter(|id| self.calls.get(id).is_some_and(|call| call.started().order < order))
            .count()
    }

    /// The calls with an edge to `owner` that it cannot own beside what it owns for sure.
    fn excluded_by(&self, owner: HalfId) -> Vec<CallId> {
        let Some(request) = self.requests.get(&owner) else {
            return Vec::new();
        };
        let owned = || request.owned.iter().filter_map(|id| self.calls.get(id));
        let compatible =
            |edge: &Call| owned().all(|owned| facts::may_follow(owned, edge) || facts::may_follow(edge, owned));
        request
            .edges
            .iter()
            .filter(|id| !self.calls.get(id).is_some_and(compatible))
            .copied()
            .collect()
    }

    /// Takes an edge away.
    fn cut(&mut self, call: CallId, request: HalfId) {
        let Some(node) = self.calls.get_mut(&call) else { return };
        node.edges.retain(|edge| *edge != request);
        if node.edges.is_empty() && node.owner.is_none() {
            let (owed, over) = (node.orphan.is_none(), node.over.is_some());
            if let Some(last) = self.requests.get_mut(&request).filter(|_| owed) {
                // Somebody must own it, and nobody can: the facts do not cover what happened here.
                last.contradicted = true;
            }
            if over {
                self.forget_call(call);
            }
        }
        self.drop_edge(request, call);
    }

    /// Takes a call from a request's edges; a request that only waited for that is forgotten.
    fn drop_edge(&mut self, id: HalfId, call: CallId) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.edges.retain(|edge| *edge != call);
        if request.emitted && request.edges.is_empty() {
            self.forget_request(id);
        }
    }

    /// Forgets a request and what it owns.
    fn forget_request(&mut self, id: HalfId) {
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        self.free.remove(&id);
        self.open.remove(&id);
        for call in request
            .owned
            .into_iter()
            .chain(request.side.into_iter().map(|(call, _)| call))
        {
            self.calls.remove(&call);
        }
    }

    /// The only request that may own a call, if there is only one and the call must have an owner.
    fn last_candidate(&self, call: CallId) -> Option<HalfId> {
        let call = self
            .calls
            .get(&call)
            .filter(|call| call.owner.is_none() && call.orphan.is_none())?;
        match call.edges.as_slice() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Looks again at the edges of a call, after something was learnt of it.
    fn review_call(&mut self, id: CallId) {
        let steady = self.threads.steady();
        let Some(call) = self.calls.get(&id) else { return };
        let impossible: Vec<HalfId> = call
            .edges
            .iter()
            .filter(|owner| {
                !self
                    .requests
                    .get(owner)
                    .is_some_and(|request| facts::may_own(request, call, steady))
            })
            .copied()
            .collect();
        for owner in impossible {
            self.cut(id, owner);
        }
        if let Some(owner) = self.last_candidate(id) {
            self.settle(id, owner, &[Evidence::Only]);
        }
    }

    /// Looks again at the edges of a request, after something was learnt of it.
    fn review_request(&mut self, id: HalfId) {
        let edges = self
            .requests
            .get(&id)
            .map(|request| request.edges.clone())
            .unwrap_or_default();
        for call in edges {
            self.review_call(call);
        }
        self.refresh(id);
    }

    /// The requests and unsettled calls that hang together with a request; `None` if they are too many.
    fn component(&self, start: HalfId) -> Option<(Vec<HalfId>, Vec<CallId>)> {
        let mut requests = BTreeSet::from([start]);
        let mut calls = BTreeSet::new();
        let mut queue = vec![start];
        while let Some(id) = queue.pop() {
            for call in self.requests.get(&id).into_iter().flat_map(|request| &request.edges) {
                if calls.insert(*call) {
                    let candidates = self.calls.get(call).into_iter().flat_map(|call| &call.edges);
                    queue.extend(candidates.filter(|candidate| requests.insert(**candidate)));
                }
            }
            if requests.len() > self.component_limit || calls.len() > self.component_limit {
                return None;
            }
        }
        Some((requests.into_iter().collect(), calls.into_iter().collect()))
    }

    /// Counts a component: if its calls under way need all of its requests, none of these can own another call. False if
    /// it is too large.
    fn close_component(&mut self, start: HalfId) -> bool {
        let Some((requests, calls)) = self.component(start) else {
            return false;
        };
        let holding = |id: &&CallId| {
            self.calls
                .get(id)
                .is_some_and(|call| call.orphan.is_none() && !call.failed())
        };
        let closed = calls.iter().filter(holding).count() >= requests.len();
        for id in requests {
            if let Some(request) = self.requests.get_mut(&id) {
                request.closed = closed;
            }
            self.refresh(id);
        }
        true
    }

    /// Forgets a call and its edges.
    fn forget_call(&mut self, id: CallId) {
        let Some(call) = self.calls.remove(&id) else { return };
        for owner in call.edges {
            if let Some(request) = self.requests.get_mut(&owner) {
                request.edges.retain(|edge| *edge != id);
            }
        }
    }
}

/// True if nothing happened on the thread between the read of the request and this call.
pub(super) fn adjacent(downstream: &Half, began: Stamp) -> bool {
    downstream
        .request
        .head_ended
        .is_some_and(|read| read.tid == began.tid && began.thread_order == read.thread_order.wrapping_add(1))
}
