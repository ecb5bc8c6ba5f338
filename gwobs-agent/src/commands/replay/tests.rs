use gwobs_route::ObjectName;
use serde_json::{Value, json};

use super::compare::{Comparison, Place};
use super::replay;
use crate::cli::{Output, PortPair};
use crate::specs::load_text;

/// The Gateway on port 80, `/` to `old`, `/cart` with `x-env: canary` to `new`, `/v1` with `?beta=1` to `new`, `/go` redirected.
const MANIFESTS: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: c
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec:
  parentRefs: [{name: web, namespace: infra}]
  rules:
  - backendRefs: [{name: old, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /cart}, headers: [{name: x-env, value: canary}]}]
    backendRefs: [{name: new, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /v1}, queryParams: [{name: beta, value: '1'}]}]
    backendRefs: [{name: new, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /go}}]
    filters: [{type: RequestRedirect, requestRedirect: {scheme: https, statusCode: 301}}]
";

/// A decision as `observe` writes it: `/` with these headers went to this backend.
fn record(path: &str, headers: &Value, backend: &str) -> Value {
    json!({
        "type": "decision", "id": "1", "time": "2026-01-01T00:00:00Z", "gateway": "infra/web", "listener": "http",
        "downstream": {"peer": "127.0.0.1:4000", "local": "127.0.0.1:10080", "protocol": "http/1.1", "tls": false},
        "request": {"method": "GET", "authority": "shop.test", "path": path, "headers": headers},
        "upstreams": [{"address": "127.0.0.1:9000", "backend": backend, "purpose": "forward", "status": 200}],
        "response": {"status": 200, "origin": "upstream"},
        "expected": null, "verdict": null
    })
}

/// The same, answered by the gateway itself.
fn reply(path: &str, status: u16) -> Value {
    let mut record = record(path, &json!([]), "");
    record["upstreams"] = json!([]);
    record["response"] = json!({"status": status, "origin": "gateway"});
    record
}

fn at(gateway: Option<&str>, ports: &[(u16, u16)]) -> Place {
    Place {
        gateway: gateway.map(|name| ObjectName {
            namespace: "infra".into(),
            name: name.into(),
        }),
        ports: ports
            .iter()
            .map(|&(listener, local)| PortPair { listener, local })
            .collect(),
    }
}

/// Every line of the answer; the last is the summary.
fn replayed(text: &str, place: Place) -> Vec<Value> {
    let mut objects = gwobs_route::Objects::new(None);
    for object in load_text("m.yaml", MANIFESTS).unwrap().objects {
        objects.apply(object, 0);
    }
    let snapshot = objects.snapshot();
    let mut out = Vec::new();
    replay(
        text.as_bytes(),
        &Comparison::new(&snapshot, place),
        Output::Jsonl,
        &mut out,
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// `same`, `elsewhere`, or the reason why it cannot be told.
fn outcome(record: &Value) -> String {
    outcome_at(record, at(None, &[]))
}

fn outcome_at(record: &Value, place: Place) -> String {
    let summary = replayed(&format!("{record}\n"), place).pop().unwrap();
    assert_eq!(summary["decisions"], 1, "{summary}");
    let undecidable = summary["undecidable"].as_object().unwrap().keys().next().cloned();
    let told = ["same", "elsewhere"].into_iter().find(|name| summary[*name] == 1);
    undecidable.unwrap_or_else(|| told.unwrap().to_owned())
}

#[test]
fn requests_that_were_forwarded() {
    let canary = json!([["x-env", "canary"]]);
    let cases = [
        ("/", json!([]), "shop/old:80", "same"),
        ("/", json!([]), "shop/new:80", "elsewhere"),
        ("/cart", canary.clone(), "shop/new:80", "same"),
        ("/cart", canary, "shop/old:80", "elsewhere"),
        ("/cart", json!([["x-env", "Canary"]]), "shop/old:80", "same"),
        ("/go", json!([]), "shop/old:80", "elsewhere"),
    ];
    for (path, headers, backend, expected) in cases {
        assert_eq!(
            outcome(&record(path, &headers, backend)),
            expected,
            "{path} {headers} {backend}"
        );
    }
}

#[test]
fn replies_of_the_gateway() {
    let cases = [
        ("/go", 301, "same"),
        ("/go", 302, "elsewhere"),
        ("/", 404, "elsewhere"),
        ("/", 401, "gateway_reply"),
    ];
    for (path, status, expected) in cases {
        assert_eq!(outcome(&reply(path, status)), expected, "{path} {status}");
    }
}

#[test]
fn what_was_redacted_is_not_guessed() {
    let hidden = json!([["x-env", "[redacted]"], ["authorization", "[redacted]"]]);
    // A match of `/cart` looks at the header, one of `/` does not.
    assert_eq!(outcome(&record("/cart", &hidden, "shop/old:80")), "redacted");
    assert_eq!(outcome(&record("/", &hidden, "shop/old:80")), "same");
    assert_eq!(
        outcome(&record("/v1?beta=[redacted]", &json!([]), "shop/old:80")),
        "redacted"
    );
    assert_eq!(
        outcome(&record("/v1?[redacted]", &json!([]), "shop/old:80")),
        "redacted"
    );
    assert_eq!(
        outcome(&record("/v1?other=[redacted]", &json!([]), "shop/old:80")),
        "same"
    );
}

#[test]
fn an_upstream_that_nobody_knows_is_no_proof() {
    let mut unknown = record("/", &json!([]), "");
    unknown["upstreams"][0].as_object_mut().unwrap().remove("backend");
    assert_eq!(outcome(&unknown), "unknown_upstream");
}

#[test]
fn what_was_not_seen_is_undecidable() {
    let without = |field: &str| {
        let mut record = record("/", &json!([]), "shop/old:80");
        record[field] = Value::Null;
        outcome(&record)
    };
    assert_eq!(without("request"), "no_request");
    assert_eq!(without("gateway"), "no_gateway");
    let mut unpaired = record("/", &json!([]), "shop/old:80");
    unpaired["upstreams"] = json!([]);
    assert_eq!(outcome(&unpaired), "unpaired");
}

#[test]
fn another_gateway_and_port_than_recorded() {
    let mut old = record("/", &json!([]), "shop/old:80");
    old["gateway"] = Value::Null;
    old["listener"] = Value::Null;
    assert_eq!(outcome_at(&old, at(Some("web"), &[])), "no_listener");
    assert_eq!(outcome_at(&old, at(Some("web"), &[(80, 10080)])), "same");
}

#[test]
fn lines_of_all_sorts() {
    let decision = record("/", &json!([]), "shop/new:80");
    let long = format!("{{\"type\":\"decision\",\"id\":\"{}\"}}", "x".repeat(1 << 20));
    let text = format!(
        "{{\"type\":\"ready\"}}\n\n{decision}\nno json\n{{\"type\":\"decision\",\"request\":7}}\n{long}\n{decision}"
    );
    let lines = replayed(&text, at(None, &[]));
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!(lines[0]["type"], "elsewhere");
    assert_eq!(lines[0]["observed"], json!({"backend": "shop/new:80"}));
    assert_eq!(lines[0]["expected_now"]["backends"][0]["backend"], "shop/old:80");
    let summary = &lines[2];
    assert_eq!(
        (&summary["decisions"], &summary["elsewhere"], &summary["malformed"]),
        (&json!(2), &json!(2), &json!(3))
    );
    assert_eq!(summary["changes"][0]["requests"], 2);
}
