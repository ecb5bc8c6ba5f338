use bytes::Bytes;
use gwobs_http::Version;
use gwobs_route::{Action, Forwarded, Inconclusive, MirrorTarget, Mismatch};
use serde_json::{Value, json};

use super::*;
use crate::connections::HandshakeFailure;
use crate::event::{Role, Timestamp};
use crate::finished::{ClientProtocol, Finished, Response};
use crate::output::report::{DataPlane, ObservedProcess};
use crate::output::samples::{self, forward, head, object, service};
use crate::weighed::WeightNews;

const CLOCK: WallClock = WallClock::from_offset(1_790_000_000_000_000_000);

fn render(report: &Report<'_>, redaction: Redaction) -> Value {
    let line = Jsonl::new(redaction).render(report, &CLOCK);
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1, "one line");
    assert_eq!(line.last(), Some(&b'\n'));
    serde_json::from_slice(&line).unwrap()
}

fn decision(finished: &Finished) -> Value {
    render(&Report::Decision(finished), Redaction::off())
}

#[test]
fn a_match_has_every_field() {
    assert_eq!(
        decision(&samples::matched()),
        json!({
            "type": "decision",
            "id": "a1-1",
            "time": "2026-09-21T14:13:20.001000Z",
            "ended": "2026-09-21T14:13:20.003500Z",
            "gateway": "infra/web",
            "listener": "http",
            "process": {"pid": 42, "name": "envoy"},
            "generation": 3,
            "downstream": {
                "peer": "192.0.2.7:5000", "local": "[2001:db8::1]:80", "protocol": "http/1.1", "tls": false,
            },
            "request": {
                "method": "GET",
                "authority": "shop.example:80",
                "path": "/api/items?page=2&token=abc",
                "headers": [["x-tenant", "blue"], ["cookie", "id=1"]],
            },
            "upstreams": [{
                "address": "10.0.0.1:8080",
                "backend": "shop/api:8080",
                "backend_candidates": ["shop/api:8080"],
                "request": {
                    "method": "GET",
                    "authority": "shop.example:80",
                    "path": "/api/items?page=2",
                    "headers": [["x-tenant", "blue"]],
                },
                "status": 200,
                "purpose": "forward",
            }],
            "response": {"status": 200, "origin": "upstream"},
            "expected": {
                "action": "forward",
                "route": {"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 0, "match": 0},
                "backends": [{"backend": "shop/api:8080", "weight": 1}],
                "forwarded": {"authority": null, "path": null, "headers_set": {}, "headers_removed": []},
            },
            "verdict": "match",
            "reason": null,
            "also": [],
            "observed_route": null,
            "pairing": {"evidence": ["adjacent", "id"], "candidates": 1},
        })
    );
}

#[test]
fn the_type_comes_first_so_that_lines_can_be_told_apart_at_a_glance() {
    let line = Jsonl::default().render(&Report::Decision(&samples::matched()), &CLOCK);
    assert!(line.starts_with(br#"{"type":"decision","id":"#));
}

#[test]
fn a_mismatch_tells_the_reasons_and_the_rule_that_explains_it() {
    let line = decision(&samples::mismatched());
    assert_eq!(line["verdict"], "mismatch");
    assert_eq!(line["reason"], "wrong_backend");
    assert_eq!(line["also"], json!(["filter_not_applied"]));
    assert_eq!(line["expected"]["route"]["rule_name"], "v2");
    assert_eq!(
        line["observed_route"],
        json!({"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 0, "match": 0})
    );
}

#[test]
fn a_redirect_tells_where_to() {
    let line = decision(&samples::redirected());
    assert_eq!(line["upstreams"], json!([]));
    assert_eq!(line["response"], json!({"status": 301, "origin": "gateway"}));
    assert_eq!(
        line["expected"],
        json!({
            "action": "redirect",
            "status": 301,
            "redirect":
                {"status": 301, "scheme": "https", "host": "shop.example", "port": 8443, "path": "/new?token=abc"},
            "route": {"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 2, "match": 0},
        })
    );
}

#[test]
fn a_reply_that_was_due_is_a_match_without_upstreams() {
    let line = decision(&samples::not_found());
    assert_eq!(line["upstreams"], json!([]));
    assert_eq!(line["response"], json!({"status": 404, "origin": "gateway"}));
    assert_eq!(line["expected"], json!({"action": "respond", "status": 404}));
    assert_eq!(line["verdict"], "match");
}

#[test]
fn what_is_not_known_is_null() {
    let line = decision(&samples::undecided());
    for field in [
        "downstream",
        "request",
        "response",
        "expected",
        "listener",
        "generation",
        "observed_route",
    ] {
        assert_eq!(line.get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(
        (&line["verdict"], &line["reason"]),
        (&json!("inconclusive"), &json!("unpaired"))
    );
}

#[test]
fn every_attempt_is_written_in_order() {
    let line = decision(&samples::retried());
    let attempts = line["upstreams"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(
        (&attempts[0]["request"], attempts[0].get("status")),
        (&Value::Null, None)
    );
    assert_eq!(
        (&attempts[0]["purpose"], &attempts[1]["purpose"]),
        (&json!("forward"), &json!("retry"))
    );
    assert_eq!(attempts[1]["address"], "10.0.0.2:8080");
}

#[test]
fn without_a_gateway_there_is_no_verdict() {
    let finished = Finished {
        gateway: None,
        decision: None,
        judgement: None,
        ..samples::matched()
    };
    let line = decision(&finished);
    for field in ["gateway", "expected", "verdict", "reason"] {
        assert_eq!(line.get(field), Some(&Value::Null), "{field}");
    }
}

#[test]
fn bytes_that_are_no_text_are_marked() {
    let request = head("/caf\u{e9}", &[("x-name", b"caf\xe9")]);
    let line = decision(&Finished {
        request: Some(request),
        ..samples::matched()
    });
    assert_eq!(line["request"]["headers"], json!([["x-name", "caf\u{fffd}"]]));
    assert_eq!(line["request"]["path"], "/caf\u{e9}");
    assert_eq!(line["request"]["lossy"], true);
    assert_eq!(decision(&samples::matched())["request"].get("lossy"), None);
}

#[test]
fn what_could_not_be_read_of_a_request_is_named() {
    let unknown = gwobs_http::Unknown {
        authority: true,
        path: false,
        fields: 2,
    };
    let partial = gwobs_http::RequestHead {
        authority: None,
        unknown,
        ..head("/", &[])
    };
    let line = decision(&Finished {
        request: Some(partial),
        ..samples::matched()
    });
    assert_eq!(line["request"]["authority"], Value::Null);
    assert_eq!(line["request"]["unknown"], serde_json::json!(["authority", "headers"]));
    assert_eq!(decision(&samples::matched())["request"].get("unknown"), None);
}

#[test]
fn a_grpc_status_is_told_where_there_is_one() {
    let mut finished = samples::not_found();
    assert_eq!(decision(&finished)["response"].get("grpc_status"), None);
    finished.response.as_mut().unwrap().grpc_status = Some(12);
    assert_eq!(decision(&finished)["response"]["grpc_status"], 12);
}

#[test]
fn connect_has_no_path_and_asterisk_is_kept() {
    let connect = gwobs_http::RequestHead {
        path: None,
        method: Bytes::from_static(b"CONNECT"),
        ..head("/", &[])
    };
    let line = decision(&Finished {
        request: Some(connect),
        ..samples::matched()
    });
    assert_eq!(line["request"]["path"], Value::Null);
    let options = decision(&Finished {
        request: Some(head("*", &[])),
        ..samples::matched()
    });
    assert_eq!(options["request"]["path"], "*");
}

#[test]
fn repeated_headers_are_kept_in_order() {
    let request = head("/", &[("accept", b"a"), ("x-tenant", b"blue"), ("accept", b"b")]);
    let line = decision(&Finished {
        request: Some(request),
        ..samples::matched()
    });
    assert_eq!(
        line["request"]["headers"],
        json!([["accept", "a"], ["x-tenant", "blue"], ["accept", "b"]])
    );
}

#[test]
fn protocol_and_server_name_are_written() {
    let mut finished = samples::matched();
    let downstream = finished.downstream.as_mut().unwrap();
    downstream.protocol = ClientProtocol::Http(Version::H2);
    (downstream.tls, downstream.sni) = (true, Some("shop.example".into()));
    let line = decision(&finished);
    assert_eq!(line["downstream"]["protocol"], "h2");
    assert_eq!(
        (&line["downstream"]["tls"], &line["downstream"]["sni"]),
        (&json!(true), &json!("shop.example"))
    );
}

fn filtered() -> Finished {
    let forwarded = Forwarded {
        authority: Some("inner.example".into()),
        path: Some("/items?page=2&token=abc".into()),
        headers_set: vec![("cookie".into(), "id=1,extra".into()), ("x-env".into(), "prod".into())],
        headers_removed: vec!["x-debug".into()],
    };
    let Action::Forward { mut backends, .. } = forward("api") else {
        unreachable!("forward forwards")
    };
    backends[0].forwarded = Some(forwarded.clone());
    let mirrors = vec![MirrorTarget {
        backend: service("shadow"),
        percent: 12.5,
    }];
    let action = Action::Forward {
        backends,
        forwarded,
        mirrors,
        may_answer_itself: false,
    };
    Finished {
        decision: Some(samples::decision(None, action)),
        ..samples::matched()
    }
}

#[test]
fn what_filters_must_do_is_part_of_the_expectation() {
    let due = json!({
        "authority": "inner.example",
        "path": "/items?page=2&token=abc",
        "headers_set": {"cookie": "id=1,extra", "x-env": "prod"},
        "headers_removed": ["x-debug"],
    });
    let expected = &decision(&filtered())["expected"];
    assert_eq!(expected["forwarded"], due);
    assert_eq!(expected["backends"][0]["forwarded"], due);
    assert_eq!(
        expected["mirrors"],
        json!([{"backend": "shop/shadow:8080", "percent": 12.5}])
    );
}

#[test]
fn values_that_no_route_matches_are_redacted_everywhere() {
    let redaction = || Redaction::all_but(["x-tenant".into()], ["page".into()]);
    let line = render(&Report::Decision(&filtered()), redaction());
    assert_eq!(
        line["request"]["headers"],
        json!([["x-tenant", "blue"], ["cookie", "[redacted]"]])
    );
    assert_eq!(line["request"]["path"], "/api/items?page=2&token=[redacted]");
    assert_eq!(
        line["upstreams"][0]["request"]["headers"],
        json!([["x-tenant", "blue"]])
    );
    let forwarded = &line["expected"]["forwarded"];
    assert_eq!(forwarded["path"], "/items?page=2&token=[redacted]");
    assert_eq!(
        forwarded["headers_set"],
        json!({"cookie": "[redacted]", "x-env": "prod"})
    );
    let redirect = render(&Report::Decision(&samples::redirected()), redaction());
    assert_eq!(redirect["expected"]["redirect"]["path"], "/new?token=[redacted]");
}

#[test]
fn nothing_of_a_redacted_request_leaks() {
    let secret = "s3cr3t";
    let request = head(
        "/a?key=s3cr3t&s3cr3t",
        &[("authorization", b"s3cr3t"), ("cookie", b"a=s3cr3t")],
    );
    let mut finished = Finished {
        request: Some(request.clone()),
        ..samples::matched()
    };
    finished.upstreams[0].request = Some(request);
    finished.response = Some(Response {
        head: samples::answer(200),
        ..finished.response.unwrap()
    });
    let line = Jsonl::new(Redaction::all_but([], [])).render(&Report::Decision(&finished), &CLOCK);
    assert!(!String::from_utf8(line).unwrap().contains(secret));
}

#[test]
fn ready_names_processes_and_probes() {
    let ready = Ready {
        time: Timestamp(0),
        processes: vec![ObservedProcess {
            pid: 42,
            name: "envoy".into(),
            data_plane: DataPlane::Envoy,
        }],
        probes: vec!["sock_recv_length".into()],
    };
    assert_eq!(
        render(&Report::Ready(&ready), Redaction::off()),
        json!({
            "type": "ready",
            "time": "2026-09-21T14:13:20.000000Z",
            "processes": [{"pid": 42, "name": "envoy", "data_plane": "envoy"}],
            "probes": ["sock_recv_length"],
        })
    );
}

#[test]
fn losses_are_counted_by_reason() {
    let lost = LostReport {
        since: Timestamp(0),
        time: Timestamp(1_000_000_000),
        counts: [("ring_buffer_full", 7)].into_iter().collect(),
    };
    assert_eq!(
        render(&Report::Lost(&lost), Redaction::off()),
        json!({
            "type": "lost",
            "time": "2026-09-21T14:13:21.000000Z",
            "since": "2026-09-21T14:13:20.000000Z",
            "reasons": {"ring_buffer_full": 7},
        })
    );
}

#[test]
fn the_summary_counts_by_verdict_and_reason() {
    let summary = Summary {
        started: Timestamp(0),
        time: Timestamp(2_000_000_000),
        finished: 10,
        open: 1,
        unjudged: 0,
        matched: 7,
        mismatched: [(Mismatch::WrongBackend, 2)].into_iter().collect(),
        inconclusive: [(Inconclusive::Unpaired, 1)].into_iter().collect(),
        events: 80,
        lost: [("ring_buffer_full", 7)].into_iter().collect(),
        handshake_failures: [(
            HandshakeFailure {
                side: Role::Accepted,
                reason: "unknown_ca",
            },
            3,
        )]
        .into_iter()
        .collect(),
    };
    assert_eq!(
        render(&Report::Summary(&summary), Redaction::off()),
        json!({
            "type": "summary",
            "time": "2026-09-21T14:13:22.000000Z",
            "started": "2026-09-21T14:13:20.000000Z",
            "finished": 10,
            "open": 1,
            "verdicts": {"match": 7, "mismatch": 2, "inconclusive": 1},
            "reasons": {"wrong_backend": 2, "unpaired": 1},
            "events": 80,
            "lost": {"ring_buffer_full": 7},
            "coverage": 0.9,
            "tls_handshake_failures": {"downstream": {"unknown_ca": 3}},
        })
    );
}

#[test]
fn coverage_of_nothing_is_not_a_number() {
    assert_eq!(
        render(&Report::Summary(&Summary::default()), Redaction::off())["coverage"],
        Value::Null
    );
    assert_eq!(object("a", "b").to_string(), "a/b");
}

#[test]
fn a_weight_skew_has_the_numbers_and_says_them() {
    let weighed = samples::weighed(WeightNews::Skewed);
    assert_eq!(
        render(&Report::WeightSkew(&weighed), Redaction::off()),
        json!({
            "type": "weight_skew",
            "time": "2026-09-21T14:13:20.003500Z",
            "gateway": "infra/web",
            "route": {"kind": "HTTPRoute", "namespace": "shop", "name": "api", "rule": 0},
            "skewed": true,
            "text": "expected 90/10, observed 50/50 over 400 requests, which fits an equal split",
            "requests": 400,
            "unknown": 3,
            "outside": 0,
            "backends": [
                {"backend": "shop/api:8080", "expected": 0.9, "observed": 0.5, "requests": 200},
                {"backend": "shop/canary:8080", "expected": 0.1, "observed": 0.5, "requests": 200},
            ],
        })
    );
}

#[test]
fn weights_that_are_merely_watched_are_no_line() {
    let weighed = samples::weighed(|_| WeightNews::Watched);
    let line = Jsonl::new(Redaction::off()).render(&Report::WeightSkew(&weighed), &CLOCK);
    assert!(line.is_empty());
}
