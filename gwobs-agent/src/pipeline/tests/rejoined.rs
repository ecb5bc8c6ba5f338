//! Connections of which bytes were missed: what looks like a message may be the content of one.

use gwobs_route::{Inconclusive, Mismatch, Verdict};

use super::run::{A, B, NOT_FOUND, OK, Run, Specs, get};
use crate::event::{EventKind, Lost, LostReason, Role};

const MATCH: Option<Verdict> = Some(Verdict::Match);
const OPEN: Option<Verdict> = Some(Verdict::Inconclusive(Inconclusive::JoinedMidstream));
const WRONG_BACKEND: Option<Verdict> = Some(Verdict::Mismatch(Mismatch::WrongBackend));

/// A client's connection that was open before.
fn joined(run: &mut Run) -> u64 {
    run.open_as(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40000", true)
}

/// The client sends `read`, the gateway sends `sent` to `to`.
fn exchange(run: &mut Run, client: u64, read: &str, sent: &str, to: &str) {
    run.receive(client, read);
    let upstream = run.upstream(to);
    run.send(upstream, sent);
    run.receive(upstream, OK);
    run.close(upstream);
    run.send(client, OK);
}

/// An upload is under way, and the client writes a request into it.
#[test]
fn a_body_that_looks_like_a_request_is_no_alarm() {
    let mut run = Run::new(&["gw"]);
    let client = joined(&mut run);
    run.receive(client, &get("/a"));
    run.send(client, NOT_FOUND);
    exchange(&mut run, client, &get("/a"), &get("/z"), B);
    run.wait(3_000);
    assert_eq!(
        run.verdicts(),
        [OPEN, Some(Verdict::Inconclusive(Inconclusive::GatewayReply))]
    );
}

/// The gateway says by what it sends on that it read the same.
#[test]
fn a_request_that_is_sent_on_is_judged() {
    let mut run = Run::new(&["gw"]);
    let client = joined(&mut run);
    exchange(&mut run, client, &get("/a"), &get("/a"), B);
    exchange(&mut run, client, &get("/a"), &get("/a"), A);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [MATCH, WRONG_BACKEND]);
}

/// From then on the place is known, and what the gateway answers by itself counts too.
#[test]
fn after_a_request_that_was_sent_on_the_place_is_believed() {
    let mut run = Run::new(&["gw"]);
    let client = joined(&mut run);
    exchange(&mut run, client, &get("/b"), &get("/b"), B);
    run.wait(1_000);
    run.receive(client, &get("/a"));
    run.send(client, NOT_FOUND);
    run.wait(3_000);
    assert_eq!(
        run.verdicts(),
        [MATCH, Some(Verdict::Mismatch(Mismatch::UnexpectedReply))]
    );
}

/// Every loss makes the place a new one.
#[test]
fn after_another_loss_it_is_not() {
    let mut run = Run::new(&["gw"]);
    let client = joined(&mut run);
    exchange(&mut run, client, &get("/b"), &get("/b"), B);
    run.wait(1_000);
    run.skip_received(client, 100);
    run.event(EventKind::Lost(Lost {
        reason: LostReason::RingBufferFull,
        count: 1,
    }));
    run.receive(client, &get("/a"));
    run.send(client, NOT_FOUND);
    run.wait(3_000);
    let last = run.verdicts().last().copied().flatten();
    assert_eq!(last, Some(Verdict::Inconclusive(Inconclusive::LostEvents)));
}

/// The path is the one that was sent on, but not the header that decides.
#[test]
fn a_header_that_was_not_sent_on_is_no_alarm() {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&Specs {
        more: CANARY,
        ..Specs::default()
    });
    run.wait(11_000);
    let client = joined(&mut run);
    let forged = "GET /c HTTP/1.1\r\nHost: shop.test\r\nX-Canary: 1\r\n\r\n";
    exchange(&mut run, client, forged, &get("/c"), B);
    exchange(&mut run, client, forged, forged, B);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [OPEN, WRONG_BACKEND]);
}

/// What has the header goes to a.
const CANARY: &str = r"
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: canary, namespace: default}
spec:
  parentRefs: [{name: gw, sectionName: web}]
  rules:
  - matches: [{path: {type: PathPrefix, value: /c}, headers: [{name: x-canary, value: '1'}]}]
    backendRefs: [{name: a, port: 80}]
";

/// The gateway passes a body on to a backend, and its call begins inside it.
#[test]
fn a_body_that_looks_like_a_call_is_no_alarm() {
    let mut run = Run::new(&["gw"]);
    let client = run.client(80);
    run.receive(client, "\u{16}\u{3}\u{1}\0\u{1}\u{1}\u{17}\u{3}\u{3}\0\u{9}s");
    let upstream = run.open_as(Role::Connected, "10.0.0.9:50000", B, true);
    for _ in 0..2 {
        run.send(upstream, &get("/a"));
        run.receive(upstream, OK);
        run.wait(1_000);
    }
    run.wait(3_000);
    assert_eq!(run.verdicts(), [OPEN, WRONG_BACKEND]);
}
