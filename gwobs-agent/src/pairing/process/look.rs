//! Ended requests are looked at: what is settled goes out, what is not is asked what all readings say.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::{Inconclusive, Verdict};

use super::{Out, Process, connects};
use crate::event::Timestamp;
use crate::exchange::HalfId;
use crate::finished::Evidence;
use crate::pairing::evidence::{Group, GroupCall, GroupRequest};
use crate::pairing::facts;
use crate::pairing::limits::{SETTLE_DELAY, nanoseconds};
use crate::pairing::node::{Call, CallId, Request};
use crate::pairing::oracle::Oracle;
use crate::pairing::puzzle::{Answer, Puzzle, PuzzleCall, PuzzleRequest};
use crate::pairing::tokens::Token;

/// A component with what its readings say.
pub(super) struct Solved {
    pub(super) requests: Vec<HalfId>,
    pub(super) calls: Vec<CallId>,
    answers: Vec<Answer>,
    counted: Vec<bool>,
}

impl Solved {
    /// The requests with their answers.
    pub(super) fn answers(&self) -> impl Iterator<Item = (HalfId, &Answer)> {
        self.requests.iter().copied().zip(&self.answers)
    }

    /// True if counts of the calls of a request and of those it shares them with are exact.
    pub(super) fn is_counted(&self, request: HalfId) -> bool {
        let mut counted = self.requests.iter().zip(&self.counted);
        counted.any(|(id, counted)| *id == request && *counted)
    }

    /// The calls that an answer names; `None` if it names none for sure.
    pub(super) fn calls_of(&self, answer: &Answer) -> Option<Vec<CallId>> {
        let calls = answer.calls()?.iter();
        Some(calls.filter_map(|call| self.calls.get(*call).copied()).collect())
    }
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
            self.hand_out_settled(now, hold, id, oracle, out);
            return Vec::new();
        }
        self.apply_evidence(id, oracle);
        if self.requests.get(&id).is_some_and(|request| request.edges.is_empty()) {
            self.hand_out_settled(now, hold, id, oracle, out);
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
        while let Some((requests, calls)) = self.component(start) {
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
                let calls: Vec<&Call> = calls.iter().filter_map(|call| call_at(*call)).collect();
                let verdict = nodes
                    .get(request)
                    .and_then(|request| connects::judge(request, &calls, oracle));
                verdict.unwrap_or(Verdict::Inconclusive(Inconclusive::Unpaired))
            },
        };
        let solution = puzzle.solve();
        Some(Solved {
            requests,
            calls,
            answers: solution.answers,
            counted: solution.counted,
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
                told: request.emitted,
            });
        }
        requests
    }
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
