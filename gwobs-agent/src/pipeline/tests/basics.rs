//! One request at a time.

use std::net::SocketAddr;

use gwobs_route::{Inconclusive, Mismatch, Origin, Purpose, Verdict};

use super::run::{A, B, OK, Run, get};
use crate::event::{Direction, Role};

#[test]
fn a_request_is_told_with_both_sides() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a/1?q=2", Some(A));
    run.wait(200);
    assert_eq!(run.verdicts(), [Some(Verdict::Match)]);
    let finished = &run.sink.finished[0];
    assert_eq!(
        finished.request.as_ref().unwrap().path.as_deref(),
        Some(&b"/a/1?q=2"[..])
    );
    assert_eq!(finished.gateway.as_ref().unwrap().to_string(), "default/gw");
    assert_eq!(
        finished.response.as_ref().map(|response| response.origin),
        Some(Origin::Upstream)
    );
    let upstream = &finished.upstreams[0];
    assert_eq!(
        (upstream.address, upstream.purpose),
        (A.parse::<SocketAddr>().unwrap(), Purpose::Forward)
    );
    assert_eq!(upstream.backend.as_ref().unwrap().to_string(), "default/a:80");
    assert_eq!(run.pipeline.counts().matched, 1);
}

#[test]
fn a_mismatch_is_told_after_the_hold() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    run.exchange(80, "/z", None);
    run.wait(1500);
    assert_eq!(run.verdicts(), []);
    run.wait(1000);
    let wrong = |reason| Some(Verdict::Mismatch(reason));
    assert_eq!(
        run.verdicts(),
        [wrong(Mismatch::WrongBackend), wrong(Mismatch::UnexpectedReply)]
    );
}

#[test]
fn without_a_gateway_there_is_no_verdict() {
    let mut run = Run::new(&[]);
    run.exchange(80, "/a", Some(B));
    run.wait(200);
    assert_eq!(run.verdicts(), [None]);
    assert_eq!(run.sink.finished[0].upstreams.len(), 1);
}

#[test]
fn a_port_without_listener_is_recorded_without_verdict() {
    let mut run = Run::new(&["gw"]);
    run.exchange(81, "/a", Some(B));
    run.wait(200);
    assert_eq!(run.verdicts(), [None]);
    assert_eq!(run.pipeline.counts().unjudged, 1);
}

#[test]
fn a_mapped_port_stands_for_its_listener() {
    let mut run = Run::new(&["gw"]);
    run.pipeline.settings.ports.insert(80, 10_080);
    run.exchange(10_080, "/a", Some(A));
    run.exchange(80, "/a", Some(A));
    run.wait(200);
    assert_eq!(run.verdicts(), [Some(Verdict::Match), None]);
}

#[test]
fn the_end_judges_what_is_held_and_drops_what_is_open() {
    let mut run = Run::new(&["gw"]);
    run.exchange(80, "/a", Some(B));
    let client = run.open(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40001");
    run.data(client, Direction::Receive, "GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    run.finish();
    assert_eq!(run.verdicts(), [Some(Verdict::Mismatch(Mismatch::WrongBackend))]);
    assert_eq!(run.pipeline.counts().open, 1);
}

#[test]
fn a_client_that_leaves_is_told_as_aborted() {
    let mut run = Run::new(&["gw"]);
    let client = run.open(Role::Accepted, "10.0.0.9:80", "10.0.0.8:40001");
    run.data(client, Direction::Receive, "GET /a HTTP/1.1\r\nHost: shop.test\r\n\r\n");
    run.close(client);
    run.wait(500);
    assert_eq!(run.verdicts(), [Some(Verdict::Inconclusive(Inconclusive::Aborted))]);
}

#[test]
fn a_failed_connect_is_an_attempt() {
    let mut run = Run::new(&["gw"]);
    let client = run.client(80);
    run.receive(client, &get("/a"));
    run.fail_to_connect(B);
    let upstream = run.upstream(A);
    run.send(upstream, &get("/a"));
    run.receive(upstream, OK);
    run.send(client, OK);
    run.wait(3_000);
    let (finished, verdict) = run.only();
    assert_eq!(finished.upstreams.len(), 2);
    assert!(finished.upstreams[0].request.is_none());
    assert_eq!(verdict, Some(Verdict::Mismatch(Mismatch::WrongBackend)), "it tried b");
}
