use gwobs_route::{Action, BackendChoice, BackendName, Endpoints};
use prometheus_client::encoding::text::encode;

use super::*;
use crate::finished::Response;
use crate::output::samples;

/// A request that was answered 500, by a rule whose only backend is in this namespace.
fn refused(namespace: &str, invalid: Option<InvalidBackend>) -> Finished {
    let backend = BackendChoice {
        backend: BackendName {
            service: samples::object(namespace, "pay"),
            port: 80,
        },
        weight: 1,
        invalid,
        forwarded: None,
        redirect: None,
        endpoints: Endpoints::Ready,
    };
    let action = Action::Respond {
        status: REFUSED,
        grpc_status: None,
        backends: vec![backend],
    };
    Finished {
        upstreams: Vec::new(),
        response: Some(Response {
            head: samples::answer(REFUSED),
            origin: Origin::Gateway,
            grpc_status: None,
        }),
        decision: Some(samples::decision(Some(samples::route(0, None)), action)),
        ..samples::matched()
    }
}

fn scrape(finished: &[Finished]) -> String {
    let mut registry = Registry::default();
    let mut grants = Grants::register(registry.sub_registry_with_prefix("gwobs"), 10);
    finished.iter().for_each(|finished| grants.finished(finished));
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    text
}

fn denied(text: &str) -> Option<&str> {
    let series = r#"gwobs_ungranted_denied_total{gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="0"} "#;
    text.lines().find_map(|line| line.strip_prefix(series))
}

#[test]
fn what_is_refused_for_want_of_a_grant_is_counted() {
    let refused = refused("other", Some(InvalidBackend::NotPermitted));
    let text = scrape(&[refused.clone(), refused, samples::matched()]);
    assert_eq!(denied(&text), Some("2"), "{text}");
}

#[test]
fn a_500_of_another_reason_is_something_else() {
    let text = scrape(&[refused("other", None), refused("other", Some(InvalidBackend::NotFound))]);
    assert_eq!(denied(&text), Some("0"), "there before it counts: {text}");
    let text = scrape(&[refused("shop", Some(InvalidBackend::NotFound))]);
    assert_eq!(denied(&text), None, "a rule without such a backend: {text}");
}

#[test]
fn what_flows_without_a_grant_is_counted() {
    let mut flowing = samples::mismatched();
    if let Some(judgement) = &mut flowing.judgement {
        judgement.verdict = Verdict::Mismatch(Mismatch::NoReferenceGrant);
    }
    let text = scrape(&[flowing, samples::mismatched()]);
    let line = r#"gwobs_ungranted_requests_total{gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="v2"} 1"#;
    assert!(text.lines().any(|own| own == line), "{text}");
}
