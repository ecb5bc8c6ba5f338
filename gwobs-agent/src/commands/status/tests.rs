//! Predictions from objects as people write them; the conformance suite has the breadth, these have the words.

use gwobs_route::status::{ObjectStatus, predict};
use serde_json::{Value, json};

use super::row::Row;
use super::table::Table;
use crate::specs::{InForce, load_text};

fn statuses(text: &str) -> Vec<ObjectStatus> {
    let mut specs = InForce::new(None);
    let report = specs.take(load_text("specs", text).expect("YAML"), 0);
    assert_eq!(report.findings, []);
    predict(specs.objects(), specs.snapshot())
}

fn rows(text: &str) -> Vec<Value> {
    statuses(text).iter().map(|status| json!(Row::new(status))).collect()
}

/// The conditions predicted for an object, as `Type=Reason`, with `!` before a type that is False.
fn expected(rows: &[Value], kind: &str, section: Option<&str>) -> Vec<String> {
    let row = rows
        .iter()
        .find(|row| row["kind"] == kind && row["section"] == json!(section))
        .expect("a row");
    let conditions = row["conditions"].as_object().expect("a mapping").iter();
    let shown = conditions.filter_map(|(kind, values)| {
        let [status, reason] = [values["expected"][0].as_str()?, values["expected"][1].as_str()?];
        Some(format!("{}{kind}={reason}", if status == "True" { "" } else { "!" }))
    });
    shown.collect()
}

fn gateway(listeners: &str, more: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: web, namespace: infra}}, \
         spec: {{gatewayClassName: c, listeners: [{listeners}]{more}}}}}\n---\n"
    )
}

fn route(spec: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{name: r, namespace: infra}}, spec: {spec}}}\n---\n"
    )
}

const HTTP: &str = "{name: http, port: 80, protocol: HTTP, hostname: a.example}";
const SERVICE: &str =
    "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: infra}, spec: {ports: [{port: 80}]}}\n---\n";

#[test]
fn listeners() {
    let cases = [
        (
            "{name: x, port: 80, protocol: HTTP}",
            "Accepted=Accepted !Conflicted=NoConflicts Programmed=Programmed ResolvedRefs=ResolvedRefs",
        ),
        (
            "{name: x, port: 80, protocol: a.b/C}",
            "!Accepted=UnsupportedProtocol !Conflicted=NoConflicts !Programmed=Invalid ResolvedRefs=ResolvedRefs",
        ),
        (
            "{name: x, port: 80, protocol: HTTP, allowedRoutes: {kinds: [{kind: TCPRoute}]}}",
            "Accepted=Accepted !Conflicted=NoConflicts !Programmed=Invalid !ResolvedRefs=InvalidRouteKinds",
        ),
        (
            "{name: x, port: 80, protocol: HTTP}, {name: y, port: 80, protocol: HTTP}",
            "!Accepted=HostnameConflict Conflicted=HostnameConflict !Programmed=HostnameConflict ResolvedRefs=ResolvedRefs",
        ),
        (
            "{name: x, port: 80, protocol: HTTP}, {name: y, port: 80, protocol: TCP}",
            "!Accepted=ProtocolConflict Conflicted=ProtocolConflict !Programmed=ProtocolConflict ResolvedRefs=ResolvedRefs",
        ),
        (
            "{name: x, port: 443, protocol: HTTPS}",
            "Accepted=Accepted !Conflicted=NoConflicts !Programmed=Invalid !ResolvedRefs=InvalidCertificateRef",
        ),
        (
            "{name: x, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: s, namespace: other}]}}",
            "Accepted=Accepted !Conflicted=NoConflicts !Programmed=Invalid !ResolvedRefs=RefNotPermitted",
        ),
    ];
    for (listeners, wanted) in cases {
        assert_eq!(
            expected(&rows(&gateway(listeners, "")), "Gateway", Some("x")).join(" "),
            wanted,
            "{listeners}"
        );
    }
}

#[test]
fn gateways() {
    let bad = "{name: bad, port: 81, protocol: a.b/C}";
    let cases = [
        (HTTP.to_owned(), "", "Accepted=Accepted Programmed=Programmed"),
        (
            format!("{HTTP}, {bad}"),
            "",
            "Accepted=ListenersNotValid Programmed=Programmed",
        ),
        (bad.to_owned(), "", "!Accepted=ListenersNotValid !Programmed=Invalid"),
        (
            HTTP.to_owned(),
            ", infrastructure: {parametersRef: {group: a.b, kind: C, name: d}}",
            "!Accepted=InvalidParameters !Programmed=Invalid",
        ),
        (
            HTTP.to_owned(),
            ", tls: {backend: {clientCertificateRef: {kind: Other, name: d}}}",
            "Accepted=Accepted Programmed=Programmed !ResolvedRefs=InvalidClientCertificateRef",
        ),
    ];
    for (listeners, more, wanted) in cases {
        assert_eq!(
            expected(&rows(&gateway(&listeners, more)), "Gateway", None).join(" "),
            wanted,
            "{listeners} {more}"
        );
    }
}

#[test]
fn routes() {
    let cases = [
        (
            "{parentRefs: [{name: web}], rules: [{backendRefs: [{name: s, port: 80}]}]}",
            "Accepted=Accepted ResolvedRefs=ResolvedRefs",
        ),
        (
            "{parentRefs: [{name: web}], hostnames: [b.example]}",
            "!Accepted=NoMatchingListenerHostname ResolvedRefs=ResolvedRefs",
        ),
        (
            "{parentRefs: [{name: web, port: 81}]}",
            "!Accepted=NoMatchingParent ResolvedRefs=ResolvedRefs",
        ),
        (
            "{parentRefs: [{name: web}], rules: [{backendRefs: [{name: gone, port: 80}]}]}",
            "Accepted=Accepted !ResolvedRefs=BackendNotFound",
        ),
        (
            "{parentRefs: [{name: web}], rules: [{backendRefs: [{name: s, namespace: other, port: 80}]}]}",
            "Accepted=Accepted !ResolvedRefs=RefNotPermitted",
        ),
        (
            "{parentRefs: [{name: web}], rules: [{filters: [{type: RequestMirror, requestMirror: {backendRef: {name: gone, port: 80}}}]}]}",
            "Accepted=Accepted !ResolvedRefs=BackendNotFound",
        ),
    ];
    for (spec, wanted) in cases {
        let text = format!("{}{SERVICE}{}", gateway(HTTP, ""), route(spec));
        assert_eq!(expected(&rows(&text), "HTTPRoute", None).join(" "), wanted, "{spec}");
    }
}

const WITH_STATUS: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}
status:
  conditions: [{type: Accepted, status: 'False', reason: Odd, message: ''}, {type: Own, status: 'True', reason: Mine, message: ''}]
  listeners: [{name: http, attachedRoutes: 3, supportedKinds: [{kind: HTTPRoute}], conditions: []}]
";

#[test]
fn what_is_there_stands_next_to_what_must_be() {
    let rows = rows(WITH_STATUS);
    assert_eq!(
        rows[0]["conditions"],
        json!({"Accepted": {"expected": ["True", "Accepted"], "actual": ["False", "Odd"]},
               "Own": {"expected": null, "actual": ["True", "Mine"]},
               "Programmed": {"expected": ["True", "Programmed"], "actual": null}})
    );
    assert_eq!(rows[1]["attached_routes"], json!({"expected": 0, "actual": 3}));
    assert_eq!(
        rows[1]["supported_kinds"],
        json!({"expected": ["HTTPRoute", "GRPCRoute"], "actual": ["HTTPRoute"]})
    );
    assert_eq!(statuses(WITH_STATUS)[0].contradicted().count(), 1);
}

#[test]
fn differences_are_marked_in_the_table() {
    let statuses = statuses(WITH_STATUS);
    let rows: Vec<_> = statuses.iter().map(Row::new).collect();
    insta::assert_snapshot!(Table(&rows).to_string(), @r"
    Gateway infra/web
    ! Accepted    True (Accepted), is False (Odd)
      Own         not predicted, is True (Mine)
      Programmed  True (Programmed)
      attached ListenerSets: 0
    Gateway infra/web section http
      Accepted      True (Accepted)
      Conflicted    False (NoConflicts)
      Programmed    True (Programmed)
      ResolvedRefs  True (ResolvedRefs)
    ! attached routes: 0, are 3
      supported kinds: HTTPRoute, GRPCRoute
    ");
    assert_eq!(
        Table(&[]).to_string(),
        "no Gateways and no Services with routes, and so no status to predict\n"
    );
}
