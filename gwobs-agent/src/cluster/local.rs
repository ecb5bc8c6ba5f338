//! What concerns the Gateways that this node's pods serve: of what goes on elsewhere other agents tell.

use std::collections::BTreeSet;

use gwobs_route::attach::{listener_set_kind, names_gateway};
use gwobs_route::lint::ObjectRef;
use gwobs_route::model::{Kind, ListenerSetName, Reference};
use gwobs_route::{ObjectName, Objects};

/// True if an object serves one of these Gateways, or is one.
pub(super) fn concerns(object: &ObjectRef, gateways: &BTreeSet<ObjectName>, objects: &Objects) -> bool {
    match object.kind {
        Kind::Gateway => gateways.contains(&object.name),
        Kind::Route(kind) => {
            let mut routes = objects.routes();
            let route = routes.find(|route| route.kind == kind && route.meta.name == object.name);
            let parents = route.into_iter().flat_map(|route| &route.parents);
            parents
                .map(|parent| &parent.target)
                .any(|parent| leads_to(parent, &object.name, gateways, objects))
        }
        Kind::ListenerSet | Kind::XListenerSet => {
            let name = ListenerSetName {
                name: object.name.clone(),
                experimental: object.kind == Kind::XListenerSet,
            };
            is_set_of(&name, gateways, objects)
        }
        _ => false,
    }
}

fn leads_to(parent: &Reference, from: &ObjectName, gateways: &BTreeSet<ObjectName>, objects: &Objects) -> bool {
    let name = parent.resolve(&from.namespace);
    match listener_set_kind(parent) {
        Some(kind) => {
            let experimental = kind == Kind::XListenerSet;
            is_set_of(&ListenerSetName { name, experimental }, gateways, objects)
        }
        None => names_gateway(parent) && gateways.contains(&name),
    }
}

fn is_set_of(name: &ListenerSetName, gateways: &BTreeSet<ObjectName>, objects: &Objects) -> bool {
    let set = objects.listener_sets().find(|set| set.name() == *name);
    set.is_some_and(|set| gateways.contains(&set.parent.resolve(&set.meta.name.namespace)))
}
