use serde_json::{Value, json};

use super::Answer;
use crate::commands::explain::tests::snapshot;
use crate::commands::explain::{Question, decide};

fn answer(path: &str, headers: &Value) -> Value {
    let snapshot = snapshot();
    let line = json!({"id": "q", "gateway": "infra/web", "host": "shop.example", "path": path, "headers": headers});
    let question = Question::parse(&line.to_string()).expect("answerable");
    let (decision, considered) = decide(&question, &snapshot);
    json!(Answer::new(&question, &decision, &considered, &snapshot))
}

#[test]
fn a_forward_with_filters() {
    let answer = answer("/cart/7?x=1", &json!({"x-new": "1", "x-secret": "s"}));
    assert_eq!(answer["id"], "q");
    assert_eq!(
        (&answer["action"], &answer["status"]),
        (&json!("forward"), &Value::Null)
    );
    assert_eq!(
        answer["route"],
        json!({"kind": "HTTPRoute", "namespace": "shop", "name": "cart", "rule": 0, "match": 0, "rule_name": "new"})
    );
    assert_eq!(
        answer["backends"],
        json!([{"backend": "shop/v2:80", "weight": 9}, {"backend": "shop/missing:80", "weight": 1, "invalid": "BackendNotFound"}])
    );
    assert_eq!(
        answer["forwarded"],
        json!({"authority": "cart.internal", "method": "GET", "path": "/v2/7?x=1", "headers_set": {"x-from": "gw"},
               "headers_removed": ["x-secret"]})
    );
    assert_eq!(answer["mirrors"], json!([{"backend": "shop/copy:80", "percent": 10.0}]));
    assert_eq!(answer["response_headers"], json!({"a": "b"}));
    assert_eq!(answer["response_headers_added"], json!({"c": "d"}));
    assert_eq!(answer["response_headers_removed"], json!(["e"]));
}

#[test]
fn every_candidate_with_why_it_lost_the_winner_first() {
    let answer = answer("/cart", &json!({"x-new": "1"}));
    let seen: Vec<_> = answer["considered"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["route"].as_str(), one["rule"].as_u64(), one["lost_by"].as_str()))
        .collect();
    let cart = Some("shop/cart");
    assert_eq!(
        seen,
        [
            (cart, Some(0), None),
            (cart, Some(1), Some("outranked:headers")),
            (cart, Some(2), Some("path"))
        ]
    );
}

#[test]
fn a_redirect() {
    let answer = answer("/old/x?y", &json!({}));
    assert_eq!(
        (&answer["action"], &answer["status"]),
        (&json!("redirect"), &json!(301))
    );
    assert_eq!(
        answer["redirect"],
        json!({"status": 301, "scheme": "http", "host": "new.example", "port": null, "path": "/old/x?y"})
    );
    assert_eq!((&answer["backends"], &answer["forwarded"]), (&json!([]), &Value::Null));
}

#[test]
fn a_reply_of_the_gateway_itself() {
    let answer = answer("/nothing", &json!({}));
    assert_eq!((&answer["action"], &answer["status"]), (&json!("respond"), &json!(404)));
    assert_eq!((&answer["route"], &answer["listener"]), (&Value::Null, &json!("http")));
}
