//! Parents, grants, backends.

use super::build::{class, gateway, grant, listener, listener_set, parent, reference, route, rule, service};
use super::{finds, found, passes, severity};
use crate::lint::{Code, Severity};
use crate::model::{
    AllowedRoutes, Filter, ListenerTls, Mirror, MirrorShare, NamespacesFrom, Object, Protocol, Redirect, Route,
    TlsMode, Transport,
};

fn with(route: Route) -> Vec<Object> {
    vec![
        class(&[]).into(),
        gateway().into(),
        service("shop", "cart", 80).into(),
        route.into(),
    ]
}

fn cart() -> Route {
    route("shop", "r").rule(rule("/").to("cart", 80))
}

const PARENT: &str = "HTTPRoute shop/r spec.parentRefs[0]";

#[test]
fn a_route_without_parents() {
    let mut orphan = cart();
    orphan.parents.clear();
    finds(Code::ParentMissing, &with(orphan), "HTTPRoute shop/r spec.parentRefs");
    passes(Code::ParentMissing, &with(cart()));
}

#[test]
fn a_parent_that_does_not_exist() {
    let mut lost = cart();
    lost.parents[0].target.name = "other".into();
    finds(Code::ParentNotFound, &with(lost.clone()), PARENT);
    passes(Code::ParentNotFound, &with(cart()));
    // No Gateway at all was given: they may be in another repository.
    passes(Code::ParentNotFound, &[lost.into()]);
}

#[test]
fn a_section_or_port_that_does_not_exist() {
    let at = |section: Option<&str>, port: Option<u16>| {
        let mut route = cart();
        route.parents[0].section = section.map(Into::into);
        route.parents[0].port = port;
        with(route)
    };
    finds(Code::ParentListenerNotFound, &at(Some("https"), None), PARENT);
    finds(Code::ParentListenerNotFound, &at(Some("http"), Some(81)), PARENT);
    passes(Code::ParentListenerNotFound, &at(Some("http"), Some(80)));
}

#[test]
fn a_parent_that_refuses() {
    let through = |change: fn(&mut crate::model::Listener)| {
        let mut objects = with(cart().host("shop.test"));
        let mut gateway = gateway();
        change(&mut gateway.listeners[0]);
        objects[1] = gateway.into();
        objects
    };
    finds(
        Code::ParentRefuses,
        &through(|own| own.hostname = Some("other.test".into())),
        PARENT,
    );
    finds(
        Code::ParentRefuses,
        &through(|own| own.allowed_routes = AllowedRoutes::default()),
        PARENT,
    );
    finds(
        Code::ParentRefuses,
        &through(|own| own.protocol = Protocol::Tcp),
        PARENT,
    );
    passes(
        Code::ParentRefuses,
        &through(|own| own.hostname = Some("*.test".into())),
    );
}

#[test]
fn one_hostname_of_two_without_listener() {
    let two = |hostname: &str| {
        let mut objects = with(cart().host("a.test").host("b.test"));
        let mut gateway = gateway();
        gateway.listeners[0].hostname = Some(hostname.into());
        objects[1] = gateway.into();
        objects
    };
    finds(
        Code::HostnameUnreachable,
        &two("a.test"),
        "HTTPRoute shop/r spec.hostnames[1]",
    );
    passes(Code::HostnameUnreachable, &two("*.test"));
}

#[test]
fn listeners_in_conflict() {
    let second = |hostname: &str, protocol: Protocol| {
        let mut objects = with(cart());
        let mut gateway = gateway();
        let mut other = listener("other", 80, Some(hostname));
        other.protocol = protocol;
        gateway.listeners[0].hostname = Some("a.test".into());
        gateway.listeners.push(other);
        objects[1] = gateway.into();
        found(Code::ListenerConflict, &objects)
    };
    assert_eq!(second("a.test", Protocol::Http).len(), 2);
    assert_eq!(second("b.test", Protocol::Https).len(), 2);
    assert_eq!(second("b.test", Protocol::Http).len(), 0);
}

#[test]
fn a_class_that_does_not_exist() {
    let mut objects = with(cart());
    passes(Code::ClassNotFound, &objects);
    let mut other = gateway();
    other.class = "other".into();
    objects[1] = other.into();
    finds(Code::ClassNotFound, &objects, "Gateway infra/gw spec.gatewayClassName");
    passes(Code::ClassNotFound, &objects[1..]);
}

#[test]
fn a_listener_set_that_is_not_allowed() {
    let mut objects = with(cart());
    objects.push(listener_set().into());
    finds(
        Code::ListenerSetNotAllowed,
        &objects,
        "ListenerSet shop/set spec.parentRef",
    );
    let mut open = gateway();
    open.allowed_listeners = NamespacesFrom::All;
    objects[1] = open.into();
    passes(Code::ListenerSetNotAllowed, &objects);
}

#[test]
fn a_route_of_a_listener_set() {
    let mut own = cart();
    own.parents[0].target = reference("gateway.networking.k8s.io", "ListenerSet", None, "set");
    let mut objects = with(own);
    finds(
        Code::ParentRefuses,
        &[&objects[..], &[listener_set().into()]].concat(),
        PARENT,
    );
    let mut open = gateway();
    open.allowed_listeners = NamespacesFrom::All;
    objects[1] = open.into();
    passes(Code::ParentRefuses, &[&objects[..], &[listener_set().into()]].concat());
    let mut elsewhere = listener_set();
    elsewhere.meta.name.name = "another".into();
    finds(
        Code::ParentNotFound,
        &[&objects[..], &[elsewhere.into()]].concat(),
        PARENT,
    );
}

fn across(granted: Option<(&str, &str)>) -> Vec<Object> {
    let mut objects = with(route("shop", "r").rule(rule("/").across("data", "db")));
    objects.push(service("data", "db", 80).into());
    objects.extend(granted.map(|(namespace, from)| grant(namespace, from).into()));
    objects
}

#[test]
fn a_reference_without_grant() {
    let place = "HTTPRoute shop/r spec.rules[0].backendRefs[0]";
    finds(Code::GrantMissing, &across(None), place);
    finds(Code::GrantMissing, &across(Some(("data", "other"))), place);
    passes(Code::GrantMissing, &across(Some(("data", "shop"))));
}

#[test]
fn a_mirror_without_grant() {
    let backend = rule("/").across("data", "db").backends.remove(0);
    let mirror = Filter::Mirror(Box::new(Mirror {
        backend,
        share: MirrorShare::ALL,
    }));
    let objects = with(route("shop", "r").rule(rule("/").to("cart", 80).filter(mirror)));
    finds(
        Code::GrantMissing,
        &objects,
        "HTTPRoute shop/r spec.rules[0].filters[0].requestMirror.backendRef",
    );
}

#[test]
fn a_certificate_without_grant() {
    let secured = |namespace: Option<&str>| {
        let mut objects = with(cart());
        let mut gateway = gateway();
        gateway.listeners[0].protocol = Protocol::Https;
        let certificates = vec![reference("", "Secret", namespace, "cert")];
        gateway.listeners[0].tls = Some(ListenerTls {
            mode: TlsMode::Terminate,
            certificates,
        });
        objects[1] = gateway.into();
        objects
    };
    let place = "Gateway infra/gw spec.listeners[0].tls.certificateRefs[0]";
    finds(Code::GrantMissing, &secured(Some("certs")), place);
    passes(Code::GrantMissing, &secured(Some("infra")));
    passes(Code::GrantMissing, &secured(None));
}

#[test]
fn a_grant_that_nobody_uses() {
    finds(
        Code::GrantUnused,
        &across(Some(("other", "shop"))),
        "ReferenceGrant other/grant spec",
    );
    assert_eq!(
        severity(Code::GrantUnused, &across(Some(("other", "shop")))),
        Severity::Warning
    );
    assert_eq!(
        severity(Code::GrantUnused, &across(Some(("data", "elsewhere")))),
        Severity::Info
    );
    passes(Code::GrantUnused, &across(Some(("data", "shop"))));
}

#[test]
fn one_entry_of_a_grant_that_nobody_uses() {
    let mut objects = across(None);
    let mut two = grant("data", "shop");
    two.from.push(two.from[0].clone());
    two.from[1].namespace = "gone".into();
    objects.push(two.into());
    finds(Code::GrantUnused, &objects, "ReferenceGrant data/grant spec.from[1]");
}

#[test]
fn a_grant_for_other_kinds_is_left_alone() {
    let mut objects = across(None);
    let mut other = grant("data", "shop");
    other.from[0].kind = "Widget".into();
    objects.push(other.into());
    passes(Code::GrantUnused, &objects);
}

const BACKEND: &str = "HTTPRoute shop/r spec.rules[0].backendRefs[0]";

#[test]
fn a_backend_that_does_not_exist() {
    finds(
        Code::BackendNotFound,
        &with(route("shop", "r").rule(rule("/").to("kart", 80))),
        BACKEND,
    );
    passes(Code::BackendNotFound, &with(cart()));
    passes(Code::BackendNotFound, &[gateway().into(), cart().into()]);
}

#[test]
fn a_port_that_does_not_exist() {
    let place = "HTTPRoute shop/r spec.rules[0].backendRefs[0].port";
    finds(
        Code::BackendPortNotFound,
        &with(route("shop", "r").rule(rule("/").to("cart", 8080))),
        place,
    );
    passes(Code::BackendPortNotFound, &with(cart()));
    let mut objects = with(cart());
    let mut udp = service("shop", "cart", 80);
    udp.ports[0].transport = Transport::Udp;
    objects[2] = udp.into();
    finds(Code::BackendPortNotFound, &objects, place);
}

#[test]
fn a_reference_without_port() {
    let mut open = cart();
    open.rules[0].backends[0].port = None;
    finds(Code::BackendPortMissing, &with(open), BACKEND);
    passes(Code::BackendPortMissing, &with(cart()));
}

#[test]
fn a_backend_of_another_kind() {
    let kind = |group: &str, kind: &str| {
        let mut route = cart();
        route.rules[0].backends[0].target = reference(group, kind, None, "cart");
        with(route)
    };
    finds(Code::BackendKindUnknown, &kind("example.com", "Bucket"), BACKEND);
    assert_eq!(
        severity(Code::BackendKindUnknown, &kind("example.com", "Bucket")),
        Severity::Info
    );
    assert_eq!(
        severity(Code::BackendKindUnknown, &kind("", "ConfigMap")),
        Severity::Error
    );
    passes(Code::BackendKindUnknown, &kind("", "Service"));
}

#[test]
fn a_rule_without_backends() {
    let redirect = Redirect {
        scheme: Some("https".into()),
        hostname: None,
        path: None,
        port: None,
        status: 301,
    };
    finds(
        Code::NoBackends,
        &with(route("shop", "r").rule(rule("/"))),
        "HTTPRoute shop/r spec.rules[0]",
    );
    passes(
        Code::NoBackends,
        &with(route("shop", "r").rule(rule("/").filter(Filter::Redirect(redirect)))),
    );
}

#[test]
fn a_parent_of_another_kind_is_left_alone() {
    let mut mesh = cart();
    mesh.parents = vec![parent()];
    mesh.parents[0].target = reference("", "Service", None, "cart");
    assert_eq!(super::lint(&with(mesh)), []);
}
