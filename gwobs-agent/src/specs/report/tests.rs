use super::{MAX_TOLD, Report};
use crate::specs::load_text;

fn report(text: &str) -> Report {
    Report::of(&load_text("m.yaml", text).expect("YAML"))
}

#[test]
fn kinds_that_are_wholly_absent_are_told_if_something_needs_them() {
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, spec: {}}";
    assert_eq!(
        report(route).assumed,
        ["GatewayClass", "Namespace", "Service", "EndpointSlice"]
    );
    let https = "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g}, spec: {gatewayClassName: c, \
                 listeners: [{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: s}]}}]}}";
    assert!(report(https).assumed.contains(&"Secret"));
    assert!(!report(https).assumed.contains(&"ConfigMap"));
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: ns}}";
    assert!(
        !report(&format!("{route}\n---\n{namespace}"))
            .assumed
            .contains(&"Namespace")
    );
}

#[test]
fn one_line_for_each_matter() {
    let report = report(
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: x}]}}\n---\n\
         {apiVersion: apps/v1, kind: Deployment, metadata: {name: d}}\n---\n\
         {apiVersion: example.com/v1, kind: Policy, metadata: {name: p}}\n",
    );
    let warnings = report.warnings();
    assert_eq!(warnings.len(), 5);
    assert_eq!(warnings[2], "objects that do not fit their type and are not used: 1");
    assert_eq!(warnings[3], "objects of kinds that are not understood: Policy (1)");
    assert_eq!(
        report.notes()[1],
        "objects of kinds that routing does not depend on: Deployment (1)"
    );
}

#[test]
fn many_findings_are_counted() {
    let text = "{apiVersion: example.com/v1, kind: Policy, metadata: {name: NAME}}\n---\n";
    let text: String = (0..MAX_TOLD + 3)
        .map(|i| text.replace("NAME", &format!("p{i}")))
        .collect();
    let warnings = report(&text).warnings();
    assert_eq!(warnings[MAX_TOLD], "… and 3 more findings");
}
