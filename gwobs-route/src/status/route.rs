//! Routes, towards each of their parents (`RouteParentStatus`).

use crate::attach::{ListenerAttachment, Refusal, has_frontend, listener_set_kind};
use crate::cluster::Referrer;
use crate::model::{BackendRef, Condition, Filter, Kind, ParentRef, Route, Rule};
use crate::status::{Expected, ObjectStatus, ParentName, World};
use crate::{InvalidBackend, ObjectName, RouteAttachment, ServiceAttachment};

pub(super) fn predict(world: &World<'_>, all: &mut Vec<ObjectStatus>) {
    let first = all.len();
    let routes: std::collections::HashMap<_, _> = world
        .objects
        .routes()
        .filter(|route| !route.meta.is_unread())
        .map(|route| ((route.kind, &route.meta.name), route))
        .collect();
    for gateway in world.snapshot.gateways() {
        for attachment in world.snapshot.attachments(gateway) {
            let route = routes.get(&(attachment.kind, &attachment.route));
            all.extend(route.and_then(|route| towards_gateway(world, route, attachment)));
        }
    }
    for service in world.snapshot.services.keys() {
        for attachment in world.snapshot.service_attachments(service) {
            let route = routes.get(&(attachment.kind, &attachment.route));
            all.extend(route.and_then(|route| towards_service(world, route, service, attachment)));
        }
    }
    if let Some(routes) = all.get_mut(first..) {
        routes.sort_by(|one, other| {
            (one.kind, &one.name, &one.parent, &one.section).cmp(&(
                other.kind,
                &other.name,
                &other.parent,
                &other.section,
            ))
        });
    }
}

fn towards_gateway(world: &World<'_>, route: &Route, attachment: &RouteAttachment) -> Option<ObjectStatus> {
    let parent = route.parents.get(attachment.parent)?;
    let kind = listener_set_kind(&parent.target).unwrap_or(Kind::Gateway).as_str();
    let accepted = Expected::unless("Accepted", refusal(&attachment.listeners));
    let from = Referrer::at_gateway(route.kind, &route.meta.name.namespace);
    let expected = [accepted].into_iter().chain(resolution(world, route, from)).collect();
    Some(towards(route, parent, kind, expected))
}

/// Towards a Service in a mesh (GEP-1294). Whether one without a frontend may be a parent is up to the implementation.
fn towards_service(
    world: &World<'_>,
    route: &Route,
    service: &ObjectName,
    attachment: &ServiceAttachment,
) -> Option<ObjectStatus> {
    let parent = route.parents.get(attachment.parent)?;
    let accepted = || Expected::unless("Accepted", misfit(attachment));
    let settled = world
        .snapshot
        .cluster
        .service(service)
        .is_some_and(|service| has_frontend(service));
    let from = Referrer::in_mesh(route.kind, &route.meta.name.namespace);
    let resolved = resolution(world, route, from);
    let expected = settled.then(accepted).into_iter().chain(resolved).collect();
    Some(towards(route, parent, "Service", expected))
}

fn misfit(attachment: &ServiceAttachment) -> Option<&'static str> {
    match &*attachment.ports {
        [] => Some("NoMatchingParent"),
        ports if ports.iter().any(|at| at.applies) => None,
        _ => Some("Conflicted"),
    }
}

fn towards(route: &Route, parent: &ParentRef, kind: &'static str, expected: Vec<Expected>) -> ObjectStatus {
    let name = parent.target.resolve(&route.meta.name.namespace);
    ObjectStatus {
        kind: route.kind.as_str(),
        name: route.meta.name.clone(),
        parent: Some(ParentName { kind, name }),
        section: parent.section.clone(),
        expected,
        actual: actual(route, parent),
        attached_routes: None,
        supported_kinds: None,
        attached_listener_sets: None,
    }
}

/// Why no listener takes the route; of several reasons the one that comes last in the order of attachment.
fn refusal(listeners: &[ListenerAttachment]) -> Option<&'static str> {
    if listeners.iter().any(|at| at.outcome.is_ok()) {
        return None;
    }
    let refused = |wanted: fn(Refusal) -> bool| {
        listeners
            .iter()
            .any(|at| at.outcome.as_ref().is_err_and(|refusal| wanted(*refusal)))
    };
    let hostname = refused(|refusal| refusal == Refusal::NoMatchingHostname);
    let allowed = refused(|refusal| {
        matches!(
            refusal,
            Refusal::KindNotAllowed | Refusal::NamespaceNotAllowed | Refusal::OtherKindOwnsHostname
        )
    });
    Some(match (hostname, allowed) {
        (true, _) => "NoMatchingListenerHostname",
        (false, true) => "NotAllowedByListeners",
        (false, false) => "NoMatchingParent",
    })
}

/// False with the first reference that leads nowhere; `None` if one depends on an object that is not understood.
fn resolution(world: &World<'_>, route: &Route, from: Referrer<'_>) -> Option<Expected> {
    let references = route.rules.iter().flat_map(references);
    let resolved: Vec<_> = references
        .map(|reference| world.snapshot.cluster.resolve(from, reference))
        .collect();
    // The policy of a backend is not a reference of the route.
    let mut faults = resolved.iter().filter_map(|one| one.invalid);
    let fault = faults.find(|fault| *fault != InvalidBackend::NoValidAuthority);
    let unsure = resolved.iter().any(|one| one.invalid.is_none() && one.doubt.is_some());
    match fault {
        None if unsure => None,
        _ => Some(Expected::unless("ResolvedRefs", fault.map(InvalidBackend::as_str))),
    }
}

fn references(rule: &Rule) -> impl Iterator<Item = &BackendRef> {
    let of_backends = rule.backends.iter().flat_map(|backend| &backend.filters);
    let of_filters = rule
        .filters
        .iter()
        .chain(of_backends)
        .filter_map(|filter| match filter {
            Filter::Mirror(mirror) => Some(&mirror.backend),
            Filter::ExternalAuth(auth) => Some(&auth.backend),
            _ => None,
        });
    rule.backends.iter().chain(of_filters)
}

fn actual(route: &Route, parent: &ParentRef) -> Vec<Condition> {
    let namespace = &route.meta.name.namespace;
    let same = |other: &ParentRef| {
        other.target.is(&parent.target.group, &parent.target.kind)
            && other.target.resolve(namespace) == parent.target.resolve(namespace)
            && other.section == parent.section
            && other.port == parent.port
    };
    let status = route.meta.status.iter().flat_map(|status| &status.parents);
    status
        .filter(|status| same(&status.parent))
        .flat_map(|status| status.conditions.clone())
        .collect()
}
