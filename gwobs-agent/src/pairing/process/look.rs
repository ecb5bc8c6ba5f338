//! Ended requests are looked at: what is settled goes out, what is not is asked what all readings say.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::{Inconclusive, Verdict};

use super::{Out, Process};
use crate::event::Timestamp;
use crate::exchange::HalfId;
use crate::finished::Evidence;
use crate::pairing::evidence::{Group, GroupCall, GroupRequest};
use crate::pairing::facts;
use crate::pairing::limits::{RETRIES, SETTLE_DELAY, after, nanoseconds};
use crate::pairing::node::{Call, CallId, CallKind, Request, flaw};
use crate::pairing::oracle::{Attempt, Oracle};
use crate::pairing::puzzle::{Answer, Puzzle, PuzzleCall, PuzzleRequest};
use crate::pairing::settled::{Settled, SettledCall, SettledRequest, Tie};
use crate::pairing::tokens::Token;

/// A component with what its readings say.
struct Solved {
    requests: Vec<HalfId>,
    calls: Vec<CallId>,
    answers: Vec<Answer>,
}

impl Process {
    /// Looks at the requests that are due.
    pub(in crate::pairing) fn look(&mut self, now: Timestamp, hold: u64, oracle: &impl Oracle, out: &mut Out<'_>) {
        // What a component says about one request it says about all of them: it is looked at once.
        self.forget_crowd_verdicts();
        let mut seen = BTreeSet::new();
        while let Some((due, id)) = self.due.first().copied().filter(|(due, _)| *due <= now) {
            self.due.remove(&(due, id));
            if seen.contains(&id) && self.requests.get(&id).is_some_and(|request| !request.emitted) {
                self.wait_or_give_up(now, id, out);
            } else {
                seen.extend(self.look_at(now, hold, id, oracle, out));
            }
        }
        self.forget_failed_connects(now);
        self.forget_homeless(Timestamp(now.0.saturating_sub(nanoseconds(SETTLE_DELAY))), out);
    }

    /// Looks at everything that has ended, for the last time.
    pub(in crate::pairing) fn drain(&mut self, now: Timestamp, oracle: &impl Oracle, out: &mut Out<'_>) {
        let mut seen = BTreeSet::new();
        for (_, id) in std::mem::take(&mut self.due) {
            if let Some(request) = self.requests.get_mut(&id).filter(|request| !request.emitted) {
                request.tries = usize::MAX;
                if seen.contains(&id) {
                    self.wait_or_give_up(now, id, out);
                } else {
                    seen.extend(self.look_at(now, 0, id, oracle, out));
                }
            }
        }
        self.forget_homeless(Timestamp(u64::MAX), out);
    }

    /// Gives the requests of the component that was looked at.
    fn look_at(
        &mut self,
        now: Timestamp,
        hold: u64,
        id: HalfId,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) -> Vec<HalfId> {
        let Some(request) = self.requests.get(&id).filter(|request| !request.emitted) else {
            return Vec::new();
        };
        if request.crowd.is_some() {
            self.look_in_crowd(now, hold, id, oracle, out);
            return Vec::new();
        }
        if request.edges.is_empty() {
            self.hand_out_settled(id, oracle, out);
            return Vec::new();
        }
        self.apply_evidence(id, oracle);
        if self.requests.get(&id).is_some_and(|request| request.edges.is_empty()) {
            self.hand_out_settled(id, oracle, out);
            return Vec::new();
        }
        let Some(solved) = self.solve(id, oracle) else {
            self.wait_or_give_up(now, id, out);
            return Vec::new();
        };
        self.hand_out_solved(now, hold, id, &solved, oracle, out);
        solved.requests
    }

    /// Settles what evidence says about the component of a request, until it says nothing more.
    fn apply_evidence(&mut self, start: HalfId, oracle: &impl Oracle) {
        while let Some((requests, mut calls)) = self.component(start) {
            // A failed connect carries no evidence.
            calls.retain(|id| matches!(id, CallId::Half(_)));
            let foreign =
                |token: &Token, call: usize| calls.get(call).is_none_or(|call| self.is_foreign(token, *call, oracle));
            let group = self.group(&requests, &calls, &foreign);
            let (facts, excluded) = (group.facts(oracle), group.excluded_by_headers(oracle));
            let name = |request: usize, call: usize| Some((*requests.get(request)?, *calls.get(call)?));
            let before = self.edge_count(&calls);
            for (owner, call, kind) in facts
                .iter()
                .filter_map(|fact| name(fact.0, fact.1).map(|(d, u)| (d, u, fact.2)))
            {
                self.settle(call, owner, &[kind]);
            }
            for (owner, call) in excluded.iter().filter_map(|(request, call)| name(*request, *call)) {
                self.exclude(call, owner);
            }
            if self.edge_count(&calls) == before {
                return;
            }
        }
    }

    /// The component as evidence sees it.
    fn group<'a>(
        &'a self,
        requests: &[HalfId],
        calls: &[CallId],
        foreign: &'a dyn Fn(&Token, usize) -> bool,
    ) -> Group<'a> {
        let index: BTreeMap<HalfId, usize> = requests.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let group_call = |id: &CallId| {
            let call = self.calls.get(id)?;
            let owners = call
                .edges
                .iter()
                .filter_map(|owner| index.get(owner).copied())
                .collect();
            Some(GroupCall {
                half: call.half()?,
                owners,
                unseen: call.orphan.is_some(),
                failed: call.failed(),
            })
        };
        let group_request = |id: &HalfId| {
            let request = self.requests.get(id)?;
            Some(GroupRequest {
                half: &request.half,
                unseen_call: request.unseen_call.is_some(),
            })
        };
        Group {
            requests: requests.iter().filter_map(group_request).collect(),
            calls: calls.iter().filter_map(group_call).collect(),
            foreign,
        }
    }

    fn edge_count(&self, calls: &[CallId]) -> usize {
        calls
            .iter()
            .filter_map(|id| self.calls.get(id))
            .map(|call| call.edges.len())
            .sum()
    }

    /// Takes an edge away because of what a group's headers say, unless it is the last one.
    fn exclude(&mut self, call: CallId, owner: HalfId) {
        if self
            .calls
            .get(&call)
            .is_some_and(|call| call.edges.len() > 1 && call.edges.contains(&owner))
        {
            self.cut(call, owner);
            if let Some(request) = self.requests.get_mut(&owner) {
                request.add_evidence(Evidence::Header);
            }
            if let Some(last) = self.last_candidate(call) {
                self.settle(call, last, &[Evidence::Header]);
            }
        }
    }

    /// Asks what all readings of the component of a request say.
    fn solve(&self, start: HalfId, oracle: &impl Oracle) -> Option<Solved> {
        let (requests, open_calls) = self.component(start)?;
        let nodes: Vec<&Request> = requests.iter().map(|id| self.requests.get(id)).collect::<Option<_>>()?;
        let mut calls: Vec<CallId> = nodes
            .iter()
            .flat_map(|request| &request.owned)
            .chain(&open_calls)
            .copied()
            .collect();
        calls.retain(|id| self.calls.contains_key(id));
        calls.sort_by_key(|id| self.calls.get(id).map(|call| call.started().order));
        let call_nodes: Vec<&Call> = calls.iter().map(|id| self.calls.get(id)).collect::<Option<_>>()?;
        let index: BTreeMap<HalfId, usize> = requests.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        let call_at = |index: usize| call_nodes.get(index).copied();
        let puzzle = Puzzle {
            requests: self.puzzle_requests(&nodes, oracle),
            calls: call_nodes.iter().map(|call| puzzle_call(call, &index)).collect(),
            may_follow: &|earlier, later| {
                call_at(earlier)
                    .zip(call_at(later))
                    .is_some_and(|(earlier, later)| facts::may_follow(earlier, later))
            },
            may_be_last: &|request, call| {
                nodes
                    .get(request)
                    .zip(call_at(call))
                    .is_some_and(|(request, call)| facts::may_be_last(&request.half, call))
            },
            verdict: &|request, calls| {
                let calls = calls.iter().filter_map(|call| call_at(*call));
                let attempts = judged_attempts(calls);
                nodes
                    .get(request)
                    .map_or(Verdict::Inconclusive(Inconclusive::Unpaired), |request| {
                        oracle.judge(&request.half, &attempts)
                    })
            },
        };
        let answers = puzzle.solve();
        Some(Solved {
            requests,
            calls,
            answers,
        })
    }

    /// The requests of a puzzle, those equal for routing in one class.
    fn puzzle_requests(&self, nodes: &[&Request], oracle: &impl Oracle) -> Vec<PuzzleRequest> {
        let mut classes: Vec<&Request> = Vec::new();
        let mut requests = Vec::with_capacity(nodes.len());
        for request in nodes {
            let class = classes
                .iter()
                .position(|known| oracle.equal_for_routing(&known.half, &request.half));
            let class = class.unwrap_or_else(|| {
                classes.push(request);
                classes.len() - 1
            });
            requests.push(PuzzleRequest {
                class,
                over: request.ended.is_some(),
            });
        }
        requests
    }

    /// Hands out every ended request of the component that has an answer. A mismatch that is not tied to certain calls
    /// is held here, not by whoever judges: after the hold all readings must still agree, by the specs of then.
    fn hand_out_solved(
        &mut self,
        now: Timestamp,
        hold: u64,
        asked: HalfId,
        solved: &Solved,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        let held = self.to_be_held(solved, oracle);
        let until = held.iter().filter_map(|id| self.requests.get(id)?.ended).max();
        let until = until
            .map(|ended| Timestamp(ended.0.saturating_add(hold)))
            .filter(|until| *until > now);
        for (id, answer) in solved.requests.iter().zip(&solved.answers) {
            match until.filter(|_| held.contains(id)) {
                Some(until) => self.put_off(*id, until),
                None => self.hand_out_answer(*id, answer, solved, held.contains(id), out),
            }
        }
        let waits = |request: &Request| !(request.emitted || until.is_some() && held.contains(&asked));
        if self.requests.get(&asked).is_some_and(waits) {
            self.wait_or_give_up(now, asked, out);
        }
        self.sweep(&solved.requests);
    }

    /// The ended requests whose answer is a mismatch without certain calls, with those they are interchangeable with.
    fn to_be_held(&self, solved: &Solved, oracle: &impl Oracle) -> BTreeSet<HalfId> {
        let answers = || solved.requests.iter().zip(&solved.answers);
        let mismatch = |(id, answer): &(&HalfId, &Answer)| {
            self.verdict_of(**id, answer, solved, oracle)
                .is_some_and(|verdict| matches!(verdict, Verdict::Mismatch(_)))
        };
        let interchangeable = |(_, answer): &(&HalfId, &Answer)| matches!(answer, Answer::Interchangeable(_));
        let mut held: BTreeSet<HalfId> = answers()
            .filter(|(_, answer)| matches!(answer, Answer::SameVerdict(_)))
            .filter(mismatch)
            .map(|(id, _)| *id)
            .collect();
        if answers().filter(interchangeable).any(|answer| mismatch(&answer)) {
            held.extend(answers().filter(interchangeable).map(|(id, _)| *id));
        }
        held.retain(|id| {
            self.requests
                .get(id)
                .is_some_and(|request| request.ended.is_some() && !request.emitted)
        });
        held
    }

    fn verdict_of(&self, id: HalfId, answer: &Answer, solved: &Solved, oracle: &impl Oracle) -> Option<Verdict> {
        let request = self.requests.get(&id)?;
        let calls = answer
            .calls()?
            .iter()
            .filter_map(|call| self.calls.get(solved.calls.get(*call)?));
        Some(oracle.judge(&request.half, &judged_attempts(calls)))
    }

    pub(super) fn put_off(&mut self, id: HalfId, until: Timestamp) {
        self.due.retain(|(_, waiting)| *waiting != id);
        self.due.insert((until, id));
    }

    fn hand_out_answer(&mut self, id: HalfId, answer: &Answer, solved: &Solved, held: bool, out: &mut Out<'_>) {
        let Some(calls) = answer.calls() else { return };
        let calls: Vec<CallId> = calls
            .iter()
            .filter_map(|call| solved.calls.get(*call).copied())
            .collect();
        let Some(request) = self
            .requests
            .get(&id)
            .filter(|request| request.ended.is_some() && !request.emitted)
        else {
            return;
        };
        let mut evidence = request.evidence.clone();
        let kind = if matches!(answer, Answer::Sure(_)) {
            Evidence::Only
        } else {
            Evidence::Interchangeable
        };
        if !evidence.contains(&kind) {
            evidence.push(kind);
        }
        let tie = match (self.doubt(request, &calls), answer) {
            (Some(why), _) => Tie::Unknown(why),
            (None, Answer::Sure(_)) => Tie::Sure(evidence),
            (None, _) => Tie::Verdict(evidence),
        };
        match (&tie, answer) {
            (Tie::Unknown(_), _) => out.counts.unpaired += 1,
            (_, Answer::Interchangeable(_)) => out.counts.interchangeable += 1,
            (_, _) => out.counts.paired += 1,
        }
        self.emit(id, tie, &calls, held, out);
    }

    /// A request in doubt waits for its neighbours, but not for ever.
    pub(super) fn wait_or_give_up(&mut self, now: Timestamp, id: HalfId, out: &mut Out<'_>) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        let ended = request.ended.unwrap_or(now);
        let next = RETRIES
            .iter()
            .skip(request.tries)
            .map(|wait| after(ended, *wait))
            .enumerate()
            .find(|(_, due)| *due > now);
        if let Some((skipped, due)) = next {
            request.tries = request.tries.saturating_add(skipped + 1);
            self.due.insert((due, id));
            return;
        }
        out.counts.unpaired += 1;
        if let Some(crowd) = request.crowd.and_then(|crowd| self.crowds.get_mut(&crowd)) {
            crowd.inexact = true;
        }
        self.emit(id, Tie::Unknown(Inconclusive::Unpaired), &[], false, out);
        self.sweep(&[id]);
    }

    /// Hands out a request whose calls are all settled, unless something casts doubt on them.
    fn hand_out_settled(&mut self, id: HalfId, oracle: &impl Oracle, out: &mut Out<'_>) {
        self.learn_habits(id, oracle);
        let Some(request) = self.requests.get(&id) else { return };
        let calls = request.owned.clone();
        let tie = self
            .doubt(request, &calls)
            .map_or_else(|| Tie::Sure(request.evidence.clone()), Tie::Unknown);
        match (&tie, calls.is_empty()) {
            (Tie::Unknown(_), _) => out.counts.unpaired += 1,
            (_, true) => out.counts.local += 1,
            (_, false) => out.counts.paired += 1,
        }
        self.emit(id, tie, &calls, false, out);
        self.requests.remove(&id);
    }

    /// Takes note of whether a request that was answered for good had a call.
    fn learn_habits(&mut self, id: HalfId, oracle: &impl Oracle) {
        let Some(request) = self.requests.get(&id) else { return };
        let head = request.half.response.head.as_ref();
        if head.is_none_or(|head| facts::is_retriable(head)) || self.doubt(request, &request.owned).is_some() {
            return;
        }
        if !request.owned.is_empty() {
            self.habits.relayed();
        } else if oracle.judge(&request.half, &[]) == Verdict::Inconclusive(Inconclusive::GatewayReply) {
            self.habits.answered_itself();
        }
    }

    /// What casts doubt on a request although its calls seem to be these.
    fn doubt(&self, request: &Request, calls: &[CallId]) -> Option<Inconclusive> {
        if request.half.request.head.is_none() {
            return Some(flaw(&request.half));
        }
        let calls: Vec<&Call> = calls.iter().filter_map(|id| self.calls.get(id)).collect();
        let in_order = calls
            .iter()
            .zip(calls.iter().skip(1))
            .all(|(earlier, later)| facts::may_follow(earlier, later))
            && calls.last().is_none_or(|last| facts::may_be_last(&request.half, last));
        if request.contradicted || !in_order {
            return Some(Inconclusive::Unpaired);
        }
        if request.lost && !request.evidence.contains(&Evidence::Id) {
            return Some(Inconclusive::LostEvents);
        }
        let unanswered = calls.last().is_none_or(|last| last.failed());
        request.unseen_call.filter(|_| unanswered)
    }

    pub(super) fn emit(&mut self, id: HalfId, tie: Tie, calls: &[CallId], held: bool, out: &mut Out<'_>) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        request.emitted = true;
        let side = request.side.iter();
        let beside = side
            .filter_map(|(id, purpose)| Some((self.calls.get(id)?.half()?.clone(), *purpose)))
            .collect();
        let attempts = match tie {
            Tie::Unknown(_) => Vec::new(),
            _ => {
                let calls: Vec<&Call> = calls.iter().filter_map(|id| self.calls.get(id)).collect();
                let sent = calls.iter().any(|call| call.half().is_some());
                let told = calls.into_iter().filter(|call| !(sent && call.is_vague()));
                told.map(settled_call).collect()
            }
        };
        out.settled.push(Settled::Request(SettledRequest {
            downstream: request.half.clone(),
            attempts,
            beside,
            tie,
            candidates: request.candidates,
            beside_in_doubt: request.side_in_doubt,
            held,
        }));
        let done: Vec<CallId> = request
            .side
            .iter()
            .map(|(call, _)| call)
            .chain(&request.owned)
            .copied()
            .collect();
        if request.edges.is_empty() {
            done.into_iter().for_each(|call| self.forget_call(call));
        }
        self.free.remove(&id);
        self.open.remove(&id);
    }

    /// Forgets components of which every request has been handed out.
    fn sweep(&mut self, requests: &[HalfId]) {
        for start in requests {
            let Some((members, calls)) = self.component(*start) else {
                continue;
            };
            let done = |id: &HalfId| self.requests.get(id).is_none_or(|request| request.emitted);
            if !members.iter().all(done) {
                continue;
            }
            for id in members {
                self.forget_request(id);
            }
            calls.into_iter().for_each(|call| self.forget_call(call));
        }
    }
}

/// The attempts that a request is judged by. A connect that failed is that of a pool, which is common to the requests of
/// a backend, and gateways try again within the backends they chose: where a request was sent, a connect that may have
/// been somebody else's says nothing about it.
pub(super) fn judged_attempts<'a>(calls: impl Iterator<Item = &'a Call>) -> Vec<Attempt<'a>> {
    let calls: Vec<&Call> = calls.collect();
    let sent = calls.iter().any(|call| call.half().is_some());
    calls
        .into_iter()
        .filter(|call| !(sent && call.is_vague()))
        .map(Call::attempt)
        .collect()
}

fn puzzle_call(call: &Call, index: &BTreeMap<HalfId, usize>) -> PuzzleCall {
    let mut owners: Vec<usize> = call
        .owner
        .iter()
        .chain(&call.edges)
        .filter_map(|owner| index.get(owner).copied())
        .collect();
    owners.sort_unstable();
    PuzzleCall {
        owners,
        optional: call.orphan.is_some() && call.owner.is_none(),
        failed: call.failed(),
    }
}

fn settled_call(call: &Call) -> SettledCall {
    match &call.kind {
        CallKind::Sent(half) => SettledCall::Sent(half.clone()),
        CallKind::Failed { peer, began, .. } => SettledCall::ConnectFailed {
            peer: *peer,
            began: *began,
        },
    }
}
