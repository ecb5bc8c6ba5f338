//! Requests that cannot be read: the upstream side alone says what it can.

use gwobs_route::{Inconclusive, Mismatch, Purpose, Verdict};

use super::run::{A, B, OK, Run, Specs, a_goes_to, get};
use crate::event::{EventKind, Lost, LostReason, Role};

fn wrong(reason: Mismatch) -> Option<Verdict> {
    Some(Verdict::Mismatch(reason))
}

fn open(reason: Inconclusive) -> Option<Verdict> {
    Some(Verdict::Inconclusive(reason))
}

/// A TLS handshake record, and the beginning of application data.
const ENCRYPTED: &str = "\u{16}\u{3}\u{1}\0\u{1}\u{1}\u{17}\u{3}\u{3}\0\u{9}s";

/// A request for `path` that comes in encrypted at this port and is forwarded to `to` in the clear.
fn encrypted(run: &mut Run, port: u16, path: &str, to: &str) {
    let client = run.client(port);
    run.receive(client, ENCRYPTED);
    forward(run, path, to);
    run.close(client);
}

fn forward(run: &mut Run, path: &str, to: &str) {
    let upstream = run.upstream(to);
    run.send(upstream, &get(path));
    run.receive(upstream, OK);
    run.close(upstream);
}

#[test]
fn what_was_forwarded_is_judged_where_nothing_else_can_have_been_sent() {
    let mut run = Run::new(&["gw"]);
    encrypted(&mut run, 80, "/a/1", A);
    run.wait(200);
    let (finished, verdict) = run.only();
    assert_eq!(verdict, Some(Verdict::Match));
    assert_eq!(finished.gateway.as_ref().unwrap().to_string(), "default/gw");
    assert!(finished.downstream.is_none() && finished.request.is_none() && finished.decision.is_none());
    assert_eq!(finished.upstreams[0].purpose, Purpose::Forward);
    assert_eq!(
        finished.upstreams[0].backend.as_ref().unwrap().to_string(),
        "default/a:80"
    );
}

#[test]
fn a_mismatch_is_held_and_then_told() {
    let mut run = Run::new(&["gw"]);
    encrypted(&mut run, 80, "/a/1", B);
    run.wait(1_500);
    assert_eq!(run.verdicts(), []);
    run.wait(1_000);
    assert_eq!(run.verdicts(), [wrong(Mismatch::WrongBackend)]);
}

#[test]
fn newer_specs_explain_a_mismatch_that_is_held() {
    let mut run = Run::new(&["gw"]);
    encrypted(&mut run, 80, "/a/1", B);
    run.wait(1_000);
    run.set_specs(&a_goes_to("b"));
    run.wait(1_500);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)]);
}

/// Where any rule may have rewritten the request, nothing is known about what the client sent.
#[test]
fn rewrites_leave_it_open() {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&Specs {
        rule: "filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /z}}}]",
        ..Specs::default()
    });
    run.wait(11_000);
    encrypted(&mut run, 80, "/z/1", A);
    run.wait(200);
    assert_eq!(run.only().1, open(Inconclusive::Encrypted));
    assert_eq!(run.only().0.upstreams[0].purpose, Purpose::Unknown);
}

/// Another Gateway's listener, or none: its specs are not ours.
#[test]
fn a_port_of_nobody_leaves_it_open() {
    let mut run = Run::new(&["gw"]);
    encrypted(&mut run, 8443, "/a/1", B);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [open(Inconclusive::Encrypted)]);
}

/// It may have come in by any port that cannot be read, and what is right for one of them is not for the other.
#[test]
fn listeners_that_disagree_leave_it_open() {
    let mut run = Run::new(&["gw"]);
    run.set_specs(&Specs {
        listeners: ", {name: secure, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: c}]}}",
        more: SECURE_ROUTE,
        ..Specs::default()
    });
    run.wait(11_000);
    encrypted(&mut run, 443, "/a/1", B);
    run.wait(3_000);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)], "all of 443 goes to b");
    let plain = run.client(80);
    run.receive(plain, ENCRYPTED);
    encrypted(&mut run, 443, "/a/1", B);
    run.wait(3_000);
    assert_eq!(run.verdicts()[1], open(Inconclusive::Encrypted));
}

/// On the listener `secure` everything goes to b.
const SECURE_ROUTE: &str = r"
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: secure, namespace: default}
spec:
  parentRefs: [{name: gw, sectionName: secure}]
  rules: [{backendRefs: [{name: b, port: 80}]}]
";

/// After a loss nobody knows by which port a request can have come.
#[test]
fn after_a_loss_it_stays_open() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(A));
    run.wait(200);
    run.event(EventKind::Lost(Lost {
        reason: LostReason::RingBufferFull,
        count: 3,
    }));
    forward(&mut run, "/a/1", B);
    run.wait(3_000);
    assert_eq!(run.verdicts()[1..], [open(Inconclusive::LostEvents)]);
}

/// A connection that was open before: its request is in the middle.
#[test]
fn a_request_joined_in_the_middle_is_judged_by_its_call() {
    let mut run = Run::new(&["gw"]);
    let client = run.open_as(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40000", true);
    run.receive(client, "ng: rest of a head\r\n\r\n");
    forward(&mut run, "/a/1", A);
    run.send(client, OK);
    run.wait(1_000);
    assert!(run.verdicts().contains(&Some(Verdict::Match)), "{:?}", run.verdicts());
}
