//! Dashboards and alerts: well-formed, and about metrics that exist.

use std::collections::BTreeSet;

use serde_json::Value;

use super::deploy;
use super::manifest::documents;

/// The metrics of the public interface, without suffixes.
const METRICS: [&str; 22] = [
    "gwobs_backend_requests",
    "gwobs_backend_weight_expected_ratio",
    "gwobs_build_info",
    "gwobs_certificate_not_after_seconds",
    "gwobs_certificate_stale",
    "gwobs_convergence_seconds",
    "gwobs_coverage_ratio",
    "gwobs_crd_info",
    "gwobs_cross_namespace_reference",
    "gwobs_decisions",
    "gwobs_events",
    "gwobs_events_lost",
    "gwobs_misroutes",
    "gwobs_object_condition",
    "gwobs_pairing",
    "gwobs_reference_grant_changes",
    "gwobs_requests",
    "gwobs_ungranted_denied",
    "gwobs_ungranted_requests",
    "gwobs_unsupported_feature",
    "gwobs_weight_skew_detected",
    // recorded, not exported
    "gwobs",
];

fn dashboard() -> Value {
    let text = std::fs::read_to_string(deploy().join("grafana/gwobs-routing.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The names in a query that begin like a metric of gwobs; of recorded ones what stands before the colon.
fn metrics(query: &str) -> BTreeSet<&str> {
    let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| *word == "gwobs" || word.starts_with("gwobs_"));
    names
        .map(|name| name.trim_end_matches("_total").trim_end_matches("_bucket"))
        .collect()
}

fn assert_known(place: &str, query: &str) {
    let named = metrics(query);
    assert!(!named.is_empty(), "{place} asks nothing of gwobs: {query}");
    for name in named {
        assert!(METRICS.contains(&name), "{place} asks for {name}, which nobody exports");
    }
}

#[test]
fn panels_ask_for_metrics_that_exist() {
    let dashboard = dashboard();
    let mut queries = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().into_iter().flatten() {
            assert_known(title, target["expr"].as_str().unwrap());
            queries += 1;
        }
    }
    assert!(queries > 20, "{queries}");
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        if variable["type"] == "query" {
            assert_known("a variable", variable["definition"].as_str().unwrap());
        }
    }
}

#[test]
fn rules_ask_for_metrics_that_exist() {
    let text = std::fs::read_to_string(deploy().join("prometheus/gwobs.rules.yaml")).unwrap();
    for group in documents(&text).remove(0)["groups"].as_array().unwrap() {
        for rule in group["rules"].as_array().unwrap() {
            let name = rule.get("alert").or(rule.get("record")).unwrap();
            assert_known(name.as_str().unwrap(), rule["expr"].as_str().unwrap());
        }
    }
}

#[test]
fn panels_do_not_overlap() {
    let dashboard = dashboard();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()));
        let at = |name: &str| panel["gridPos"][name].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies over another panel", panel["title"]);
            }
        }
    }
}
