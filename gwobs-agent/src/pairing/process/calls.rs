//! The upstream side: calls look for their owner.

use gwobs_route::{Inconclusive, Purpose};

use super::{Out, Process};
use crate::event::Timestamp;
use crate::exchange::{Half, HalfId, Outcome, Stage};
use crate::finished::Evidence;
use crate::pairing::limits::{MAX_COMPONENT, MAX_NODES};
use crate::pairing::node::{Call, CallId, CallKind, flaw};
use crate::pairing::oracle::{CallPurpose, Oracle};
use crate::pairing::settled::Settled;
use crate::pairing::tokens::Token;
use crate::pairing::{evidence, facts};

/// Targets that are remembered while the candidates of a call are sought; with more the search would cost more than it
/// saves.
const MAX_TARGETS: usize = 4;

impl Process {
    pub(super) fn on_call(&mut self, stage: Stage, half: &Half, oracle: &impl Oracle, out: &mut Out<'_>) {
        let id = CallId::Half(half.id);
        if half.request.head.is_none() {
            if stage != Stage::RequestStarted {
                self.note_unreadable_call(half);
            }
            return;
        }
        match self.calls.get_mut(&id) {
            Some(call) => call.kind = CallKind::Sent(half.clone()),
            None if stage == Stage::RequestHead => self.place(half, oracle, out),
            None => return,
        }
        if stage > Stage::RequestHead {
            self.on_call_progress(id, stage, half, out);
        }
    }

    /// A call whose head cannot be read may be anybody's.
    fn note_unreadable_call(&mut self, half: &Half) {
        for stamp in [Some(half.request.started), half.response.started, half.response.ended]
            .into_iter()
            .flatten()
        {
            self.unseen.note(&half.connection, stamp, flaw(half));
        }
    }

    /// A call began: who made it?
    fn place(&mut self, half: &Half, oracle: &impl Oracle, out: &mut Out<'_>) {
        if self.calls.len() >= MAX_NODES {
            out.counts.overflowed += 1;
            self.unseen
                .note(&half.connection, half.request.started, Inconclusive::Unpaired);
            return;
        }
        let mut call = Call::new(CallKind::Sent(half.clone()));
        call.orphan = self.unseen_owner_of(half.request.started);
        let candidates = self.candidates(&call, oracle);
        let halves: Vec<&Half> = candidates
            .iter()
            .filter_map(|id| Some(&self.requests.get(id)?.half))
            .collect();
        match oracle.purpose(half, &halves) {
            CallPurpose::NoRequest => out.counts.no_route += 1,
            CallPurpose::Route => self.place_attempt(half.id, call, &candidates, oracle, out),
            CallPurpose::Mirror => self.place_beside(half, Purpose::Mirror, oracle, out),
            CallPurpose::Auth => self.place_beside(half, Purpose::Auth, oracle, out),
        }
    }

    fn place_attempt(
        &mut self,
        half: HalfId,
        call: Call,
        candidates: &[HalfId],
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        let id = CallId::Half(half);
        let orphan = call.orphan;
        let Some(first) = candidates.first().copied() else {
            self.place_homeless(id, call, oracle, out);
            return;
        };
        self.calls.insert(id, call);
        let owner = if candidates.len() == 1 && orphan.is_none() {
            Some((first, vec![Evidence::Only]))
        } else {
            self.recognised(id, candidates, oracle)
        };
        let in_crowd = |id: &HalfId| self.requests.get(id).is_some_and(|request| request.crowd.is_some());
        let crowded = candidates.len() > self.component_limit || candidates.iter().any(in_crowd);
        match owner.filter(|(owner, _)| self.is_free_of_crowd(*owner)) {
            Some((owner, kinds)) => {
                self.take_from_crowd(owner);
                self.settle(id, owner, &kinds);
            }
            None if crowded => self.join_crowd(id, candidates, oracle, out),
            None => {
                self.connect(id, candidates);
                if !self.close_component(first) {
                    self.join_crowd(id, candidates, oracle, out);
                }
            }
        }
    }

    /// The requests that may have made a call, by every fact there is.
    pub(super) fn candidates<'a>(&'a self, call: &Call, oracle: &impl Oracle) -> Vec<HalfId> {
        let steady = self.threads.steady();
        let began = call.started().order;
        // Requests for the same target become the same: they are asked for once.
        let mut known: Vec<(&Half, bool)> = Vec::new();
        let mut becomes = |request: &'a Half| {
            let Some(half) = call.half() else { return true };
            let same = known.iter().find(|(other, _)| oracle.same_target(other, request));
            if let Some((_, may)) = same {
                return *may;
            }
            let may = oracle.may_become(request, half);
            if known.len() < MAX_TARGETS {
                known.push((request, may));
            }
            may
        };
        let may = |id: &&HalfId| {
            self.requests.get(id).is_some_and(|request| {
                facts::may_own(request, call, steady)
                    && request
                        .owned
                        .iter()
                        .filter_map(|id| self.calls.get(id))
                        .all(|owned| owned.started().order < began && facts::may_follow(owned, call))
                    && becomes(&request.half)
            })
        };
        self.free.iter().filter(may).copied().collect()
    }

    /// Nobody can have made it. If somebody could have but for what he owns, the facts do not cover what happened.
    fn place_homeless(&mut self, id: CallId, call: Call, oracle: &impl Oracle, out: &mut Out<'_>) {
        let steady = self.threads.steady();
        let alike = |id: &&HalfId| {
            self.requests.get(id).is_some_and(|request| {
                facts::may_own(request, &call, steady)
                    && call.half().is_some_and(|half| oracle.may_become(&request.half, half))
            })
        };
        let unfinished = self.open.iter().chain(self.due.iter().map(|(_, id)| id));
        let rivals: Vec<HalfId> = unfinished.filter(alike).copied().collect();
        if call.orphan.is_none() {
            let unexplained = call.half().filter(|_| !rivals.is_empty()).cloned();
            out.settled.extend(unexplained.map(Settled::Unexplained));
            for rival in rivals {
                if let Some(request) = self.requests.get_mut(&rival) {
                    request.contradicted = true;
                }
            }
            if self.homeless.len() >= MAX_COMPONENT {
                self.forget_oldest_homeless(out);
            }
            self.homeless.push_back((call.started().time, id));
        }
        self.calls.insert(id, call);
    }

    /// A request may be told after its call, when its bytes were logged out of order: calls that nobody can have made
    /// are kept for so long, and the request takes its own.
    pub(super) fn adopt(&mut self, request: HalfId, oracle: &impl Oracle) {
        let steady = self.threads.steady();
        let own = |(_, id): &&(Timestamp, CallId)| {
            self.requests
                .get(&request)
                .zip(self.calls.get(id))
                .is_some_and(|(request, call)| {
                    call.owner.is_none()
                        && facts::may_own(request, call, steady)
                        && call.half().is_some_and(|half| oracle.may_become(&request.half, half))
                })
        };
        let found: Vec<CallId> = self.homeless.iter().filter(own).map(|(_, id)| *id).collect();
        for id in found {
            self.homeless.retain(|(_, homeless)| *homeless != id);
            self.settle(id, request, &[Evidence::Only]);
        }
    }

    /// Counts and forgets calls that began before that time and stayed without owner.
    pub(super) fn forget_homeless(&mut self, before: Timestamp, out: &mut Out<'_>) {
        while self.homeless.front().is_some_and(|(began, _)| *began < before) {
            self.forget_oldest_homeless(out);
        }
    }

    fn forget_oldest_homeless(&mut self, out: &mut Out<'_>) {
        if let Some((_, id)) = self.homeless.pop_front() {
            self.forget_call(id);
            out.counts.unowned += 1;
        }
    }

    /// The one candidate that shares a token with the call that nobody else has.
    fn recognised(&self, id: CallId, candidates: &[HalfId], oracle: &impl Oracle) -> Option<(HalfId, Vec<Evidence>)> {
        let call = self.calls.get(&id)?;
        self.recognise(id, call, candidates, oracle)
    }

    fn recognise(
        &self,
        id: CallId,
        call: &Call,
        candidates: &[HalfId],
        oracle: &impl Oracle,
    ) -> Option<(HalfId, Vec<Evidence>)> {
        let downstream: Vec<(HalfId, &[Token])> = candidates
            .iter()
            .filter_map(|id| Some((*id, self.requests.get(id)?.tokens(oracle))))
            .collect();
        evidence::recognise(call.tokens(oracle), call.orphan.is_some(), &downstream, |token| {
            self.is_foreign(token, id, oracle)
        })
    }

    /// True if a token of a call is also on another call, and not because that one's owner has it.
    pub(super) fn is_foreign(&self, token: &Token, call: CallId, oracle: &impl Oracle) -> bool {
        self.calls.iter().any(|(id, other)| {
            let explained = || {
                let owner = other.owner.and_then(|owner| self.requests.get(&owner));
                owner.is_some_and(|owner| evidence::has(owner.tokens(oracle), token))
            };
            *id != call && evidence::has(other.tokens(oracle), token) && !explained()
        })
    }

    fn connect(&mut self, id: CallId, candidates: &[HalfId]) {
        for candidate in candidates {
            if let Some(request) = self.requests.get_mut(candidate) {
                request.edges.push(id);
                request.candidates = request.candidates.max(candidates.len());
            }
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.edges = candidates.to_vec();
        }
    }

    /// A mirror or an authorization call stands beside the attempts of its request and excludes none.
    fn place_beside(&mut self, half: &Half, purpose: Purpose, oracle: &impl Oracle, out: &mut Out<'_>) {
        out.counts.no_route += 1;
        let id = CallId::Half(half.id);
        let mut call = Call::new(CallKind::Sent(half.clone()));
        call.orphan = self.unseen_owner_of(half.request.started);
        let candidates = self.beside(&call, half, purpose, oracle);
        let owner = match candidates.as_slice() {
            [only] if call.orphan.is_none() => Some(*only),
            _ => self.recognise(id, &call, &candidates, oracle).map(|(owner, _)| owner),
        };
        match owner.and_then(|owner| self.requests.get_mut(&owner)) {
            Some(request) => {
                request.side.push((id, purpose));
                self.calls.insert(id, Call { owner, ..call });
            }
            None if purpose == Purpose::Mirror => self.doubt_mirrors(half, &candidates, out),
            None => {}
        }
    }

    /// The requests that a call may stand beside. A question to an authorization service is asked before the answer, and
    /// need not look like the request.
    fn beside(&self, call: &Call, half: &Half, purpose: Purpose, oracle: &impl Oracle) -> Vec<HalfId> {
        let steady = self.threads.steady();
        let looks_like = |request: &Half| match purpose {
            Purpose::Auth => request.response.started.is_none(),
            _ => oracle.may_become(request, half),
        };
        let may = |id: &&HalfId| {
            self.requests
                .get(id)
                .is_some_and(|request| facts::may_stand_beside(request, call, steady) && looks_like(&request.half))
        };
        let unfinished = self.open.iter().chain(self.due.iter().map(|(_, id)| id));
        unfinished.filter(may).copied().collect()
    }

    /// A mirror may be any of these requests', or of one that was handed out.
    fn doubt_mirrors(&mut self, half: &Half, candidates: &[HalfId], out: &mut Out<'_>) {
        if candidates.is_empty() {
            out.settled.push(Settled::Stray(half.clone()));
        }
        for candidate in candidates {
            if let Some(request) = self.requests.get_mut(candidate) {
                request.side_in_doubt = true;
            }
        }
    }

    /// The upstream answered, or the call is over.
    fn on_call_progress(&mut self, id: CallId, stage: Stage, half: &Half, out: &mut Out<'_>) {
        let latest = self.latest;
        let Some(call) = self.calls.get_mut(&id) else { return };
        if stage == Stage::Ended {
            call.over.get_or_insert(latest);
        }
        let failed = call.failed();
        let (owner, edges, orphan) = (call.owner, call.edges.first().copied(), call.orphan);
        if let Some(owner) = owner {
            self.refresh(owner);
        } else if call.crowd.is_some() {
            if failed {
                self.on_crowd_call_failed(id);
            }
        } else if let Some(candidate) = edges {
            self.review_call(id);
            if failed {
                self.close_component(candidate);
            }
        } else if let Some(why) = orphan.filter(|_| stage == Stage::Ended) {
            self.forget_call(id);
            if half.outcome != Outcome::Open {
                out.settled.push(Settled::Call {
                    call: half.clone(),
                    why,
                    ports: self.unseen.ports(half.request.started),
                });
            }
        }
    }
}
