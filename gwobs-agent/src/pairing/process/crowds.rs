//! Crowds of a process: how they come to be, and what is said about their requests (`crowd.rs`).

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use gwobs_route::Verdict;
use rustc_hash::{FxHashMap, FxHashSet};

use super::look::judged_attempts;
use super::{Out, Process};
use crate::event::Timestamp;
use crate::exchange::{Half, HalfId, Stamp};
use crate::finished::Evidence;
use crate::pairing::crowd::{CallLook, Crowd, CrowdId};
use crate::pairing::facts;
use crate::pairing::limits::{LOG_TOLERANCE, MAX_CROWD, SEND_TOLERANCE, after};
use crate::pairing::node::{Call, CallId, Request};
use crate::pairing::oracle::Oracle;
use crate::pairing::settled::Tie;

/// What the calls that a request of a crowd may own say about it.
#[derive(Default)]
struct Options {
    /// The verdict that all of them bring; `None` if they differ.
    verdict: Option<Verdict>,
    /// One of them, if possible one that stands for no other request yet.
    representative: Option<CallId>,
}

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
    fn disperse(&mut self, id: CrowdId) {
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

    /// Looks at a request of a crowd that has ended.
    pub(super) fn look_in_crowd(
        &mut self,
        now: Timestamp,
        hold: u64,
        id: HalfId,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) {
        let Some(crowd) = self.requests.get(&id).and_then(|request| request.crowd) else {
            return;
        };
        let options = self.options(crowd, id, oracle);
        let sure = self.surely_has_call(crowd, id);
        let full = self.crowds.get(&crowd).is_some_and(Crowd::is_full);
        let told = options.verdict.filter(|verdict| match verdict {
            Verdict::Match => full || sure,
            _ => full,
        });
        match (told, options.representative) {
            (Some(verdict), Some(call)) if self.is_clean(id) => {
                if let Some(until) = self.held_until(id, verdict, hold, now) {
                    self.put_off(id, until);
                } else {
                    out.counts.paired += 1;
                    if full {
                        self.learn_habits_of_full(id);
                    }
                    self.hand_out_of_crowd(id, call, matches!(verdict, Verdict::Mismatch(_)), out);
                }
            }
            _ if full && self.interchange(now, hold, crowd, id, oracle, out) => {}
            _ => self.wait_or_give_up(now, id, out),
        }
        self.leave_crowd(crowd, id);
    }

    /// The calls that a request may own, by every fact about the two of them alone, and what they say.
    fn options(&mut self, crowd: CrowdId, id: HalfId, oracle: &impl Oracle) -> Options {
        let steady = self.threads.steady();
        let (Some(request), Some(crowd)) = (self.requests.get(&id), self.crowds.get_mut(&crowd)) else {
            return Options::default();
        };
        let window = window(request, crowd, &self.calls, steady);
        let mut judge = Judge { request, crowd, oracle };
        let mut kinds: FxHashSet<CallLook> = FxHashSet::default();
        let different = window.iter().filter(|(_, call)| kinds.insert(look_for(request, call)));
        let different: Vec<&Call> = different.map(|(_, call)| *call).collect();
        let (failed, last): (Vec<&Call>, Vec<&Call>) = (
            different.iter().filter(|call| call.failed()).copied().collect(),
            different
                .iter()
                .filter(|call| call.half().is_some() && facts::may_be_last(&request.half, call))
                .copied()
                .collect(),
        );
        let verdict = judge.common(&failed, &last);
        let mut possible = Vec::new();
        for (id, call) in window
            .iter()
            .filter(|(_, call)| facts::may_be_last(&request.half, call))
        {
            if verdict.is_some() && judge.verdict(&[call]).is_some() {
                possible.push(*id);
                if !judge.crowd.taken.contains(id) {
                    break;
                }
            }
        }
        Options {
            verdict,
            representative: possible.last().copied(),
        }
    }

    /// True if a request of a crowd owns a call for sure, be it by habit.
    fn surely_has_call(&self, crowd: CrowdId, id: HalfId) -> bool {
        let relayed = self.requests.get(&id).is_some_and(|request| {
            let head = request.half.response.head.as_ref();
            head.is_some_and(|head| !facts::is_retriable(head))
        });
        self.crowds.get(&crowd).is_some_and(Crowd::is_full) || relayed && self.habits.relays()
    }

    fn learn_habits_of_full(&mut self, id: HalfId) {
        let head = self
            .requests
            .get(&id)
            .and_then(|request| request.half.response.head.as_ref());
        if head.is_some_and(|head| !facts::is_retriable(head)) {
            self.habits.relayed();
        }
    }

    fn is_clean(&self, id: HalfId) -> bool {
        self.requests.get(&id).is_some_and(|request| {
            !request.contradicted && !request.lost && request.unseen_call.is_none() && request.owned.is_empty()
        })
    }

    /// Until when a mismatch is held; `None` if it is none, or was held.
    fn held_until(&self, id: HalfId, verdict: Verdict, hold: u64, now: Timestamp) -> Option<Timestamp> {
        let ended = self.requests.get(&id)?.ended?;
        let until = Timestamp(ended.0.saturating_add(hold));
        (matches!(verdict, Verdict::Mismatch(_)) && until > now).then_some(until)
    }

    /// Where all requests of a full crowd are over and equal for routing, the verdicts of its calls are theirs as a whole.
    /// True if they were handed out or held.
    fn interchange(
        &mut self,
        now: Timestamp,
        hold: u64,
        id: CrowdId,
        asked: HalfId,
        oracle: &impl Oracle,
        out: &mut Out<'_>,
    ) -> bool {
        let (Some(crowd), Some(like)) = (self.crowds.get(&id), self.requests.get(&asked)) else {
            return false;
        };
        let alike = |other: &HalfId| {
            self.requests.get(other).is_some_and(|request| {
                request.ended.is_some() && self.is_clean(*other) && oracle.equal_for_routing(&like.half, &request.half)
            })
        };
        let calls: Vec<CallId> = crowd.calls.iter().map(|(_, id)| *id).collect();
        let calls: Vec<CallId> = calls.into_iter().filter(|id| !crowd.taken.contains(id)).collect();
        let requests: Vec<HalfId> = crowd.requests.iter().copied().collect();
        if crowd.inexact || calls.len() != requests.len() || !requests.iter().all(alike) {
            return false;
        }
        if requests
            .iter()
            .any(|one| self.options(id, *one, oracle).verdict.is_some())
        {
            // It is told by itself first, and takes its share along.
            return false;
        }
        let ended = requests.iter().filter_map(|id| self.requests.get(id)?.ended).max();
        let until = Timestamp(ended.map_or(0, |ended| ended.0.saturating_add(hold)));
        if until > now {
            let all: BTreeSet<HalfId> = requests.into_iter().collect();
            self.due.retain(|(_, waiting)| !all.contains(waiting));
            self.due.extend(all.into_iter().map(|request| (until, request)));
            return true;
        }
        let Some(reading) = self.one_reading(&requests, &calls) else {
            return false;
        };
        for (request, call) in reading {
            out.counts.interchangeable += 1;
            self.hand_out_of_crowd(request, call, true, out);
            if request != asked {
                self.leave_crowd(id, request);
            }
        }
        true
    }

    /// One way to give each request a call of its own that agrees with the facts: the first to be answered has the call
    /// that was answered first. `None` if that leads nowhere.
    fn one_reading(&self, requests: &[HalfId], calls: &[CallId]) -> Option<Vec<(HalfId, CallId)>> {
        let steady = self.threads.steady();
        let passed_on = |id: &HalfId| self.requests.get(id)?.half.response.started.map(|stamp| stamp.order);
        let read = |id: &CallId| self.calls.get(id)?.half()?.response.started.map(|stamp| stamp.order);
        let (mut requests, mut left) = (requests.to_vec(), calls.to_vec());
        requests.sort_by_key(passed_on);
        left.sort_by_key(read);
        let mut reading = Vec::with_capacity(requests.len());
        for id in requests {
            let request = self.requests.get(&id)?;
            let fits = |call: &CallId| {
                self.calls.get(call).is_some_and(|call| {
                    facts::may_own(request, call, steady) && facts::may_be_last(&request.half, call)
                })
            };
            let at = left.iter().position(fits)?;
            reading.push((id, left.remove(at)));
        }
        Some(reading)
    }

    fn hand_out_of_crowd(&mut self, id: HalfId, call: CallId, held: bool, out: &mut Out<'_>) {
        let crowd = self.requests.get(&id).and_then(|request| request.crowd);
        if let Some(crowd) = crowd.and_then(|crowd| self.crowds.get_mut(&crowd)) {
            crowd.taken.insert(call);
        }
        self.emit(id, Tie::Verdict(vec![Evidence::Interchangeable]), &[call], held, out);
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

/// What calls would mean for a request of a crowd.
struct Judge<'a, O> {
    request: &'a Request,
    crowd: &'a mut Crowd,
    oracle: &'a O,
}

impl<O: Oracle> Judge<'_, O> {
    /// The verdict with these calls; `None` if one of them cannot be the request's.
    fn verdict(&mut self, calls: &[&Call]) -> Option<Verdict> {
        let (half, oracle) = (&self.request.half, self.oracle);
        let looks = calls.iter().map(|call| look_for(self.request, call)).collect();
        let equal = |a: &Half, b: &Half| oracle.equal_for_routing(a, b);
        self.crowd.verdict(half, looks, equal, || {
            let possible = |call: &&Call| call.half().is_none_or(|sent| oracle.may_become(half, sent));
            let attempts = judged_attempts(calls.iter().copied());
            calls.iter().all(possible).then(|| oracle.judge(half, &attempts))
        })
    }

    /// The verdict that all attempts bring which may be the request's: one of `last`, and before it any of `failed`. Each
    /// attempt is judged by itself and the worst one decides, so the failed ones need not be taken in every order.
    fn common(&mut self, failed: &[&Call], last: &[&Call]) -> Option<Verdict> {
        let mut verdicts = FxHashSet::default();
        for call in last {
            verdicts.extend(self.verdict(&[call]));
            for earlier in failed {
                verdicts.extend(self.verdict(&[earlier, call]));
            }
            if failed.len() > 1 {
                let all: Vec<&Call> = failed.iter().chain([call]).copied().collect();
                verdicts.extend(self.verdict(&all));
            }
        }
        let mut verdicts = verdicts.into_iter();
        verdicts.next().filter(|_| verdicts.next().is_none())
    }
}

/// The calls of a crowd that a request may own by time and order.
fn window<'a>(
    request: &Request,
    crowd: &Crowd,
    calls: &'a FxHashMap<CallId, Call>,
    steady: bool,
) -> Vec<(CallId, &'a Call)> {
    let from = request.from().unwrap_or(u64::MAX);
    let start = crowd.calls.partition_point(|(began, _)| *began <= from);
    let end = latest(request, steady);
    let not_after = |began: Stamp| end.is_none_or(|(order, time)| began.order <= order || began.time <= time);
    let later = crowd.calls.get(start..).unwrap_or_default().iter();
    later
        .filter_map(|(_, id)| Some((*id, calls.get(id)?)))
        .take_while(|(_, call)| not_after(call.started()))
        .filter(|(_, call)| facts::may_own(request, call, steady))
        .collect()
}

/// Position and time of which one at least lies after the beginning of every call that a request can own; `None` if that
/// is open. `steady`: its calls are all of one thread, whose events are logged in order.
fn latest(request: &Request, steady: bool) -> Option<(u64, Timestamp)> {
    let answered = request.half.response.started?;
    let time = if steady {
        Timestamp::default()
    } else {
        after(after(answered.time, SEND_TOLERANCE), LOG_TOLERANCE)
    };
    Some((answered.order, time))
}

/// What the verdict on a request depends on in one of its calls.
fn look_for(request: &Request, call: &Call) -> CallLook {
    let response = call.half().map(|half| &half.response);
    let read = response.and_then(|response| response.started);
    let passed_on = request.half.response.started;
    CallLook {
        sent: call.look,
        status: response.and_then(|response| Some(response.head.as_ref()?.status)),
        failed: call.failed(),
        in_order: matches!((read, passed_on), (Some(read), Some(passed_on)) if read.order < passed_on.order),
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
