use gwobs_route::Action;
use prometheus_client::encoding::text::encode;

use super::*;
use crate::finished::Response;
use crate::output::samples;
use crate::specs::{InForce, load_text};

/// A route of rule 0, of which the samples speak, with a backend in another namespace.
const SPECS: &str = r"
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: api, namespace: shop}
spec: {rules: [{backendRefs: [{name: pay, namespace: other, port: 80}]}, {backendRefs: [{name: own, port: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: pay, namespace: other}
spec: {ports: [{port: 80}]}
";

const GRANT: &str = r"
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: routes, namespace: other}
spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}], to: [{group: '', kind: Service}]}
";

fn refused(rule: u16) -> Finished {
    let action = Action::Respond {
        status: REFUSED,
        grpc_status: None,
    };
    Finished {
        upstreams: Vec::new(),
        response: Some(Response {
            head: samples::answer(REFUSED),
            origin: Origin::Gateway,
            grpc_status: None,
        }),
        decision: Some(samples::decision(Some(samples::route(rule, None)), action)),
        ..samples::matched()
    }
}

fn scrape(specs: &str, finished: &[Finished]) -> String {
    let mut registry = Registry::default();
    let mut grants = Grants::register(registry.sub_registry_with_prefix("gwobs"), 10);
    let mut in_force = InForce::new(None);
    in_force.take(load_text("specs.yaml", specs).expect("specs"), 0);
    grants.specs(in_force.snapshot());
    finished.iter().for_each(|finished| grants.finished(finished));
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    text
}

#[test]
fn what_is_refused_for_want_of_a_grant_is_counted() {
    let text = scrape(SPECS, &[refused(0), refused(0), refused(1), samples::matched()]);
    let line = r#"gwobs_ungranted_denied_total{gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="0"} 2"#;
    assert!(text.lines().any(|own| own == line), "{text}");
    assert!(!text.contains(r#"rule="1""#), "a rule without such a backend: {text}");
}

#[test]
fn with_a_grant_a_500_is_something_else() {
    let text = scrape(&format!("{SPECS}{GRANT}"), &[refused(0)]);
    let line = r#"gwobs_ungranted_denied_total{gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="0"} 0"#;
    assert!(text.lines().any(|own| own == line), "there before it counts: {text}");
}

#[test]
fn what_flows_without_a_grant_is_counted() {
    let mut flowing = samples::mismatched();
    if let Some(judgement) = &mut flowing.judgement {
        judgement.verdict = Verdict::Mismatch(Mismatch::NoReferenceGrant);
    }
    let text = scrape(SPECS, &[flowing, samples::mismatched()]);
    let line = r#"gwobs_ungranted_requests_total{gateway_namespace="infra",gateway="web",route_namespace="shop",route="api",rule="v2"} 1"#;
    assert!(text.lines().any(|own| own == line), "{text}");
}
