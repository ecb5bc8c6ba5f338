//! The specs' part in pairing and in verdicts: every question is answered with every snapshot that was live.

use std::sync::Arc;

use gwobs_http::{Field, RequestHead, Version};
use gwobs_route::{
    Arrival, Attempt as RouteAttempt, Decision, HeaderField, Inconclusive, Judgement, Mismatch, ObjectName,
    Observation, Origin, Purpose, Request, Response, Verdict, decide, equal_for_routing, judge, may_become,
};

use super::catalogue::Door;
use super::live::{Live, Snapshots};
use super::request::{Fields, Target};
use super::settings::Settings;
use crate::event::Timestamp;
use crate::exchange::Half;
use crate::pairing::{Attempt, CallPurpose, Oracle};

/// Answers what depends on the specs.
#[derive(Clone, Copy)]
pub(super) struct Judging<'a> {
    pub(super) snapshots: &'a Snapshots,
    pub(super) settings: &'a Settings,
}

/// A request judged by all snapshots that were live.
pub(super) struct Judged {
    pub(super) door: Option<Door>,
    pub(super) decision: Option<Arc<Decision>>,
    pub(super) judgement: Judgement,
    /// How long ago the specs had been replaced that the gateway followed, in nanoseconds; `None` if they were in force.
    pub(super) lag: Option<u64>,
}

/// The judgement by one snapshot.
struct ByOne<'a> {
    live: &'a Live,
    door: Door,
    decision: Decision,
    judgement: Judgement,
}

/// A request that a gateway passed on, and what came of it.
pub(super) struct Call<'a> {
    pub(super) attempt: Attempt<'a>,
    pub(super) purpose: Purpose,
}

/// When the gateway can have decided: the head was read.
pub(super) fn decided_at(downstream: &Half) -> Timestamp {
    downstream.request.head_ended.unwrap_or(downstream.request.started).time
}

/// Who made the response that the client got: the upstream, if its last answer was read before and has the same status.
pub(super) fn origin(downstream: &Half, last: Option<&Attempt<'_>>) -> Origin {
    let Some(Attempt::Sent(upstream)) = last else {
        return Origin::Gateway;
    };
    let status = |half: &Half| half.response.head.as_ref().map(|head| head.status);
    let in_order = match (upstream.response.started, downstream.response.started) {
        (Some(read), Some(passed_on)) => read.order < passed_on.order,
        _ => false,
    };
    if in_order && status(upstream) == status(downstream) {
        Origin::Upstream
    } else {
        Origin::Gateway
    }
}

/// What each attempt was for.
pub(super) fn purposes<'a>(attempts: impl IntoIterator<Item = Attempt<'a>>) -> Vec<Call<'a>> {
    let purpose = |index| if index == 0 { Purpose::Forward } else { Purpose::Retry };
    attempts
        .into_iter()
        .enumerate()
        .map(|(index, attempt)| Call {
            attempt,
            purpose: purpose(index),
        })
        .collect()
}

impl<'a> Judging<'a> {
    /// Judges a request; `calls` has what stands beside the attempts too. `None` if no listener of a Gateway that
    /// counts is at its port, or no Gateway counts.
    pub(super) fn judge_by_all(&self, downstream: &Half, calls: &[Call<'_>]) -> Option<Judged> {
        if self.gateways(downstream).is_empty() {
            return None;
        }
        let at = decided_at(downstream);
        if self.snapshots.is_empty() || self.snapshots.forgot(at) {
            return Some(undecided(None, None, Inconclusive::ConfigInFlux));
        }
        let Some(head) = downstream.request.head.as_deref() else {
            let why = downstream
                .flaws
                .first()
                .copied()
                .unwrap_or(Inconclusive::UnsupportedProtocol);
            return self
                .doors(downstream)
                .into_iter()
                .next()
                .map(|door| undecided(Some(door), None, why));
        };
        let Some(head) = self
            .completed(downstream, head, calls)
            .filter(|_| reply_is_known(downstream, calls))
        else {
            let door = self.doors(downstream).into_iter().next()?;
            return Some(undecided(Some(door), None, Inconclusive::JoinedMidstream));
        };
        let (target, fields) = (Target::of(&head), Fields::of(&head.headers));
        let headers = fields.borrowed();
        let request = target.with(&headers);
        let verdicts: Vec<ByOne<'a>> = self
            .snapshots
            .at(at)
            .filter_map(|live| self.judge_by_one(live, downstream, &request, calls))
            .collect();
        conclude(at, verdicts)
    }

    fn judge_by_one(
        &self,
        live: &'a Live,
        downstream: &Half,
        request: &Request<'_>,
        calls: &[Call<'_>],
    ) -> Option<ByOne<'a>> {
        let (door, decision) = self.decide_by_one(live, downstream, request)?;
        let judgement = observed(downstream, calls, |observation| {
            judge(&live.snapshot, &decision, request, observation)
        });
        Some(ByOne {
            live,
            door,
            decision,
            judgement,
        })
    }

    /// The decision of the first Gateway at that port which has a listener for the request.
    fn decide_by_one(&self, live: &Live, downstream: &Half, request: &Request<'_>) -> Option<(Door, Decision)> {
        let mut first = None;
        for door in self.doors_of(live, downstream) {
            let arrival = Arrival::at_gateway(&door.gateway, door.port, door.protocol());
            let decision = decide(&live.snapshot, &arrival, request);
            if decision.listener.is_some() {
                return Some((door.clone(), decision));
            }
            first.get_or_insert_with(|| (door.clone(), decision));
        }
        first
    }

    /// The snapshots that were live when the request was decided, with the doors that it can have come in by.
    pub(super) fn ports_in_force(&self, downstream: &Half) -> impl Iterator<Item = (&'a Live, &'a Door)> {
        let live = self.snapshots.at(decided_at(downstream));
        live.flat_map(move |live| self.doors_of(live, downstream).map(move |door| (live, door)))
    }

    /// The Gateways that the process serves.
    fn gateways(&self, downstream: &Half) -> &'a [ObjectName] {
        self.settings.gateways_of(downstream.connection.pid)
    }

    /// The listener port that the client came in by.
    fn port(&self, downstream: &Half) -> Option<u16> {
        let connection = &downstream.connection;
        self.settings.listener_port(connection.pid, connection.local.port())
    }

    /// The doors that the client can have come in by: those at its port, of the Gateways that the process serves.
    fn doors_of<'l>(&self, live: &'l Live, downstream: &Half) -> impl Iterator<Item = &'l Door> + use<'l, 'a> {
        let gateways = self.gateways(downstream);
        let doors = self
            .port(downstream)
            .map(|port| live.catalogue.doors(port))
            .unwrap_or_default();
        doors.iter().filter(move |door| gateways.contains(&door.gateway))
    }

    fn doors(&self, downstream: &Half) -> Vec<Door> {
        let live = self.snapshots.at(decided_at(downstream)).next();
        live.into_iter()
            .flat_map(|live| self.doors_of(live, downstream))
            .cloned()
            .collect()
    }
}

/// A gateway's own reply is judged by its headers, of which none may be unknown then.
fn reply_is_known(downstream: &Half, calls: &[Call<'_>]) -> bool {
    let unknown = downstream.response.head.as_ref().map_or(0, |head| head.unknown);
    unknown == 0 || !calls.is_empty()
}

fn undecided(door: Option<Door>, decision: Option<Arc<Decision>>, why: Inconclusive) -> Judged {
    let judgement = Judgement {
        verdict: Verdict::Inconclusive(why),
        also: Vec::new(),
        observed_route: None,
    };
    Judged {
        door,
        decision,
        judgement,
        lag: None,
    }
}

/// Agreeing with any snapshot is no mismatch; where some snapshot leaves it open, it is open; only what all of them
/// call a mismatch is one. `verdicts`: newest first.
fn conclude(at: Timestamp, mut verdicts: Vec<ByOne<'_>>) -> Option<Judged> {
    let in_force = |one: &ByOne<'_>| one.live.until.is_none_or(|until| until > at);
    let is = |one: &ByOne<'_>, wanted: fn(&Verdict) -> bool| wanted(&one.judgement.verdict);
    let matched = |one: &ByOne<'_>| is(one, |verdict| *verdict == Verdict::Match);
    let open = |one: &ByOne<'_>| is(one, |verdict| matches!(verdict, Verdict::Inconclusive(_)));
    let differ = verdicts.iter().any(open) && !verdicts.iter().all(open);
    let chosen = verdicts
        .iter()
        .position(matched)
        .or_else(|| verdicts.iter().position(open))
        .or_else(|| {
            // All of them call it a mismatch: the one in force tells which.
            verdicts.iter().rposition(in_force)
        })?;
    let ByOne {
        live,
        door,
        decision,
        mut judgement,
    } = verdicts.swap_remove(chosen);
    if differ && judgement.verdict != Verdict::Match {
        judgement.verdict = Verdict::Inconclusive(Inconclusive::ConfigInFlux);
    }
    let lag = live
        .until
        .filter(|_| judgement.verdict == Verdict::Match)
        .and_then(|until| at.0.checked_sub(until.0));
    Some(Judged {
        door: Some(door),
        decision: Some(Arc::new(decision)),
        judgement,
        lag,
    })
}

/// Calls `judge` with what was observed.
fn observed<T>(downstream: &Half, calls: &[Call<'_>], judge: impl FnOnce(&Observation<'_>) -> T) -> T {
    let heads: Vec<_> = calls.iter().map(|call| sent_head(&call.attempt)).collect();
    let fields: Vec<Vec<HeaderField<'_>>> = heads
        .iter()
        .map(|head| head.as_ref().map(|(_, fields)| fields.borrowed()).unwrap_or_default())
        .collect();
    let requests = heads
        .iter()
        .zip(&fields)
        .map(|(head, fields)| head.as_ref().map(|(target, _)| target.with(fields)));
    let attempts: Vec<RouteAttempt<'_>> = calls
        .iter()
        .zip(requests)
        .map(|(call, request)| attempt(call, request))
        .collect();
    let last = calls
        .iter()
        .rfind(|call| !matches!(call.purpose, Purpose::Mirror | Purpose::Auth));
    let response_fields = downstream
        .response
        .head
        .as_ref()
        .map(|head| (head.status, Fields::of(&head.headers)));
    let response_headers = response_fields
        .as_ref()
        .map(|(_, fields)| fields.borrowed())
        .unwrap_or_default();
    let response = response_fields.as_ref().map(|(status, _)| Response {
        status: *status,
        origin: origin(downstream, last.map(|call| &call.attempt)),
        headers: &response_headers,
    });
    judge(&Observation {
        attempts: &attempts,
        response,
        at: decided_at(downstream).0,
    })
}

fn sent_head<'a>(attempt: &Attempt<'a>) -> Option<(Target<'a>, Fields<'a>)> {
    match attempt {
        Attempt::Sent(half) => half
            .request
            .head
            .as_deref()
            .map(|head| (Target::of(head), Fields::of(&head.headers))),
        Attempt::ConnectFailed(_) => None,
    }
}

fn attempt<'a>(call: &Call<'_>, request: Option<Request<'a>>) -> RouteAttempt<'a> {
    match call.attempt {
        Attempt::Sent(half) => RouteAttempt {
            address: half.connection.peer,
            request,
            status: half.response.head.as_ref().map(|head| head.status),
            purpose: call.purpose,
        },
        Attempt::ConnectFailed(address) => RouteAttempt {
            address,
            request,
            status: None,
            purpose: call.purpose,
        },
    }
}

impl Oracle for Judging<'_> {
    fn may_become(&self, downstream: &Half, upstream: &Half) -> bool {
        let (Some(original), Some(forwarded)) = (&downstream.request.head, &upstream.request.head) else {
            return true;
        };
        let (forwarded, unknown) = (Target::of(forwarded), original.unknown);
        let original = Target::of(original).or_as_in(&forwarded, unknown);
        let mirrored = forwarded.without_shadow();
        let sent: Vec<Request<'_>> = [Some(&forwarded), mirrored.as_ref()]
            .into_iter()
            .flatten()
            .map(|one| one.with(&[]))
            .collect();
        let original_request = original.with(&[]);
        let mut known = false;
        for live in self.snapshots.at(decided_at(downstream)) {
            for door in self.doors_of(live, downstream) {
                known = true;
                let may =
                    |sent: &Request<'_>| may_become(&live.snapshot, &door.gateway, door.port, &original_request, sent);
                if sent.iter().any(may) {
                    return true;
                }
            }
        }
        // Without specs: the same method, and the end of the path survives the usual rewrites.
        !known && original.method() == forwarded.method() && original.last_element() == forwarded.last_element()
    }

    fn judge(&self, downstream: &Half, attempts: &[Attempt<'_>]) -> Verdict {
        let judged = self.judge_by_all(downstream, &purposes(attempts.iter().copied()));
        judged.map_or(Verdict::Inconclusive(Inconclusive::UnsupportedSpec), |judged| {
            judged.judgement.verdict
        })
    }

    fn equal_for_routing(&self, a: &Half, b: &Half) -> bool {
        let (Some(one), Some(other)) = (&a.request.head, &b.request.head) else {
            return false;
        };
        let generations = |half: &Half| {
            self.snapshots
                .at(decided_at(half))
                .map(|live| live.snapshot.generation())
                .collect::<Vec<_>>()
        };
        let read_whole = |head: &RequestHead| head.unknown.is_nothing();
        let blind = |half: &Half| self.snapshots.forgot(decided_at(half));
        if !read_whole(one)
            || !read_whole(other)
            || self.port(a) != self.port(b)
            || self.gateways(a) != self.gateways(b)
            || blind(a) != blind(b)
            || answer(a) != answer(b)
            || a.flaws != b.flaws
            || generations(a) != generations(b)
        {
            return false;
        }
        let (one, other) = (
            (Target::of(one), Fields::of(&one.headers)),
            (Target::of(other), Fields::of(&other.headers)),
        );
        let (one_fields, other_fields) = (one.1.borrowed(), other.1.borrowed());
        let (one, other) = (one.0.with(&one_fields), other.0.with(&other_fields));
        let equal =
            |live: &Live, door: &Door| equal_for_routing(&live.snapshot, &door.gateway, door.port, &one, &other);
        self.snapshots
            .at(decided_at(a))
            .all(|live| self.doors_of(live, a).all(|door| equal(live, door)))
    }

    fn purpose(&self, upstream: &Half, candidates: &[&Half]) -> CallPurpose {
        let Some(head) = upstream.request.head.as_deref() else {
            return CallPurpose::Route;
        };
        let same = |candidate: &&&Half| {
            candidate.request.head.as_deref().is_some_and(|own| {
                own.authority == head.authority && header(own, b"user-agent") == header(head, b"user-agent")
            })
        };
        let as_sent = candidates.iter().any(|candidate| same(&candidate));
        if !as_sent && is_health_check(head) {
            return CallPurpose::NoRequest;
        }
        if !as_sent && Target::of(head).without_shadow().is_some() {
            return CallPurpose::Mirror;
        }
        let Some(live) = self.snapshots.newest() else {
            return CallPurpose::Route;
        };
        let address = upstream.connection.peer;
        if live.catalogue.is_mirror(&live.snapshot, address) {
            CallPurpose::Mirror
        } else if live.catalogue.is_auth(&live.snapshot, address) {
            CallPurpose::Auth
        } else {
            CallPurpose::Route
        }
    }

    fn leaves_alone(&self, name: &[u8]) -> bool {
        let name = String::from_utf8_lossy(name);
        !self.snapshots.all().any(|live| live.catalogue.touches(&name))
    }
}

/// What verdicts depend on in a response.
fn answer(half: &Half) -> Option<(u16, Vec<&Field>)> {
    let head = half.response.head.as_deref()?;
    let telling = |field: &&Field| matches!(&field.name[..], b"location" | b"grpc-status");
    Some((head.status, head.headers.iter().filter(telling).collect()))
}

fn header<'a>(head: &'a RequestHead, name: &[u8]) -> Option<&'a [u8]> {
    head.headers
        .iter()
        .find(|field| field.name == name)
        .map(|field| &field.value[..])
}

/// The marks of active health checks: Envoy's user agent, kube-probe's, and HAProxy's bare `OPTIONS / HTTP/1.0`.
fn is_health_check(head: &RequestHead) -> bool {
    let agent = header(head, b"user-agent").unwrap_or_default();
    let bare = head.headers.is_empty() && head.authority.is_none() && head.version == Version::Http10;
    agent.starts_with(b"Envoy/HC") || agent.starts_with(b"kube-probe/") || bare && head.method == "OPTIONS"
}

/// A mismatch that rests on mirrors which may be somebody else's is none.
pub(super) fn without_doubtful_mirrors(judgement: Judgement) -> Judgement {
    match judgement.verdict {
        Verdict::Mismatch(Mismatch::WrongMirror) => Judgement {
            verdict: Verdict::Inconclusive(Inconclusive::Unpaired),
            also: Vec::new(),
            observed_route: None,
        },
        _ => judgement,
    }
}
