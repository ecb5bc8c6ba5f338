//! ListenerSets and their listeners (`ListenerSetStatus`).

use std::collections::BTreeSet;

use crate::attach::{GatewayListeners, names_gateway};
use crate::model::{ListenerSet, ListenerSetName};
use crate::status::{Expected, ObjectStatus, World, listener, own_conditions};

pub(super) fn predict(world: &World<'_>, all: &mut Vec<ObjectStatus>) {
    let sets = world.objects.listener_sets().filter(|set| !set.meta.is_unread());
    for set in sets.filter(|set| names_gateway(&set.parent)) {
        let gateway = set.parent.resolve(&set.meta.name.namespace);
        let Some(listeners) = world.snapshot.listeners(&gateway) else {
            continue;
        };
        let own = own_listeners(world, listeners, &set.name());
        all.push(whole(set, &own));
        let kind = set.name().kind().as_str();
        for (name, predicted) in own {
            all.push(predicted.of(kind, &set.meta.name, &name, set.meta.status.as_deref()));
        }
    }
}

/// How many sets of a Gateway are attached: those with a listener that works.
pub(super) fn attached(world: &World<'_>, listeners: &GatewayListeners) -> usize {
    let sets: BTreeSet<&ListenerSetName> = listeners
        .listeners
        .iter()
        .filter_map(|merged| merged.set.as_ref())
        .collect();
    sets.into_iter()
        .filter(|set| own_listeners(world, listeners, set).iter().any(|(_, one)| works(one)))
        .count()
}

fn works(listener: &listener::Predicted) -> bool {
    listener.accepted && listener.programmed
}

/// The set's listeners; none if the Gateway does not let it attach.
fn own_listeners(
    world: &World<'_>,
    listeners: &GatewayListeners,
    set: &ListenerSetName,
) -> Vec<(std::sync::Arc<str>, listener::Predicted)> {
    let own = listeners
        .listeners
        .iter()
        .enumerate()
        .filter(|(_, merged)| merged.set.as_ref() == Some(set));
    own.filter_map(|(index, merged)| {
        Some((
            merged.listener.name.clone(),
            listener::predict(world, listeners, index)?,
        ))
    })
    .collect()
}

fn whole(set: &ListenerSet, own: &[(std::sync::Arc<str>, listener::Predicted)]) -> ObjectStatus {
    ObjectStatus {
        kind: set.name().kind().as_str(),
        name: set.meta.name.clone(),
        parent: None,
        section: None,
        expected: conditions(own),
        actual: own_conditions(&set.meta),
        attached_routes: None,
        supported_kinds: None,
        attached_listener_sets: None,
    }
}

fn conditions(own: &[(std::sync::Arc<str>, listener::Predicted)]) -> Vec<Expected> {
    let working = own.iter().filter(|(_, listener)| works(listener)).count();
    let fault = match working {
        _ if own.is_empty() => Some("NotAllowed"),
        0 => Some("ListenersNotValid"),
        _ => None,
    };
    let partly = fault.is_none() && working < own.len();
    let accepted = match partly {
        true => Expected::yes("Accepted", "ListenersNotValid"),
        false => Expected::unless("Accepted", fault),
    };
    vec![accepted, Expected::unless("Programmed", fault)]
}
