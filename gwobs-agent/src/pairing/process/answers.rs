//! What is known of a request goes out: its calls, or why they are not known.

use std::collections::BTreeSet;

use gwobs_route::{Inconclusive, Verdict};

use super::look::Solved;
use super::{Out, Process, connects, rivals};
use crate::event::Timestamp;
use crate::exchange::HalfId;
use crate::finished::Evidence;
use crate::pairing::limits::{RETRIES, after};
use crate::pairing::node::{Call, CallId, CallKind, Connect, Request, flaw};
use crate::pairing::oracle::Oracle;
use crate::pairing::puzzle::Answer;
use crate::pairing::settled::{Settled, SettledCall, SettledRequest, Tie};
use crate::pairing::{evidence, facts};

/// How an answer goes out.
#[derive(Clone, Copy)]
struct Way {
    /// After it was held.
    held: bool,
    /// With those of all requests that it shares its calls with.
    whole: bool,
}

impl Process {
    /// Hands out every ended request of the component that has an answer. A mismatch that is not tied to certain calls
    /// is held here, not by whoever judges: after the hold all readings must still agree, by the specs of then.
    pub(super) fn hand_out_solved(
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
        for (id, answer) in solved.answers() {
            match until.filter(|_| held.contains(&id)) {
                Some(until) => self.put_off(id, until),
                None => {
                    let way = Way {
                        held: held.contains(&id),
                        whole: until.is_none() && solved.is_counted(id),
                    };
                    self.hand_out_answer(id, answer, solved, way, oracle, out);
                }
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
        let answers = || solved.answers();
        let mismatch = |(id, answer): &(HalfId, &Answer)| {
            self.verdict_of(*id, answer, solved, oracle)
                .is_some_and(|verdict| matches!(verdict, Verdict::Mismatch(_)))
        };
        let interchangeable = |(_, answer): &(HalfId, &Answer)| matches!(answer, Answer::Interchangeable(_));
        let uncertain = |(id, answer): &(HalfId, &Answer)| match answer {
            Answer::Sure(_) => self.is_vague(*id, answer, solved),
            Answer::SameVerdict(_) => true,
            Answer::Interchangeable(_) | Answer::Unpaired => false,
        };
        let mut held: BTreeSet<HalfId> = answers().filter(uncertain).filter(mismatch).map(|(id, _)| id).collect();
        if answers().filter(interchangeable).any(|answer| mismatch(&answer)) {
            held.extend(answers().filter(interchangeable).map(|(id, _)| id));
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
        connects::judge(request, &self.calls_of(&solved.calls_of(answer)?), oracle)
    }

    /// True if failed connects may matter for a request that has an answer.
    fn is_vague(&self, id: HalfId, answer: &Answer, solved: &Solved) -> bool {
        let (request, calls) = (self.requests.get(&id), solved.calls_of(answer));
        request
            .zip(calls)
            .is_some_and(|(request, calls)| connects::may_matter(request, &self.calls_of(&calls)))
    }

    pub(super) fn put_off(&mut self, id: HalfId, until: Timestamp) {
        self.due.retain(|(_, waiting)| *waiting != id);
        self.due.insert((until, id));
    }

    fn hand_out_answer(
        &mut self,
        id: HalfId,
        answer: &Answer,
        solved: &Solved,
        way: Way,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        let Some(calls) = solved.calls_of(answer) else { return };
        let Some(request) = self
            .requests
            .get(&id)
            .filter(|request| request.ended.is_some() && !request.emitted)
        else {
            return;
        };
        let kind = match answer {
            Answer::Sure(_) => Evidence::Only,
            _ => Evidence::Interchangeable,
        };
        let tie = match (self.tie_of(request, &calls, Some(kind), oracle), answer) {
            (Tie::Verdict(evidence), Answer::SameVerdict(_) | Answer::Interchangeable(_)) if way.whole => {
                Tie::Counted(evidence)
            }
            (tie, _) => tie,
        };
        match (&tie, answer) {
            (Tie::Unknown(_), _) => out.counts.unpaired += 1,
            (_, Answer::Interchangeable(_)) => out.counts.interchangeable += 1,
            (_, _) => out.counts.paired += 1,
        }
        self.emit(id, tie, &calls, way.held, out);
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

    /// What ties these calls to a request; `kind`: the evidence for that, beside what settled its calls.
    fn tie_of(&self, request: &Request, calls: &[CallId], kind: Option<Evidence>, oracle: &impl Oracle) -> Tie {
        if let Some(why) = self.doubt(request, calls) {
            return Tie::Unknown(why);
        }
        let calls = self.calls_of(calls);
        let is_vague = connects::may_matter(request, &calls);
        if is_vague && connects::judge(request, &calls, oracle).is_none() {
            return Tie::Unknown(Inconclusive::Unpaired);
        }
        let kind = if is_vague {
            Some(Evidence::Interchangeable)
        } else {
            kind
        };
        let known = &request.evidence;
        let new = kind.filter(|kind| !known.contains(kind));
        let evidence = known.iter().copied().chain(new).collect();
        match kind {
            Some(Evidence::Interchangeable) => Tie::Verdict(evidence),
            _ => Tie::Sure(evidence),
        }
    }

    fn calls_of(&self, ids: &[CallId]) -> Vec<&Call> {
        ids.iter().filter_map(|id| self.calls.get(id)).collect()
    }

    /// Hands out a request whose calls are all settled, unless something casts doubt on them. A mismatch that may rest on
    /// somebody else's failed connects is held.
    pub(super) fn hand_out_settled(
        &mut self,
        now: Timestamp,
        hold: u64,
        id: HalfId,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        let Some(request) = self.requests.get(&id) else { return };
        let calls = request.owned.clone();
        let tie = self.tie_of(request, &calls, None, oracle);
        let verdict = || connects::judge(request, &self.calls_of(&calls), oracle);
        let wrong = matches!(tie, Tie::Verdict(_)) && matches!(verdict(), Some(Verdict::Mismatch(_)));
        if let Some(until) = self.held_until(id, hold, now).filter(|_| wrong) {
            self.put_off(id, until);
            return;
        }
        self.learn_habits(id, oracle);
        match (&tie, calls.is_empty()) {
            (Tie::Unknown(_), _) => out.counts.unpaired += 1,
            (_, true) => out.counts.local += 1,
            (_, false) => out.counts.paired += 1,
        }
        self.emit(id, tie, &calls, wrong, out);
        self.requests.remove(&id);
    }

    /// Until when a mismatch of a request is held that does not rest on certain calls; `None` if it was held.
    pub(super) fn held_until(&self, id: HalfId, hold: u64, now: Timestamp) -> Option<Timestamp> {
        let ended = self.requests.get(&id)?.ended?;
        Some(Timestamp(ended.0.saturating_add(hold))).filter(|until| *until > now)
    }

    /// Takes note of whether a request that was answered for good had a call.
    fn learn_habits(&mut self, id: HalfId, oracle: &impl Oracle) {
        let Some(request) = self.requests.get(&id) else { return };
        let head = request.half.response.head.as_ref();
        if head.is_none_or(|head| facts::is_retriable(head)) || self.doubt(request, &request.owned).is_some() {
            return;
        }
        if self.calls_of(&request.owned).iter().any(|call| call.half().is_some()) {
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
        let calls = self.calls_of(calls);
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
        if let Some(why) = request.rivalled.filter(|_| !rivals::is_proven(request, &calls)) {
            return Some(why);
        }
        // What failed may have been tried again where nobody saw it, unless the client got just that answer.
        let passed_on = |last: &Call| {
            last.half()
                .is_some_and(|half| evidence::same_answer(&request.half, half))
        };
        let unanswered = calls.last().is_none_or(|last| last.failed() && !passed_on(last));
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
            _ => attempts(request, calls.iter().filter_map(|id| self.calls.get(id)).collect()),
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

/// What is told of a request's calls: of failed connects those that no other request came into question for.
fn attempts(request: &Request, calls: Vec<&Call>) -> Vec<SettledCall> {
    let alone = request.connects.iter().filter(|connect| connect.alone);
    let connects: Vec<SettledCall> = if connects::may_matter(request, &calls) {
        alone.map(failed).collect()
    } else {
        Vec::new()
    };
    calls.into_iter().map(settled_call).chain(connects).collect()
}

fn failed(connect: &Connect) -> SettledCall {
    SettledCall::ConnectFailed {
        peer: connect.peer,
        began: connect.began,
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
