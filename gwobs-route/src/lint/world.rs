//! The objects that are linted, with everything that routing makes of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::attach::{GatewayListeners, ListenerAttachment, listener_set_kind, names_gateway, names_service};
use crate::lint::finding::ObjectRef;
use crate::model::{
    Gateway, GatewayClass, Kind, ListenerSet, ListenerSetName, Meta, Object, ParentRef, ReferenceGrant, Route, Service,
    ServiceImport,
};
use crate::objects::Objects;
use crate::snapshot::Snapshot;
use crate::{ObjectName, PortAttachment, RouteAttachment, RouteKind};

/// An object, wherever it is kept.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    GatewayClass(&'a GatewayClass),
    Gateway(&'a Gateway),
    ListenerSet(&'a ListenerSet),
    Route(&'a Route),
    Service(&'a Service),
    ServiceImport(&'a ServiceImport),
    ReferenceGrant(&'a ReferenceGrant),
    /// One that is only looked at as such.
    Other(Kind, &'a Meta),
}

/// The objects, sorted, and the snapshot that decisions would use.
pub(super) struct World<'a> {
    all: BTreeMap<ObjectRef, View<'a>>,
    kinds: BTreeSet<Kind>,
    pub(super) objects: &'a Objects,
    pub(super) snapshot: Arc<Snapshot>,
    /// Where each parentRef stands among the attachments of its Gateway.
    attached: HashMap<ParentId, Vec<(ObjectName, usize)>>,
    /// The Gateway of each ListenerSet that is part of one.
    owners: HashMap<ListenerSetName, ObjectName>,
}

/// A route and the index of a parentRef of it.
type ParentId = (RouteKind, ObjectName, usize);

/// A parentRef and what became of it.
pub(super) enum Parent<'w> {
    /// It is not among the kinds that were given at all, of a kind that is not known, or could not be read.
    NotGiven,
    /// There is no such object.
    NotFound,
    /// A Service, in a mesh, with the outcome at each port that it speaks of.
    Service(&'w Service, &'w [PortAttachment]),
    /// A ListenerSet that has no Gateway, or is not allowed by it.
    Detached,
    /// A Gateway, or a ListenerSet of it, with the outcome at each listener that it speaks of.
    Attached(&'w GatewayListeners, &'w [ListenerAttachment]),
}

impl<'a> View<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        match object {
            Object::GatewayClass(class) => Self::GatewayClass(class),
            Object::Gateway(gateway) => Self::Gateway(gateway),
            Object::ListenerSet(set) => Self::ListenerSet(set),
            Object::Route(route) => Self::Route(route),
            Object::Service(service) => Self::Service(service),
            Object::ServiceImport(import) => Self::ServiceImport(import),
            Object::ReferenceGrant(grant) => Self::ReferenceGrant(grant),
            other => Self::Other(other.kind(), other.meta()),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::ListenerSet(set) => set.name().kind(),
            Self::Route(route) => Kind::Route(route.kind),
            Self::Service(_) => Kind::Service,
            Self::ServiceImport(_) => Kind::ServiceImport,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::Other(kind, _) => kind,
        }
    }

    pub(super) fn meta(self) -> &'a Meta {
        match self {
            Self::GatewayClass(object) => &object.meta,
            Self::Gateway(object) => &object.meta,
            Self::ListenerSet(object) => &object.meta,
            Self::Route(object) => &object.meta,
            Self::Service(object) => &object.meta,
            Self::ServiceImport(object) => &object.meta,
            Self::ReferenceGrant(object) => &object.meta,
            Self::Other(_, meta) => meta,
        }
    }
}

impl<'a> World<'a> {
    /// These objects, which are those of the index.
    pub(super) fn new(all: impl Iterator<Item = View<'a>>, objects: &'a Objects, snapshot: Arc<Snapshot>) -> Self {
        let all: BTreeMap<ObjectRef, View<'a>> = all
            .map(|view| (ObjectRef::new(view.kind(), view.meta()), view))
            .collect();
        let kinds = all.keys().map(|object| object.kind).collect();
        Self {
            all,
            kinds,
            objects,
            attached: attached(&snapshot),
            owners: owners(&snapshot),
            snapshot,
        }
    }

    /// True if any object of the kind was given: else nothing is said about those that are missing.
    pub(super) fn has(&self, kind: Kind) -> bool {
        self.kinds.contains(&kind)
    }

    pub(super) fn find(&self, kind: Kind, name: ObjectName) -> Option<View<'a>> {
        self.all.get(&ObjectRef { kind, name }).copied()
    }

    /// Every object, by kind and name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ObjectRef, &'a Meta)> {
        self.all.iter().map(|(name, object)| (name, object.meta()))
    }

    /// Every object that could be read.
    fn read(&self) -> impl Iterator<Item = View<'a>> {
        self.all.values().copied().filter(|object| !object.meta().is_unread())
    }

    /// Every route, by kind and name.
    pub(super) fn routes(&self) -> impl Iterator<Item = &'a Route> {
        self.read().filter_map(|object| match object {
            View::Route(route) => Some(route),
            _ => None,
        })
    }

    /// Every Gateway, by name.
    pub(super) fn gateways(&self) -> impl Iterator<Item = &'a Gateway> {
        self.read().filter_map(|object| match object {
            View::Gateway(gateway) => Some(gateway),
            _ => None,
        })
    }

    /// The Gateway of that name.
    pub(super) fn gateway(&self, name: &ObjectName) -> Option<&'a Gateway> {
        match self.find(Kind::Gateway, name.clone())? {
            View::Gateway(gateway) => Some(gateway),
            _ => None,
        }
    }

    /// Every ListenerSet, by name.
    pub(super) fn listener_sets(&self) -> impl Iterator<Item = &'a ListenerSet> {
        self.read().filter_map(|object| match object {
            View::ListenerSet(set) => Some(set),
            _ => None,
        })
    }

    /// Every ReferenceGrant, by name.
    pub(super) fn grants(&self) -> impl Iterator<Item = &'a ReferenceGrant> {
        self.read().filter_map(|object| match object {
            View::ReferenceGrant(grant) => Some(grant),
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
            View::GatewayClass(class) => Some(class),
            _ => None,
        }
    }

    /// What became of the parentRef at `index` of a route.
    pub(super) fn parent(&self, route: &Route, index: usize, parent: &ParentRef) -> Parent<'_> {
        let name = parent.target.resolve(&route.meta.name.namespace);
        let kind = if names_gateway(&parent.target) {
            Kind::Gateway
        } else if let Some(kind) = listener_set_kind(&parent.target) {
            kind
        } else if names_service(&parent.target) {
            Kind::Service
        } else {
            return Parent::NotGiven;
        };
        match (self.find(kind, name.clone()), kind) {
            (None, _) if self.has(kind) => Parent::NotFound,
            (None, _) => Parent::NotGiven,
            (Some(object), _) if object.meta().is_unread() => Parent::NotGiven,
            (Some(View::Service(service)), _) => self.at_service(route, index, service),
            (Some(_), _) => self.attached(route, index, &name, kind),
        }
    }

    fn at_service<'w>(&'w self, route: &Route, index: usize, service: &'w Service) -> Parent<'w> {
        let own = self
            .snapshot
            .service_attachments(&service.meta.name)
            .iter()
            .find(|one| one.kind == route.kind && one.route == route.meta.name && one.parent == index);
        Parent::Service(service, own.map(|own| &*own.ports).unwrap_or_default())
    }

    fn attached(&self, route: &Route, index: usize, parent: &ObjectName, kind: Kind) -> Parent<'_> {
        let owner = match kind {
            Kind::Gateway => Some(parent),
            _ => self.owners.get(&ListenerSetName {
                name: parent.clone(),
                experimental: kind == Kind::XListenerSet,
            }),
        };
        let Some((owner, listeners)) = owner.and_then(|owner| Some((owner, self.snapshot.listeners(owner)?))) else {
            return Parent::Detached;
        };
        let own = self.attachments(route, index).find(|(gateway, _)| *gateway == owner);
        Parent::Attached(listeners, own.map(|(_, own)| &*own.listeners).unwrap_or_default())
    }

    /// What became of the parentRef at `index` of a route, at each Gateway that it speaks of.
    fn attachments(&self, route: &Route, index: usize) -> impl Iterator<Item = (&ObjectName, &RouteAttachment)> {
        let key = (route.kind, route.meta.name.clone(), index);
        let places = self.attached.get(&key).into_iter().flatten();
        places.filter_map(|(gateway, at)| Some((gateway, self.snapshot.attachments(gateway).get(*at)?)))
    }

    /// The Gateways to which a route is attached in at least one listener, by name.
    pub(super) fn gateways_of(&self, route: &Route) -> BTreeSet<&ObjectName> {
        let all = (0..route.parents.len()).flat_map(|index| self.attachments(route, index));
        all.filter(|(_, attachment)| attachment.listeners.iter().any(|at| at.outcome.is_ok()))
            .map(|(gateway, _)| gateway)
            .collect()
    }
}

fn attached(snapshot: &Snapshot) -> HashMap<ParentId, Vec<(ObjectName, usize)>> {
    let mut places: HashMap<ParentId, Vec<(ObjectName, usize)>> = HashMap::new();
    for gateway in snapshot.gateways() {
        for (at, one) in snapshot.attachments(gateway).iter().enumerate() {
            let key = (one.kind, one.route.clone(), one.parent);
            places.entry(key).or_default().push((gateway.clone(), at));
        }
    }
    places
}

fn owners(snapshot: &Snapshot) -> HashMap<ListenerSetName, ObjectName> {
    let gateways = snapshot.gateways().filter_map(|gateway| snapshot.listeners(gateway));
    let sets = gateways.flat_map(|all| {
        let sets = all.listeners.iter().filter_map(|merged| merged.set.clone());
        sets.map(|set| (set, all.gateway.meta.name.clone()))
    });
    sets.collect()
}
