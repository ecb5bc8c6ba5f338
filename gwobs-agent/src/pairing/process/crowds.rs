//! Crowds of a process: how they come to be, grow and go (`crowd.rs`). What is said about their requests: `verdicts.rs`.

mod verdicts;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Out, Process};
use crate::exchange::{Half, HalfId};
use crate::pairing::crowd::{Crowd, CrowdId};
use crate::pairing::limits::MAX_CROWD;
use crate::pairing::node::{Call, CallId, Request};
use crate::pairing::oracle::Oracle;

impl Process {
    /// A call with many candidates, or with some in a crowd: all of them, and what hangs together with them, form one.
    pub(super) fn join_crowd(&mut self, call: CallId, candidates: &[HalfId], oracle: &impl Oracle, out: &mut Out<'_>) {
        let crowd = self.crowd_of(candidates);
        for candidate in candidates {
            self.gather(*candidate, crowd, oracle);
        }
        self.add_call_to(crowd, call, oracle);
        if self
            .crowds
            .get(&crowd)
            .is_some_and(|crowd| crowd.calls.len() > MAX_CROWD)
        {
            out.counts.overflowed += 1;
            self.disperse(crowd);
        } else {
            self.refresh_crowd(crowd);
        }
    }

    /// The crowd that some of the candidates are in, all of these made one; a new one if there is none.
    fn crowd_of(&mut self, candidates: &[HalfId]) -> CrowdId {
        let found: BTreeSet<CrowdId> = candidates
            .iter()
            .filter_map(|id| self.requests.get(id)?.crowd)
            .collect();
        let mut found = found.into_iter();
        let Some(first) = found.next() else {
            self.last_crowd += 1;
            let id = CrowdId(self.last_crowd);
            self.crowds.insert(id, Crowd::default());
            return id;
        };
        for other in found {
            let Some(other) = self.crowds.remove(&other) else {
                continue;
            };
            for id in &other.requests {
                if let Some(request) = self.requests.get_mut(id) {
                    request.crowd = Some(first);
                }
            }
            for (_, id) in &other.calls {
                if let Some(call) = self.calls.get_mut(id) {
                    call.crowd = Some(first);
                }
            }
            if let Some(crowd) = self.crowds.get_mut(&first) {
                crowd.absorb(other);
            }
            self.open_crowd(first);
        }
        first
    }

    /// Moves the component of a request into a crowd.
    fn gather(&mut self, start: HalfId, crowd: CrowdId, oracle: &impl Oracle) {
        let mut queue = vec![start];
        while let Some(id) = queue.pop() {
            let Some(request) = self.requests.get_mut(&id).filter(|request| request.crowd.is_none()) else {
                continue;
            };
            request.crowd = Some(crowd);
            request.closed = false;
            let edges = std::mem::take(&mut request.edges);
            let emitted = request.emitted;
            let last = request.owned.last().copied();
            let needs_call = last.is_none_or(|last| self.calls.get(&last).is_none_or(Call::failed));
            if let Some(crowd) = self.crowds.get_mut(&crowd) {
                crowd.balance += i64::from(needs_call);
                crowd.inexact |= emitted || last.is_some();
                if !emitted {
                    crowd.requests.insert(id);
                }
            }
            for edge in edges {
                let Some(call) = self.calls.get_mut(&edge) else {
                    continue;
                };
                queue.extend(std::mem::take(&mut call.edges));
                self.add_call_to(crowd, edge, oracle);
            }
            if emitted {
                self.forget_request(id);
            }
            self.refresh(id);
        }
    }

    fn add_call_to(&mut self, crowd: CrowdId, id: CallId, oracle: &impl Oracle) {
        let Some(call) = self.calls.get_mut(&id).filter(|call| call.crowd.is_none()) else {
            return;
        };
        call.crowd = Some(crowd);
        call.look = call.half().map_or(0, |half| look_of(half, oracle));
        call.counted = call.orphan.is_none() && !call.failed();
        let (began, counted) = (call.started().order, call.counted);
        if let Some(crowd) = self.crowds.get_mut(&crowd) {
            crowd.add_call(began, id);
            crowd.balance -= i64::from(counted);
            crowd.inexact |= !counted;
        }
    }

    /// A call of a crowd failed: its owner may make another one.
    pub(super) fn on_crowd_call_failed(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let (Some(crowd), true) = (call.crowd, std::mem::take(&mut call.counted)) else {
            return;
        };
        if let Some(crowd) = self.crowds.get_mut(&crowd) {
            crowd.balance += 1;
            crowd.inexact = true;
        }
        self.refresh_crowd(crowd);
    }

    /// The requests of a full crowd cannot own another call.
    fn refresh_crowd(&mut self, id: CrowdId) {
        if let Some(crowd) = self.crowds.get(&id).filter(|crowd| crowd.closed != crowd.is_full()) {
            let full = crowd.is_full();
            self.close_crowd(id, full);
        }
    }

    /// After crowds were made one, some of their requests may be closed and others not.
    fn open_crowd(&mut self, id: CrowdId) {
        self.close_crowd(id, false);
    }

    fn close_crowd(&mut self, id: CrowdId, closed: bool) {
        let Some(crowd) = self.crowds.get_mut(&id) else { return };
        crowd.closed = closed;
        let requests: Vec<HalfId> = crowd.requests.iter().copied().collect();
        for id in requests {
            if let Some(request) = self.requests.get_mut(&id) {
                request.closed = closed;
            }
            self.refresh(id);
        }
    }

    /// True if what a request owns can be told without the crowd: it is in none, or can own nothing else of it.
    pub(super) fn is_free_of_crowd(&self, id: HalfId) -> bool {
        let crowd = self.requests.get(&id).and_then(|request| request.crowd);
        crowd.is_none_or(|crowd| self.crowds.get(&crowd).is_some_and(|crowd| !crowd.inexact))
    }

    /// A request whose call is known leaves its crowd.
    pub(super) fn take_from_crowd(&mut self, id: HalfId) {
        let Some(crowd) = self.requests.get_mut(&id).and_then(|request| request.crowd.take()) else {
            return;
        };
        if let Some(crowd) = self.crowds.get_mut(&crowd) {
            crowd.requests.remove(&id);
            crowd.balance -= 1;
        }
        self.refresh_crowd(crowd);
        self.tidy(crowd);
    }

    /// Gives up on a crowd that outgrew its limit: none of its requests gets a verdict.
    pub(super) fn disperse(&mut self, id: CrowdId) {
        let Some(crowd) = self.crowds.remove(&id) else { return };
        for (_, call) in crowd.calls {
            self.forget_call(call);
        }
        for id in crowd.requests {
            if let Some(request) = self.requests.get_mut(&id) {
                request.contradicted = true;
                request.crowd = None;
                request.closed = false;
            }
            self.refresh(id);
        }
    }

    /// Takes a request that was handed out from its crowd, with the calls that no request needs any more.
    pub(super) fn leave_crowd(&mut self, id: CrowdId, request: HalfId) {
        if self.requests.get(&request).is_some_and(|request| !request.emitted) {
            return;
        }
        if let Some(gone) = self.requests.get_mut(&request) {
            gone.crowd = None;
        }
        self.forget_request(request);
        if let Some(crowd) = self.crowds.get_mut(&id) {
            crowd.requests.remove(&request);
        }
        self.tidy(id);
    }

    /// Forgets calls that began before all requests that are left, once they are many.
    fn tidy(&mut self, id: CrowdId) {
        let Some(crowd) = self.crowds.get_mut(&id) else { return };
        let from = |id: &HalfId| self.requests.get(id).and_then(Request::from);
        let of_first = crowd.requests.first().and_then(from);
        let older = |crowd: &Crowd, needed| crowd.calls.partition_point(|(began, _)| *began < needed);
        let many = of_first.is_some_and(|first| older(crowd, first) > crowd.calls.len() / 2) && !crowd.is_full();
        if !many && !crowd.requests.is_empty() {
            return;
        }
        // A request that waited for the one before may have been read before others and begin after them.
        let needed = crowd.requests.iter().filter_map(from).min();
        let count = older(crowd, needed.unwrap_or(u64::MAX));
        let gone: Vec<CallId> = crowd.calls.drain(..count).map(|(_, id)| id).collect();
        if crowd.requests.is_empty() {
            self.crowds.remove(&id);
        } else {
            gone.iter().for_each(|call| {
                crowd.taken.remove(call);
            });
        }
        gone.into_iter().for_each(|call| self.forget_call(call));
    }

    /// The verdicts that crowds remember are those of the specs of one look.
    pub(super) fn forget_crowd_verdicts(&mut self) {
        self.crowds.values_mut().for_each(Crowd::forget_verdicts);
    }
}

/// What the verdict on a call depends on, but for its answer: where it went, what it asked for, and the headers that
/// filters touch.
fn look_of(half: &Half, oracle: &impl Oracle) -> u64 {
    let mut hasher = DefaultHasher::new();
    half.connection.peer.hash(&mut hasher);
    if let Some(head) = &half.request.head {
        (&head.method, &head.authority, &head.path).hash(&mut hasher);
        for field in head.headers.iter().filter(|field| !oracle.leaves_alone(&field.name)) {
            (&field.name, &field.value).hash(&mut hasher);
        }
    }
    hasher.finish()
}
