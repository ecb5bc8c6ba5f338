//! What the API server fills in.

use gwobs_route::model::{
    Filter, Match, MirrorShare, NamespacesFrom, Object, PathMatch, SessionType, StringMatch, TargetPort, TlsMode,
    Transport,
};

use super::{http_rule, loaded, route, service};

#[test]
fn a_route_without_rules_matches_everything_and_forwards_nowhere() {
    let (http, _) = route("{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}, spec: {}}");
    assert_eq!(http.rules.len(), 1);
    assert_eq!(http.rules[0].matches, [Match::default()]);
    let (grpc, _) = route("{apiVersion: gateway.networking.k8s.io/v1, kind: GRPCRoute, metadata: {name: r}, spec: {}}");
    assert!(grpc.rules.is_empty());
}

#[test]
fn matches() {
    let (route, told) =
        http_rule("{matches: [{path: {value: /a}, headers: [{name: X-A, value: b}]}, {path: {type: Exact}}]}");
    let [first, second] = route.rules[0].matches.as_slice() else {
        panic!("two")
    };
    assert_eq!(first.path, PathMatch::Prefix("/a".into()));
    assert_eq!(&*first.headers[0].name, "x-a");
    assert_eq!(first.headers[0].value, StringMatch::Exact("b".into()));
    assert_eq!(second.path, PathMatch::Exact("/".into()));
    assert_eq!(told, [""; 0]);
}

#[test]
fn backends_and_parents() {
    let (route, told) = http_rule("{backendRefs: [{name: b, port: 80}]}");
    let backend = &route.rules[0].backends[0];
    assert!(backend.target.is("", "Service"));
    assert_eq!((backend.weight, backend.port), (1, Some(80)));
    assert!(route.parents[0].target.is("gateway.networking.k8s.io", "Gateway"));
    assert_eq!((&*route.meta.name.namespace, told.len()), ("n", 0));
}

#[test]
fn filters() {
    let (route, told) = http_rule(
        "{filters: [{type: RequestRedirect, requestRedirect: {}}, {type: CORS, cors: {}}, \
         {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 1}}}, \
         {type: RequestMirror, requestMirror: {backendRef: {name: b, port: 1}, fraction: {numerator: 5}}}], \
         sessionPersistence: {}}",
    );
    let [
        Filter::Redirect(redirect),
        Filter::Cors(cors),
        Filter::Mirror(all),
        Filter::Mirror(some),
    ] = route.rules[0].filters.as_slice()
    else {
        panic!("{:?}", route.rules)
    };
    assert_eq!((redirect.status, cors.max_age, cors.allow_credentials), (302, 5, false));
    assert_eq!((all.share, some.share.percent()), (MirrorShare::ALL, 5.0));
    assert_eq!(
        route.rules[0].session.as_ref().map(|session| session.kind),
        Some(SessionType::Cookie)
    );
    assert_eq!(told, [""; 0]);
}

#[test]
fn gateways() {
    let loaded = loaded(
        "{apiVersion: gateway.networking.k8s.io/v1beta1, kind: Gateway, metadata: {name: g}, spec: {gatewayClassName: c, \
         listeners: [{name: a, port: 443, protocol: HTTPS, hostname: A.example, tls: {certificateRefs: [{name: s}]}}]}}",
    );
    let Object::Gateway(gateway) = &loaded.objects[0] else {
        panic!("{:?}", loaded.objects)
    };
    let listener = &gateway.listeners[0];
    let tls = listener.tls.as_ref().expect("tls");
    assert_eq!(gateway.allowed_listeners, NamespacesFrom::None);
    assert_eq!(listener.allowed_routes.namespaces, NamespacesFrom::Same);
    assert_eq!(
        (tls.mode, tls.certificates[0].is("", "Secret")),
        (TlsMode::Terminate, true)
    );
    assert_eq!(listener.hostname.as_deref(), Some("a.example"));
}

#[test]
fn services() {
    let service = service(
        "{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::1'], ports: [{port: 80}, {port: 1, name: a, targetPort: http}]}",
    );
    let [plain, named] = service.ports.as_slice() else {
        panic!("two")
    };
    assert_eq!((plain.transport, &plain.target), (Transport::Tcp, &TargetPort::Same));
    assert_eq!(named.target, TargetPort::Name("http".into()));
    assert_eq!(service.cluster_ips.len(), 2);
    assert!(!service.headless && !service.has_selector);
    assert!(super::service("{clusterIP: None}").headless);
}

#[test]
fn every_version_of_a_route() {
    for (version, kind) in [
        ("v1beta1", "HTTPRoute"),
        ("v1alpha2", "TLSRoute"),
        ("v1alpha3", "TLSRoute"),
        ("v1alpha2", "TCPRoute"),
        ("v1", "UDPRoute"),
    ] {
        let (route, _) = route(&format!(
            "{{apiVersion: gateway.networking.k8s.io/{version}, kind: {kind}, metadata: {{name: r}}, spec: {{rules: [{{backendRefs: [{{name: b, port: 1}}]}}]}}}}"
        ));
        assert_eq!(
            (route.kind.as_str(), route.rules[0].backends.len()),
            (kind, 1),
            "{version}"
        );
    }
}
