//! Parents: routes, listeners and ListenerSets that attach to nothing.

use std::collections::BTreeSet;

use crate::attach::{
    GatewayListeners, ListenerAttachment, ListenerConflict, Refusal, attach, has_frontend, names_gateway,
};
use crate::lint::finding::{Findings, ObjectRef};
use crate::lint::world::{Parent, World};
use crate::lint::{Code, Severity, field};
use crate::model::{Gateway, Kind, ListenerSet, ParentRef, Route, Service};
use crate::{PortAttachment, RouteKind};

pub(super) fn check(world: &World<'_>, out: &mut Findings) {
    for route in world.routes() {
        check_route(world, route, out);
    }
    for gateway in world.gateways() {
        check_class(world, gateway, out);
        check_listeners(world, gateway, out);
    }
    for set in world.listener_sets() {
        check_set(world, set, out);
    }
}

fn check_route(world: &World<'_>, route: &Route, out: &mut Findings) {
    let object = ObjectRef::route(route);
    if route.parents.is_empty() {
        let why = "the route has no parentRefs: no gateway will ever serve it";
        out.add(
            Code::ParentMissing,
            &object,
            "spec.parentRefs",
            why,
            "name the Gateway that must serve it",
        );
    }
    for (index, parent) in route.parents.iter().enumerate() {
        check_parent(world, route, index, parent, out);
    }
    check_hostnames(world, route, &object, out);
}

fn check_parent(world: &World<'_>, route: &Route, index: usize, parent: &ParentRef, out: &mut Findings) {
    let object = ObjectRef::route(route);
    let at = field::parent(index);
    let name = parent.target.resolve(&route.meta.name.namespace);
    match world.parent(route, index, parent) {
        Parent::NotFound => {
            let why = format!(
                "there is no {} {name}: the route attaches to nothing",
                parent.target.kind
            );
            out.add(
                Code::ParentNotFound,
                &object,
                at,
                why,
                "correct name and namespace, or create it",
            );
        }
        Parent::Detached => {
            let why = format!(
                "{} {name} is part of no Gateway, so the route attaches to nothing",
                parent.target.kind
            );
            out.add(Code::ParentRefuses, &object, at, why, "mend the ListenerSet first");
        }
        Parent::Attached(_, []) => {
            let why = format!("{name} has no listener with {}", wanted(parent));
            let mend = "name a listener that exists, or leave sectionName and port out";
            out.add(Code::ParentListenerNotFound, &object, at, why, mend);
        }
        Parent::Attached(listeners, outcomes) => check_outcomes(&object, &at, listeners, outcomes, out),
        Parent::Service(service, ports) => check_service(route, parent, (&object, &at), (service, ports), out),
        Parent::NotGiven => {}
    }
}

/// A Service as the parent of a route in a mesh (GEP-1294).
fn check_service(
    route: &Route,
    parent: &ParentRef,
    (object, at): (&ObjectRef, &str),
    (service, ports): (&Service, &[PortAttachment]),
    out: &mut Findings,
) {
    let name = &service.meta.name;
    if !has_frontend(service) {
        let why = format!(
            "Service {name} has no address of its own (headless, or an external name): implementations should not take it \
             for a parent"
        );
        let mend = "name a Service with a cluster IP";
        out.add(Code::ParentRefuses, object, at, why, mend)
            .of_severity(Severity::Warning);
    } else if ports.is_empty() {
        let transport = if route.kind == RouteKind::Udp { "UDP" } else { "TCP" };
        let why = format!("Service {name} has no {transport} port with {}", wanted(parent));
        let mend = "name a port of the Service, or leave sectionName and port out";
        out.add(Code::ParentListenerNotFound, object, at, why, mend);
    }
    let refused: Vec<_> = ports
        .iter()
        .filter(|at| !at.applies)
        .map(|at| at.port.to_string())
        .collect();
    if !refused.is_empty() {
        let why = format!(
            "at port {} of Service {name} a more specific kind of route applies (GRPCRoute, HTTPRoute, TLSRoute, TCPRoute, in \
             this order): this one is ignored there",
            refused.join(", ")
        );
        let mend = "bind the kinds to ports of their own";
        out.add(Code::RouteKindConflict, object, at, why, mend)
            .with(ObjectRef::new(Kind::Service, &service.meta));
    }
}

fn wanted(parent: &ParentRef) -> String {
    let section = parent.section.as_ref().map(|section| format!("sectionName {section}"));
    let port = parent.port.map(|port| format!("port {port}"));
    let parts = section.into_iter().chain(port).collect::<Vec<_>>();
    if parts.is_empty() {
        "any section".to_owned()
    } else {
        parts.join(" and ")
    }
}

fn check_outcomes(
    object: &ObjectRef,
    at: &str,
    listeners: &GatewayListeners,
    outcomes: &[ListenerAttachment],
    out: &mut Findings,
) {
    let gateway = ObjectRef::new(Kind::Gateway, &listeners.gateway.meta);
    let name = |one: &ListenerAttachment| listeners.listeners.get(one.listener).map(|merged| merged.label.clone());
    for one in outcomes
        .iter()
        .filter(|one| one.outcome == Err(Refusal::OtherKindOwnsHostname))
    {
        let listener = name(one).unwrap_or_default();
        let why = format!(
            "at listener {listener} of {gateway} an older route of the other kind (HTTPRoute, GRPCRoute) shares a hostname: \
             only the older one is accepted there"
        );
        let mend = "give the two kinds hostnames of their own";
        out.add(Code::RouteKindConflict, object, at, why, mend)
            .with(gateway.clone());
    }
    if outcomes
        .iter()
        .any(|one| matches!(one.outcome, Ok(_) | Err(Refusal::OtherKindOwnsHostname)))
    {
        return;
    }
    let reasons: BTreeSet<_> = outcomes
        .iter()
        .filter_map(|one| one.outcome.as_ref().err())
        .map(refusal)
        .collect();
    let (reasons, mends): (Vec<_>, Vec<_>) = reasons.into_iter().unzip();
    let why = format!("no listener of {gateway} accepts the route: {}", reasons.join("; "));
    out.add(Code::ParentRefuses, object, at, why, mends.join("; "))
        .with(gateway);
}

/// A refusal in words, and how to mend it.
fn refusal(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::KindNotAllowed => (
            "the kind is not allowed",
            "check protocol and allowedRoutes.kinds of the listener",
        ),
        Refusal::NamespaceNotAllowed => (
            "routes of this namespace are not allowed",
            "extend allowedRoutes.namespaces of the listener",
        ),
        Refusal::NoMatchingHostname => (
            "no hostname of the route fits the listener's",
            "use a hostname that the listener's hostname covers",
        ),
        Refusal::ListenerInConflict => ("the listener conflicts with another", "mend the listener first"),
        Refusal::OtherKindOwnsHostname => (
            "an older route of the other kind owns the hostname",
            "use other hostnames",
        ),
    }
}

/// Hostnames that meet no listener, in routes whose other hostnames do.
fn check_hostnames(world: &World<'_>, route: &Route, object: &ObjectRef, out: &mut Findings) {
    let parents: Vec<_> = route
        .parents
        .iter()
        .enumerate()
        .map(|(index, parent)| (parent, world.parent(route, index, parent)))
        .collect();
    let all_known = parents.iter().all(|(_, parent)| matches!(parent, Parent::Attached(..)));
    if parents.iter().all(|(_, parent)| matches!(parent, Parent::Service(..))) {
        return hostnames_in_mesh(route, object, out);
    }
    if !all_known || route.hostnames.len() < 2 {
        return;
    }
    let reaches = |hostname: &std::sync::Arc<str>| {
        let alone = Route {
            hostnames: vec![hostname.clone()],
            rules: Vec::new(),
            ..route.clone()
        };
        parents.iter().any(|(parent, attached)| match attached {
            Parent::Attached(listeners, _) => attach(&alone, parent, listeners, world.objects.namespaces())
                .iter()
                .any(|one| one.outcome.is_ok()),
            _ => false,
        })
    };
    let reached: Vec<_> = route.hostnames.iter().map(reaches).collect();
    if !reached.contains(&true) {
        return;
    }
    for (index, hostname) in route
        .hostnames
        .iter()
        .enumerate()
        .filter(|(index, _)| reached.get(*index) == Some(&false))
    {
        let why = format!("no listener that the route attaches to serves {hostname}: this hostname has no effect");
        let mend = "add a listener for it, or remove the hostname";
        out.add(
            Code::HostnameUnreachable,
            object,
            format!("spec.hostnames[{index}]"),
            why,
            mend,
        );
    }
}

/// > GAMMA implementations SHOULD NOT infer any functionality from the `hostnames` field (GEP-1294)
fn hostnames_in_mesh(route: &Route, object: &ObjectRef, out: &mut Findings) {
    if !route.parents.is_empty() && !route.hostnames.is_empty() {
        let why = "in a mesh hostnames have no effect: the route applies to all requests to its Services";
        let mend = "remove them; to tell hosts apart, match the header `host`";
        out.add(Code::HostnameUnreachable, object, "spec.hostnames", why, mend);
    }
}

fn check_class(world: &World<'_>, gateway: &Gateway, out: &mut Findings) {
    if world.has(Kind::GatewayClass) && world.class(gateway).is_none() {
        let object = ObjectRef::new(Kind::Gateway, &gateway.meta);
        let why = format!(
            "there is no GatewayClass {}: no controller will take the Gateway",
            gateway.class
        );
        out.add(
            Code::ClassNotFound,
            &object,
            "spec.gatewayClassName",
            why,
            "correct the name, or create the class",
        );
    }
}

fn check_listeners(world: &World<'_>, gateway: &Gateway, out: &mut Findings) {
    let Some(listeners) = world.snapshot.listeners(&gateway.meta.name) else {
        return;
    };
    for merged in &listeners.listeners {
        let Some(conflict) = merged.conflict else { continue };
        let object = match &merged.set {
            Some(set) => ObjectRef {
                kind: set.kind(),
                name: set.name.clone(),
            },
            None => ObjectRef::new(Kind::Gateway, &gateway.meta),
        };
        let what = match conflict {
            ListenerConflict::Protocol => "protocols that cannot share a port",
            ListenerConflict::Hostname => "the same hostname on one port",
        };
        let why = format!(
            "listener {} and another of {} have {what}: it gets no traffic",
            merged.listener.name, gateway.meta.name
        );
        let mend = "use another port or hostname";
        let at = format!("spec.listeners[name={}]", merged.listener.name);
        out.add(Code::ListenerConflict, &object, at, why, mend)
            .with(ObjectRef::new(Kind::Gateway, &gateway.meta));
    }
}

fn check_set(world: &World<'_>, set: &ListenerSet, out: &mut Findings) {
    let object = ObjectRef::new(set.name().kind(), &set.meta);
    let parent = set.parent.resolve(&set.meta.name.namespace);
    if !names_gateway(&set.parent) || !world.has(Kind::Gateway) {
        return;
    }
    let gateway = ObjectRef {
        kind: Kind::Gateway,
        name: parent.clone(),
    };
    let Some(listeners) = world.snapshot.listeners(&parent) else {
        let why = format!("there is no {gateway}: the listeners have no effect");
        out.add(
            Code::ParentNotFound,
            &object,
            "spec.parentRef",
            why,
            "correct name and namespace, or create it",
        );
        return;
    };
    let has_ports = set.listeners.iter().any(|listener| listener.port != 0);
    let merged = listeners
        .listeners
        .iter()
        .any(|merged| merged.set.as_ref() == Some(&set.name()));
    if has_ports && !merged {
        let why = format!(
            "{gateway} does not allow ListenerSets of namespace {}",
            set.meta.name.namespace
        );
        let mend = "extend spec.allowedListeners of the Gateway (its default is None)";
        out.add(Code::ListenerSetNotAllowed, &object, "spec.parentRef", why, mend)
            .with(gateway);
    }
}
