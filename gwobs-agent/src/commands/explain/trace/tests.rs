use serde_json::json;

use super::Trace;
use crate::commands::explain::tests::snapshot;
use crate::commands::explain::{Answer, Question, decide};

fn trace(path: &str) -> String {
    let snapshot = snapshot();
    let line = json!({"gateway": "infra/web", "host": "shop.example", "path": path, "headers": {"x-new": "1"}});
    let question = Question::parse(&line.to_string()).expect("answerable");
    let (decision, considered) = decide(&question, &snapshot);
    let answer = Answer::new(&question, &decision, &considered, &snapshot);
    Trace {
        question: &question,
        answer: &answer,
    }
    .to_string()
}

#[test]
fn a_forward() {
    insta::assert_snapshot!(trace("/cart/7"), @r"
    GET shop.example/cart/7
      x-new: 1
    at Gateway infra/web, port 80, listener http

    must be forwarded, by HTTPRoute shop/cart rule 0 (new) match 0
      to shop/v2:80       weight 9 (90.0 %)
      to shop/missing:80  weight 1 (10.0 %): invalid (BackendNotFound), its share is answered with 500
      a copy to shop/copy:80 (10.0 %)

    the backend receives
      GET cart.internal/v2/7
      x-from: gw  (set)
      x-secret  (removed)

    in the response
      a: b  (set)
      c: d  (added)
      e  (removed)

    what came into question
      ✔ HTTPRoute shop/cart rule 0 (new) match 0  wins
      ✘ HTTPRoute shop/cart rule 1 match 0        matches too, but ranks lower by headers
      ✘ HTTPRoute shop/cart rule 2 match 0        the path does not match
    ");
}

#[test]
fn a_redirect() {
    insta::assert_snapshot!(trace("/old"), @r"
    GET shop.example/old
      x-new: 1
    at Gateway infra/web, port 80, listener http

    must be redirected with status 301 to http://new.example/old, by HTTPRoute shop/cart rule 2 match 0

    what came into question
      ✔ HTTPRoute shop/cart rule 2 match 0        wins
      ✘ HTTPRoute shop/cart rule 0 (new) match 0  the path does not match
      ✘ HTTPRoute shop/cart rule 1 match 0        the path does not match
    ");
}

#[test]
fn no_rule() {
    insta::assert_snapshot!(trace("/nothing"), @r"
    GET shop.example/nothing
      x-new: 1
    at Gateway infra/web, port 80, listener http

    must be answered by the gateway itself with status 404: no rule matches

    what came into question
      ✘ HTTPRoute shop/cart rule 0 (new) match 0  the path does not match
      ✘ HTTPRoute shop/cart rule 1 match 0        the path does not match
      ✘ HTTPRoute shop/cart rule 2 match 0        the path does not match
    ");
}
