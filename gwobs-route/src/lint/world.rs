//! The objects that are linted, with everything that routing makes of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ObjectName;
use crate::attach::{GatewayListeners, ListenerAttachment, names_gateway, names_listener_set};
use crate::lint::finding::ObjectRef;
use crate::model::{Gateway, GatewayClass, Kind, ListenerSet, Meta, Object, ParentRef, ReferenceGrant, Route};
use crate::objects::Objects;
use crate::profile::Profile;
use crate::snapshot::Snapshot;

/// The objects, sorted, and the snapshot that decisions would use.
pub(super) struct World<'a> {
    all: BTreeMap<ObjectRef, &'a Object>,
    kinds: BTreeSet<Kind>,
    pub(super) objects: Objects,
    pub(super) snapshot: Arc<Snapshot>,
}

/// A parentRef and what became of it.
pub(super) enum Parent<'w> {
    /// It is not among the kinds that were given at all, or of a kind that is not known.
    NotGiven,
    /// There is no such object.
    NotFound,
    /// A Service: a mesh.
    Service,
    /// A ListenerSet that has no Gateway, or is not allowed by it.
    Detached,
    /// A Gateway, or a ListenerSet of it, with the outcome at each listener that it speaks of.
    Attached(&'w GatewayListeners, &'w [ListenerAttachment]),
}

impl<'a> World<'a> {
    pub(super) fn new(objects: &'a [Object], profile: Option<Profile>) -> Self {
        let mut index = Objects::new(profile);
        let mut all = BTreeMap::new();
        for object in objects {
            index.apply(object.clone(), 0);
            all.insert(ObjectRef::new(object.kind(), object.meta()), object);
        }
        let kinds = all.keys().map(|object| object.kind).collect();
        let snapshot = index.snapshot();
        Self {
            all,
            kinds,
            objects: index,
            snapshot,
        }
    }

    /// True if any object of the kind was given: else nothing is said about those that are missing.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    pub(super) fn find(&self, kind: Kind, name: ObjectName) -> Option<&'a Object> {
        self.all.get(&ObjectRef { kind, name }).copied()
    }

    /// Every object, by kind and name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ObjectRef, &'a Meta)> {
        self.all.iter().map(|(name, object)| (name, object.meta()))
    }

    /// Every route, by kind and name.
    pub(super) fn routes(&self) -> impl Iterator<Item = &'a Route> {
        self.all.values().filter_map(|object| match object {
            Object::Route(route) => Some(route),
            _ => None,
        })
    }

    /// Every Gateway, by name.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &'a Gateway> {
        self.all.values().filter_map(|object| match object {
            Object::Gateway(gateway) => Some(gateway),
            _ => None,
        })
    }

    /// Every ListenerSet, by name.
    pub(super) fn listener_sets(&self) -> impl Iterator<Item = &'a ListenerSet> {
        self.all.values().filter_map(|object| match object {
            Object::ListenerSet(set) => Some(set),
            _ => None,
        })
    }

    /// Every ReferenceGrant, by name.
    pub(super) fn grants(&self) -> impl Iterator<Item = &'a ReferenceGrant> {
        self.all.values().filter_map(|object| match object {
            Object::ReferenceGrant(grant) => Some(grant),
            _ => None,
        })
    }

    /// The class of a Gateway.
    pub(super) fn class(&self, gateway: &Gateway) -> Option<&'a GatewayClass> {
        let name = ObjectName {
            namespace: "".into(),
            name: gateway.class.clone(),
        };
        match self.find(Kind::GatewayClass, name)? {
            Object::GatewayClass(class) => Some(class),
            _ => None,
        }
    }

    /// What became of the parentRef at `index` of a route.
    pub(super) fn parent(&self, route: &Route, index: usize, parent: &ParentRef) -> Parent<'_> {
        let name = parent.target.resolve(&route.meta.name.namespace);
        let kind = if names_gateway(&parent.target) {
            Kind::Gateway
        } else if names_listener_set(&parent.target) {
            Kind::ListenerSet
        } else if parent.target.is("", "Service") {
            Kind::Service
        } else {
            return Parent::NotGiven;
        };
        match (self.find(kind, name.clone()), kind) {
            (None, _) if self.has(kind) => Parent::NotFound,
            (None, _) => Parent::NotGiven,
            (Some(_), Kind::Service) => Parent::Service,
            (Some(_), _) => self.attached(route, index, &name, kind),
        }
    }

    fn attached(&self, route: &Route, index: usize, parent: &ObjectName, kind: Kind) -> Parent<'_> {
        let owner = self.snapshot.gateways().find(|gateway| match kind {
            Kind::Gateway => *gateway == parent,
            _ => self.snapshot.listeners(gateway).is_some_and(|own| has_set(own, parent)),
        });
        let Some((owner, listeners)) = owner.and_then(|owner| Some((owner, self.snapshot.listeners(owner)?))) else {
            return Parent::Detached;
        };
        let own = self.snapshot.attachments(owner).iter().find(|attachment| {
            attachment.kind == route.kind && attachment.route == route.meta.name && attachment.parent == index
        });
        Parent::Attached(listeners, own.map(|own| &*own.listeners).unwrap_or_default())
    }

    /// The Gateways to which a route is attached in at least one listener, by name.
    pub(super) fn gateways_of(&self, route: &Route) -> BTreeSet<&ObjectName> {
        let attached = |gateway: &&ObjectName| {
            self.snapshot.attachments(gateway).iter().any(|attachment| {
                attachment.kind == route.kind
                    && attachment.route == route.meta.name
                    && attachment.listeners.iter().any(|at| at.outcome.is_ok())
            })
        };
        self.snapshot.gateways().filter(attached).collect()
    }
}

fn has_set(listeners: &GatewayListeners, set: &ObjectName) -> bool {
    listeners
        .listeners
        .iter()
        .any(|merged| merged.set.as_ref() == Some(set))
}
