//! The specs' part in pairing and in verdicts: every question is answered with every snapshot that was live.

mod alone;
mod conclude;
mod observed;
mod oracle;
mod passed;

use std::sync::Arc;

use gwobs_http::RequestHead;
use gwobs_route::{Arrival, Decision, Inconclusive, Judgement, ObjectName, Request, Verdict, decide, judge};

pub(super) use observed::{Call, origin, purposes};

use super::catalogue::Door;
use super::convergence::Lag;
use super::live::{Live, Snapshots};
use super::request::{Fields, Target};
use super::settings::Settings;
use crate::event::Timestamp;
use crate::exchange::Half;
use observed::observed;

/// Answers what depends on the specs.
#[derive(Clone, Copy)]
pub(super) struct Judging<'a> {
    pub(super) snapshots: &'a Snapshots,
    pub(super) settings: &'a Settings,
}

/// A request judged by all snapshots that were live.
pub(super) struct Judged<'a> {
    /// The snapshot that the verdict is by.
    pub(super) live: Option<&'a Live>,
    pub(super) door: Option<Door>,
    pub(super) decision: Option<Arc<Decision>>,
    pub(super) judgement: Judgement,
    /// Set if the gateway followed specs that had been replaced.
    pub(super) lag: Option<Lag>,
    /// True if all of them give the request the same rule with the same weights.
    pub(super) steady: bool,
}

/// The judgement by one snapshot.
struct ByOne<'a> {
    live: &'a Live,
    door: Door,
    /// `None` without a readable request.
    decision: Option<Decision>,
    judgement: Judgement,
}

/// When the gateway can have decided: the head was read.
pub(super) fn decided_at(downstream: &Half) -> Timestamp {
    downstream.request.head_ended.unwrap_or(downstream.request.started).time
}

impl<'a> Judging<'a> {
    /// Judges a request; `calls` has what stands beside the attempts too. `None` if no listener of a Gateway that
    /// counts is at its port, or no Gateway counts.
    pub(super) fn judge_by_all(&self, downstream: &Half, calls: &[Call<'_>]) -> Option<Judged<'a>> {
        let at = decided_at(downstream);
        if self.gateways(downstream).is_empty() {
            return None;
        }
        if self.snapshots.is_empty() || self.snapshots.forgot(at) {
            return Some(Judged::undecided(None, Inconclusive::ConfigInFlux));
        }
        let Some(head) = downstream.request.head.as_deref() else {
            return self.judge_unreadable(downstream);
        };
        let completed = self.completed(downstream, head, calls);
        let Some(head) = completed.filter(|_| reply_is_known(downstream, calls)) else {
            return self.judge_nothing(downstream, Inconclusive::JoinedMidstream);
        };
        let judged = self.judge_head(downstream, &head, calls)?;
        match downstream.connection.missed.filter(|_| judged.is_mismatch()) {
            Some(missed) if !self.is_mismatch_as_sent(downstream, &head, calls) => {
                self.judge_nothing(downstream, missed.why)
            }
            _ => Some(judged),
        }
    }

    /// Judges a request with this head.
    fn judge_head(&self, downstream: &Half, head: &RequestHead, calls: &[Call<'_>]) -> Option<Judged<'a>> {
        let at = decided_at(downstream);
        let (target, fields) = (
            Target::received(head, &downstream.connection),
            Fields::of(&head.headers),
        );
        let headers = fields.borrowed();
        let request = target.with(&headers);
        let by_one = |live: &'a Live| self.judge_by_one(live, downstream, &request, calls);
        let judged = conclude::conclude(at, self.snapshots.at(at).filter_map(by_one).collect())?;
        let is_late = judged.is_mismatch();
        let lag = judged.lag.or_else(|| {
            let mut replaced = self.snapshots.replaced_before(at).filter(|_| is_late);
            let followed = replaced.find(|live| by_one(live).is_some_and(|one| one.is_match()))?;
            followed.lag(at)
        });
        Some(Judged { lag, ..judged })
    }

    /// False if the request is none, taken as the gateway sent it on: then it was not what it seems. What follows bytes
    /// that were missed may have been written to be taken for a request.
    fn is_mismatch_as_sent(&self, downstream: &Half, head: &RequestHead, calls: &[Call<'_>]) -> bool {
        let is_mismatch = |sent| {
            self.judge_head(downstream, &sent, calls)
                .is_some_and(|judged| judged.is_mismatch())
        };
        self.as_sent(downstream, head, calls).is_none_or(is_mismatch)
    }

    /// A request whose head cannot be read.
    fn judge_unreadable(&self, downstream: &Half) -> Option<Judged<'a>> {
        let flaw = downstream.flaws.first().copied();
        self.judge_nothing(downstream, flaw.unwrap_or(Inconclusive::UnsupportedProtocol))
    }

    /// A request about which nothing can be said but why; `None` if no listener is at its port.
    fn judge_nothing(&self, downstream: &Half, why: Inconclusive) -> Option<Judged<'a>> {
        let live = self.snapshots.at(decided_at(downstream)).next()?;
        let door = self.doors_of(live, downstream).next()?;
        Some(Judged::undecided(Some(door.clone()), why))
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
            decision: Some(decision),
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
        let connection = &downstream.connection;
        self.doors_at(live, connection.pid, connection.local.port())
    }

    /// The doors at a local port of a process.
    fn doors_at<'l>(&self, live: &'l Live, pid: u32, local: u16) -> impl Iterator<Item = &'l Door> + use<'l, 'a> {
        let gateways = self.settings.gateways_of(pid);
        let port = self.settings.listener_port(pid, local);
        let doors = port.map(|port| live.catalogue.doors(port)).unwrap_or_default();
        doors.iter().filter(move |door| gateways.contains(&door.gateway))
    }
}

/// A gateway's own reply is judged by its headers, of which none may be unknown then.
fn reply_is_known(downstream: &Half, calls: &[Call<'_>]) -> bool {
    let unknown = downstream.response.head.as_ref().map_or(0, |head| head.unknown);
    unknown == 0 || !calls.is_empty()
}

impl Judged<'_> {
    fn is_mismatch(&self) -> bool {
        matches!(self.judgement.verdict, Verdict::Mismatch(_))
    }

    fn undecided(door: Option<Door>, why: Inconclusive) -> Self {
        Self {
            live: None,
            door,
            decision: None,
            judgement: open(why),
            lag: None,
            steady: false,
        }
    }
}

impl ByOne<'_> {
    fn is_match(&self) -> bool {
        self.judgement.verdict == Verdict::Match
    }

    fn is_open(&self) -> bool {
        matches!(self.judgement.verdict, Verdict::Inconclusive(_))
    }
}

/// A judgement that says nothing but why.
pub(super) fn open(why: Inconclusive) -> Judgement {
    Judgement {
        verdict: Verdict::Inconclusive(why),
        also: Vec::new(),
        observed_route: None,
    }
}
