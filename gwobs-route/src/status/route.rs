//! Routes, towards each of their parents (`RouteParentStatus`).

use crate::attach::{ListenerAttachment, Refusal, names_gateway};
use crate::cluster::Referrer;
use crate::model::{BackendRef, Condition, Filter, ParentRef, Route, Rule};
use crate::status::{Expected, ObjectStatus, ParentName, World};
use crate::{InvalidBackend, RouteAttachment};

pub(super) fn predict(world: &World<'_>, all: &mut Vec<ObjectStatus>) {
    let first = all.len();
    let routes: std::collections::HashMap<_, _> = world
        .objects
        .routes()
        .map(|route| ((route.kind, &route.meta.name), route))
        .collect();
    for gateway in world.snapshot.gateways() {
        for attachment in world.snapshot.attachments(gateway) {
            let route = routes.get(&(attachment.kind, &attachment.route));
            all.extend(route.and_then(|route| towards_parent(world, route, attachment)));
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

fn towards_parent(world: &World<'_>, route: &Route, attachment: &RouteAttachment) -> Option<ObjectStatus> {
    let parent = route.parents.get(attachment.parent)?;
    let name = parent.target.resolve(&route.meta.name.namespace);
    let kind = if names_gateway(&parent.target) {
        "Gateway"
    } else {
        "ListenerSet"
    };
    Some(ObjectStatus {
        kind: route.kind.as_str(),
        name: route.meta.name.clone(),
        parent: Some(ParentName { kind, name }),
        section: parent.section.clone(),
        expected: vec![
            Expected::unless("Accepted", refusal(&attachment.listeners)),
            Expected::unless("ResolvedRefs", unresolved(world, route)),
        ],
        actual: actual(route, parent),
        attached_routes: None,
        supported_kinds: None,
        attached_listener_sets: None,
    })
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

/// The first reference that leads nowhere.
fn unresolved(world: &World<'_>, route: &Route) -> Option<&'static str> {
    let from = Referrer {
        kind: route.kind,
        namespace: &route.meta.name.namespace,
    };
    let references = route.rules.iter().flat_map(references);
    let faults = references.filter_map(|reference| world.snapshot.cluster.resolve(from, reference).invalid);
    // The policy of a backend is not a reference of the route.
    faults
        .into_iter()
        .find(|fault| *fault != InvalidBackend::NoValidAuthority)
        .map(InvalidBackend::as_str)
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
