//! What an API server would refuse is told; what has no meaning is marked as not understood.

use gwobs_route::model::{Filter, PathMatch};

use super::{http_rule, loaded, route};

#[test]
fn rules_of_the_api() {
    let cases = [
        (
            "{matches: [{path: {value: a}}]}",
            "spec.rules.0.matches.0.path.value: `a` does not start with `/`",
        ),
        (
            "{matches: [{path: {value: /a/../b}}]}",
            "spec.rules.0.matches.0.path.value: must not contain `/../`",
        ),
        (
            "{matches: [{headers: [{name: 'a b', value: c}]}]}",
            "spec.rules.0.matches.0.headers.0.name: `a b` is not a header name",
        ),
        (
            "{backendRefs: [{name: b}]}",
            "spec.rules.0.backendRefs.0: a reference to a Service must name a port",
        ),
        (
            "{backendRefs: [{name: b, port: 80, weight: 1000001}]}",
            "spec.rules.0.backendRefs.0.weight: must be 0 to 1000000, not 1000001",
        ),
        (
            "{filters: [{type: URLRewrite, urlRewrite: {}}, {type: URLRewrite, urlRewrite: {}}]}",
            "spec.rules.0.filters: a URLRewrite filter must not be repeated",
        ),
        (
            "{matches: [{path: {type: Exact, value: /}}], filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]}",
            "spec.rules.0.filters: replacePrefixMatch needs a rule with exactly one match, by path prefix",
        ),
        (
            "{filters: [{type: RequestRedirect, requestRedirect: {}}], backendRefs: [{name: b, port: 80}]}",
            "spec.rules.0.backendRefs: a rule that redirects must have no backends",
        ),
        (
            "{timeouts: {request: 1s, backendRequest: 2s}}",
            "spec.rules.0.timeouts: backendRequest must not be longer than request",
        ),
        ("{name: a}, {name: a}", "spec.rules.1.name: two rules have this name"),
    ];
    for (rule, expected) in cases {
        let (_, told) = http_rule(rule);
        assert_eq!(told, [expected], "{rule}");
    }
}

#[test]
fn limits() {
    let (route, told) = http_rule(&vec!["{}"; 17].join(","));
    assert_eq!(route.rules.len(), 17, "all are used");
    assert_eq!(told, ["spec.rules: at most 16 are allowed, not 17"]);
    let (_, told) = http_rule(&format!("{{matches: [{}]}}", vec!["{}"; 65].join(",")));
    assert_eq!(told, ["spec.rules.0.matches: at most 64 are allowed, not 65"]);
    let (_, told) = http_rule(&vec![format!("{{matches: [{}]}}", vec!["{}"; 43].join(",")); 3].join(","));
    assert_eq!(
        told,
        ["spec.rules: at most 128 matches are allowed in all rules, not 129"]
    );
}

#[test]
fn what_has_no_meaning_is_not_understood() {
    let cases = [
        (
            "{backendRefs: [{name: b, port: 70000, namespace: x}]}",
            "spec.rules.0.backendRefs.0.port",
        ),
        (
            "{backendRefs: [{name: b, port: 80, weight: -1}]}",
            "spec.rules.0.backendRefs.0.weight",
        ),
        ("{filters: [{type: URLRewrite}]}", "spec.rules.0.filters.0"),
        ("{filters: [{type: New, new: {}}]}", "spec.rules.0.filters.0.type"),
        (
            "{filters: [{type: RequestRedirect, requestRedirect: {statusCode: 200}}]}",
            "spec.rules.0.filters.0.requestRedirect.statusCode",
        ),
        (
            "{matches: [{path: {type: Glob, value: /a}}]}",
            "spec.rules.0.matches.0.path.type",
        ),
        (
            "{matches: [{queryParams: [{type: Glob, name: a, value: b}]}]}",
            "spec.rules.0.matches.0.queryParams.0.type",
        ),
        ("{timeouts: {request: soon}}", "spec.rules.0.timeouts.request"),
        ("{new: field}", "spec.rules.0.new"),
    ];
    for (rule, path) in cases {
        let (route, told) = http_rule(rule);
        assert!(
            route.meta.unknown.iter().any(|unknown| unknown == path),
            "{rule}: {:?}",
            route.meta.unknown
        );
        assert!(told.iter().any(|line| line.starts_with(path)), "{rule}: {told:?}");
    }
}

#[test]
fn what_is_not_known_is_kept() {
    let (route, _) = http_rule("{filters: [{type: New}], matches: [{path: {type: Glob, value: /a}}]}");
    assert_eq!(route.rules[0].filters, [Filter::Unknown("New".into())]);
    assert_eq!(route.rules[0].matches[0].path, PathMatch::Unknown("/a".into()));
}

/// Fields outside the spec have no effect on routing: told, and no decision suffers from them.
#[test]
fn unknown_metadata_does_no_harm() {
    let (route, told) = route(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r, colour: red}, spec: {}}",
    );
    assert_eq!(told, ["metadata.colour: this is not understood"]);
    assert!(route.meta.unknown.is_empty());
}

#[test]
fn hostnames() {
    let (route, told) = route(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, \
         spec: {hostnames: ['*.Example.com', 10.0.0.1, a..b, ok.example]}}",
    );
    assert_eq!(&*route.hostnames[0], "*.example.com");
    assert_eq!(
        told,
        [
            "spec.hostnames.0: `*.Example.com` is not a hostname: lower-case labels, maybe `*.` in front",
            "spec.hostnames.1: a hostname must not be an IP address",
            "spec.hostnames.2: `a..b` is not a hostname: lower-case labels, maybe `*.` in front",
        ]
    );
}

#[test]
fn listeners() {
    let loaded = loaded(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: g}, spec: {gatewayClassName: c, listeners: [\
         {name: a, port: 80, protocol: HTTP, tls: {}}, {name: a, port: 0, protocol: TCP, hostname: a.b}, \
         {name: b, port: 443, protocol: HTTPS, tls: {mode: Passthrough}}]}}",
    );
    let told: Vec<_> = loaded.findings.iter().map(|finding| &*finding.field).collect();
    assert_eq!(
        told,
        [
            "spec.listeners.0.tls",
            "spec.listeners.1.name",
            "spec.listeners.1.hostname",
            "spec.listeners.2.tls.mode"
        ]
    );
}
