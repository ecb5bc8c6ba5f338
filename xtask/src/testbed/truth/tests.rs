use super::*;
use crate::testbed::traffic::get;
use serde_json::json;

const V1: &str = "127.0.0.1:1001";
const V2: &str = "127.0.0.2:1002";

/// A request due to v1 that was answered by `backend`.
fn exchange(id: &str, backend: &str, endpoint: &str) -> Exchange {
    let case = get("/api").due("v1");
    let answer = Answer {
        status: 200,
        backend: Some(backend.to_owned()),
        endpoint: Some(endpoint.to_owned()),
        echo: None,
        location: None,
        body_bytes: 0,
    };
    Exchange {
        id: id.to_owned(),
        request: case.request,
        due: case.due,
        answer: Ok(answer),
    }
}

fn claim(id: &str, verdict: &str, reason: &str, upstream: &str) -> Decision {
    Decision(json!({
        "verdict": verdict, "reason": reason,
        "request": {"path": "/api", "headers": [["x-client-request-id", id]]},
        "upstreams": [{"address": upstream, "purpose": "forward"}],
    }))
}

/// One right answer, one misroute.
fn exchanges() -> [Exchange; 2] {
    [exchange("a", "v1", V1), exchange("b", "v2", V2)]
}

fn right() -> Vec<Decision> {
    vec![claim("a", "match", "", V1), claim("b", "mismatch", "wrong_backend", V2)]
}

/// Compares and says which kinds of disagreement were found.
fn kinds(decisions: &[Decision]) -> Vec<&'static str> {
    let found = compare(&exchanges(), decisions);
    let kinds = [
        ("false", found.false_mismatches.len()),
        ("missed", found.missed.len()),
        ("upstream", found.wrong_upstream.len()),
        ("duplicate", found.duplicates.len()),
        ("absent", found.absent.len()),
        ("foreign", found.foreign.len()),
        ("undecided", found.undecided.values().sum()),
    ];
    assert_eq!(
        found.assert_exact().is_ok(),
        kinds.iter().all(|(_, count)| *count == 0),
        "{kinds:?}"
    );
    kinds
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, _)| kind)
        .collect()
}

#[test]
fn what_is_right_passes() {
    assert_eq!(kinds(&right()), [""; 0]);
}

#[test]
fn every_disagreement_is_found() {
    let with = |index: usize, decision: Decision| {
        let mut decisions = right();
        decisions[index] = decision;
        decisions
    };
    let and = |decision: Decision| [right(), vec![decision]].concat();
    assert_eq!(kinds(&with(0, claim("a", "mismatch", "wrong_backend", V1))), ["false"]);
    assert_eq!(kinds(&with(1, claim("b", "match", "", V2))), ["missed"]);
    assert_eq!(
        kinds(&with(1, claim("b", "mismatch", "wrong_backend", V1))),
        ["upstream"]
    );
    assert_eq!(
        kinds(&with(0, claim("a", "inconclusive", "unpaired", V1))),
        ["undecided"]
    );
    assert_eq!(kinds(&and(claim("a", "match", "", V1))), ["duplicate"]);
    assert_eq!(kinds(&and(claim("c", "match", "", V1))), ["foreign"]);
    assert_eq!(kinds(&right()[..1]), ["absent"]);
}

/// Two requests alike, one of them misrouted: which one is not known, and need not be.
#[test]
fn of_interchangeable_requests_only_the_counts_are_claimed() {
    let swapped = |first: &str, second: &str| {
        let mut decisions = vec![claim("a", first, "", V2), claim("b", second, "", V1)];
        for decision in &mut decisions {
            decision.0["pairing"] = json!({"evidence": ["interchangeable"]});
        }
        compare(&exchanges(), &decisions).assert_exact().is_ok()
    };
    assert!(swapped("mismatch", "match"));
    assert!(!swapped("mismatch", "mismatch"));
    assert!(!swapped("match", "match"));
}

#[test]
fn one_in_a_thousand_may_be_undecided_but_not_without_a_reason() -> Result<()> {
    let exchanges: Vec<Exchange> = (0..1000)
        .map(|index| exchange(&format!("r{index}"), "v1", V1))
        .collect();
    let mut decisions: Vec<Decision> = exchanges
        .iter()
        .map(|exchange| claim(&exchange.id, "match", "", V1))
        .collect();
    decisions[7] = claim("r7", "inconclusive", "lost_events", V1);
    compare(&exchanges, &decisions).assert_exact()?;
    decisions[7] = claim("r7", "inconclusive", "", V1);
    assert!(compare(&exchanges, &decisions).assert_exact().is_err());
    decisions[7] = claim("r7", "inconclusive", "lost_events", V1);
    decisions[8] = claim("r8", "inconclusive", "lost_events", V1);
    assert!(compare(&exchanges, &decisions).assert_exact().is_err());
    Ok(())
}

#[test]
fn ids_are_found_in_the_query_too() {
    let decision = Decision(json!({"request": {"path": "/a?x=1&testbed-id=r5", "headers": []}}));
    assert_eq!(decision.id(), Some("r5"));
}
