//! A call whose request nobody could read, judged by what was forwarded alone (`DESIGN.md`, decision 4).

use gwobs_route::{Arrival, Inconclusive, Judgement, Purpose, Verdict, judge_upstream};

use super::observed::{Call, attempt};
use super::{ByOne, Judged, Judging, conclude, open};
use crate::exchange::Half;
use crate::pairing::Attempt;
use crate::pipeline::catalogue::Door;
use crate::pipeline::live::Live;
use crate::pipeline::request::{Fields, Target};

impl<'a> Judging<'a> {
    /// Judges an upstream call without its request. `ports`: the local ports of all connections by which the request can
    /// have come in; `None` if they are not known. `None` if no Gateway counts.
    pub(in crate::pipeline) fn judge_alone(
        &self,
        call: &Half,
        why: Inconclusive,
        ports: Option<&[u16]>,
    ) -> Option<Judged<'a>> {
        if self.settings.gateways_of(call.connection.pid).is_empty() {
            return None;
        }
        let at = call.request.started.time;
        let undecided = Some(Judged::undecided(None, why));
        if self.snapshots.is_empty() || self.snapshots.forgot(at) {
            return undecided;
        }
        let by_one = |live: &'a Live| self.judge_alone_by_one(live, call, ports?);
        let verdicts: Option<Vec<ByOne<'a>>> = self.snapshots.at(at).map(by_one).collect();
        let Some(judged) = verdicts.and_then(|verdicts| conclude::conclude(at, verdicts)) else {
            return undecided;
        };
        let is_open = matches!(judged.judgement.verdict, Verdict::Inconclusive(_));
        // That it could not be settled has a reason: the other side could not be read.
        let judgement = if is_open { open(why) } else { judged.judgement };
        Some(Judged { judgement, ..judged })
    }

    /// The verdict that holds by whichever of the ports the request came in; `None` if one of them is no listener's.
    fn judge_alone_by_one(&self, live: &'a Live, call: &Half, ports: &[u16]) -> Option<ByOne<'a>> {
        let mut verdicts = Vec::new();
        for port in ports {
            let before = verdicts.len();
            let doors = self.doors_at(live, call.connection.pid, *port);
            verdicts.extend(doors.map(|door| (door, judge_at(live, door, call))));
            if verdicts.len() == before {
                return None;
            }
        }
        let (door, judgement) = verdicts.first()?.clone();
        let same = |other: &Judgement| kind(other.verdict) == kind(judgement.verdict);
        let agreed = verdicts.iter().all(|(_, other)| same(other));
        Some(ByOne {
            live,
            door: door.clone(),
            decision: None,
            judgement: if agreed {
                judgement
            } else {
                open(Inconclusive::Unpaired)
            },
        })
    }
}

fn judge_at(live: &Live, door: &Door, call: &Half) -> Judgement {
    let arrival = Arrival::at_gateway(&door.gateway, door.port, door.protocol());
    let sent = call
        .request
        .head
        .as_deref()
        .map(|head| (Target::of(head), Fields::of(&head.headers)));
    let headers = sent.as_ref().map(|(_, fields)| fields.borrowed()).unwrap_or_default();
    let request = sent.as_ref().map(|(target, _)| target.with(&headers));
    let call_itself = Call {
        attempt: Attempt::Sent(call),
        purpose: Purpose::Forward,
    };
    let at = call.request.started.time.0;
    judge_upstream(&live.snapshot, &arrival, &attempt(&call_itself, request), at)
}

fn kind(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Match => 0,
        Verdict::Mismatch(_) => 1,
        Verdict::Inconclusive(_) => 2,
    }
}
