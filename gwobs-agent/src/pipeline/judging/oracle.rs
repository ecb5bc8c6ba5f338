//! What pairing asks about the meaning of requests, answered with every snapshot that was live.

use std::net::SocketAddr;

use gwobs_http::{Field, RequestHead, Version};
use gwobs_route::{Inconclusive, Request, Verdict, equal_for_routing, may_become};

use super::observed::purposes;
use super::{Judging, decided_at};
use crate::event::Timestamp;
use crate::exchange::Half;
use crate::pairing::{Attempt, CallPurpose, Oracle};
use crate::pipeline::catalogue::Door;
use crate::pipeline::live::Live;
use crate::pipeline::request::{Fields, Target};

impl Judging<'_> {
    /// What an address is only ever asked for, by all snapshots that may have been followed then.
    fn purpose_of(&self, address: SocketAddr, at: Timestamp) -> CallPurpose {
        let live = || self.snapshots.at(at);
        let known = live().next().is_some();
        if known && live().all(|live| live.catalogue.is_mirror(&live.snapshot, address)) {
            CallPurpose::Mirror
        } else if known && live().all(|live| live.catalogue.is_auth(&live.snapshot, address)) {
            CallPurpose::Auth
        } else {
            CallPurpose::Route
        }
    }
}

impl Oracle for Judging<'_> {
    fn may_become(&self, downstream: &Half, upstream: &Half) -> bool {
        let (Some(original), Some(forwarded)) = (&downstream.request.head, &upstream.request.head) else {
            return true;
        };
        let (forwarded, unknown) = (Target::of(forwarded), original.unknown);
        let original = Target::received(original, &downstream.connection).or_as_in(&forwarded, unknown);
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

    fn same_target(&self, a: &Half, b: &Half) -> bool {
        let (Some(one), Some(other)) = (&a.request.head, &b.request.head) else {
            return false;
        };
        let generations = |half: &Half| {
            let live = self.snapshots.at(decided_at(half));
            live.map(|live| live.snapshot.generation())
        };
        one.path == other.path
            && one.authority == other.authority
            && one.method == other.method
            && one.unknown == other.unknown
            && a.connection.local.port() == b.connection.local.port()
            && generations(a).eq(generations(b))
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
            (Target::received(one, &a.connection), Fields::of(&one.headers)),
            (Target::received(other, &b.connection), Fields::of(&other.headers)),
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
        self.purpose_of(upstream.connection.peer, upstream.request.started.time)
    }

    fn is_control(&self, peer: SocketAddr) -> bool {
        let newest = self.snapshots.newest();
        newest.is_some_and(|live| live.catalogue.is_control(&live.snapshot, peer))
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
