//! What is said about the requests of a crowd (`crowd.rs`).

use std::collections::BTreeSet;

use gwobs_route::Verdict;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::event::Timestamp;
use crate::exchange::{Half, HalfId, Stamp};
use crate::finished::Evidence;
use crate::pairing::crowd::{CallLook, Crowd, CrowdId};
use crate::pairing::facts;
use crate::pairing::limits::{LOG_TOLERANCE, SEND_TOLERANCE, after};
use crate::pairing::node::{Call, CallId, Request};
use crate::pairing::oracle::{Attempt, Oracle};
use crate::pairing::process::{Out, Process};
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
    /// Looks at a request of a crowd that has ended.
    pub(in crate::pairing::process) fn look_in_crowd(
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
                let wrong = matches!(verdict, Verdict::Mismatch(_));
                if let Some(until) = self.held_until(id, hold, now).filter(|_| wrong) {
                    self.put_off(id, until);
                } else {
                    out.counts.paired += 1;
                    if full {
                        self.learn_habits_of_full(id);
                    }
                    self.hand_out_of_crowd(id, call, Tie::Verdict, wrong, out);
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
            !request.contradicted
                && !request.lost
                && request.unseen_call.is_none()
                && request.rivalled.is_none()
                && request.owned.is_empty()
        })
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
            self.hand_out_of_crowd(request, call, Tie::Counted, true, out);
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

    fn hand_out_of_crowd(
        &mut self,
        id: HalfId,
        call: CallId,
        tie: impl FnOnce(Vec<Evidence>) -> Tie,
        held: bool,
        out: &mut Out<'_>,
    ) {
        let crowd = self.requests.get(&id).and_then(|request| request.crowd);
        if let Some(crowd) = crowd.and_then(|crowd| self.crowds.get_mut(&crowd)) {
            crowd.taken.insert(call);
        }
        self.emit(id, tie(vec![Evidence::Interchangeable]), &[call], held, out);
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
            let attempts: Vec<Attempt<'_>> = calls.iter().map(|call| call.attempt()).collect();
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
