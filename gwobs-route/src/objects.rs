//! The objects as they are now: the one mutable owner. Any order of the same events gives the same snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::attach::{Namespaces, allowed_sets, merge};
use crate::cluster::Cluster;
use crate::compile::{CompiledRoute, Patterns};
use crate::gateway_table::{GatewayTable, Parts};
use crate::model::{
    BackendTlsPolicy, ConfigMap, Gateway, GatewayClass, Kind, ListenerSet, ListenerSetName, Object, Reference,
    ReferenceGrant, Route, Secret, Service,
};
use crate::profile::Profile;
use crate::service_table::ServiceTable;
use crate::snapshot::Snapshot;
use crate::{ObjectName, RouteKind};

/// A route's kind and name.
pub(crate) type RouteKey = (RouteKind, ObjectName);

/// The objects, and the snapshot last taken of them.
#[derive(Debug, Default)]
pub struct Objects {
    classes: BTreeMap<ObjectName, Arc<GatewayClass>>,
    gateways: BTreeMap<ObjectName, Arc<Gateway>>,
    sets: BTreeMap<ListenerSetName, Arc<ListenerSet>>,
    namespaces: Namespaces,
    routes: HashMap<RouteKey, Arc<CompiledRoute>>,
    /// The routes that name each Gateway, ListenerSet or Service as a parent.
    children: HashMap<ObjectName, BTreeSet<RouteKey>>,
    /// Routes whose parents could not be read: they may be anybody's.
    strays: BTreeSet<RouteKey>,
    cluster: Arc<Cluster>,
    patterns: Patterns,
    profile: Option<Profile>,
    changes: Changes,
    snapshot: Arc<Snapshot>,
}

/// What happened since the last snapshot.
#[derive(Debug, Default)]
struct Changes {
    anything: bool,
    /// Gateways, ListenerSets, classes or namespaces: every table may change.
    topology: bool,
    /// Parents of changed routes.
    parents: HashSet<ObjectName>,
}

impl Objects {
    /// Nothing yet. `profile`: the data plane; `None` to tell it from each Gateway's class.
    #[must_use]
    pub fn new(profile: Option<Profile>) -> Self {
        Self {
            profile,
            ..Self::default()
        }
    }

    /// Adds an object, in place of the one with its kind and name. `at`: nanoseconds on the clock of
    /// [`Observation::at`](crate::Observation), for the history of endpoint addresses.
    pub fn apply(&mut self, object: Object, at: u64) {
        self.changes.anything = true;
        let name = object.meta().name.clone();
        match object {
            Object::Route(route) => self.put_route(route),
            Object::GatewayClass(class) => self.topology(|own| own.classes.insert(name, Arc::new(class))),
            Object::Gateway(gateway) => self.topology(|own| own.gateways.insert(name, Arc::new(gateway))),
            Object::ListenerSet(set) => self.topology(|own| own.sets.insert(set.name(), Arc::new(set))),
            Object::Namespace(namespace) => self.topology(|own| own.namespaces.insert(Arc::new(namespace))),
            Object::Secret(secret) => self.cluster().put_secret(Arc::new(secret)),
            Object::ConfigMap(map) => self.cluster().put_config_map(Arc::new(map)),
            Object::Service(service) => self.service(&name, |cluster| cluster.put_service(Arc::new(service))),
            Object::ServiceImport(import) => self.cluster().put_import(Arc::new(import)),
            Object::EndpointSlice(slice) => self.cluster().put_slice(&Arc::new(slice), at),
            Object::ReferenceGrant(grant) => self.cluster().put_grant(Arc::new(grant)),
            Object::BackendTlsPolicy(policy) => self.cluster().put_policy(Arc::new(policy)),
        }
    }

    /// Removes an object; nothing happens if it is not there. `at` as in [`Self::apply`].
    pub fn delete(&mut self, kind: Kind, name: &ObjectName, at: u64) {
        self.changes.anything = true;
        match kind {
            Kind::Route(kind) => self.remove_route(&(kind, name.clone())),
            Kind::GatewayClass => self.topology(|own| own.classes.remove(name)),
            Kind::Gateway => self.topology(|own| own.gateways.remove(name)),
            Kind::ListenerSet | Kind::XListenerSet => {
                let experimental = kind == Kind::XListenerSet;
                let name = name.clone();
                self.topology(|own| own.sets.remove(&ListenerSetName { name, experimental }));
            }
            Kind::Namespace => self.topology(|own| own.namespaces.remove(&name.name)),
            Kind::Secret => self.cluster().remove_secret(name),
            Kind::ConfigMap => self.cluster().remove_config_map(name),
            Kind::Service => self.service(name, |cluster| cluster.remove_service(name)),
            Kind::ServiceImport => self.cluster().remove_import(name),
            Kind::EndpointSlice => self.cluster().remove_slice(name, at),
            Kind::ReferenceGrant => self.cluster().remove_grant(name),
            Kind::BackendTlsPolicy => self.cluster().remove_policy(name),
        }
    }

    fn topology<R>(&mut self, change: impl FnOnce(&mut Self) -> R) {
        self.changes.topology = true;
        change(self);
    }

    /// The cluster to change: a copy if a snapshot still holds the last one.
    fn cluster(&mut self) -> &mut Cluster {
        Arc::make_mut(&mut self.cluster)
    }

    /// A change to a Service: it may be the parent of routes.
    fn service(&mut self, name: &ObjectName, change: impl FnOnce(&mut Cluster)) {
        if self.children.contains_key(name) {
            self.changes.parents.insert(name.clone());
        }
        change(self.cluster());
    }

    fn put_route(&mut self, route: Route) {
        let key = (route.kind, route.meta.name.clone());
        self.remove_route(&key);
        if route.has_unread_parents() {
            self.strays.insert(key.clone());
            self.changes.topology = true;
        }
        for parent in parents_of(&route) {
            self.changes.parents.insert(parent.clone());
            self.children.entry(parent).or_default().insert(key.clone());
        }
        let compiled = CompiledRoute::new(Arc::new(route), &mut self.patterns);
        self.routes.insert(key, Arc::new(compiled));
    }

    fn remove_route(&mut self, key: &RouteKey) {
        let Some(old) = self.routes.remove(key) else { return };
        self.changes.topology |= self.strays.remove(key);
        for parent in parents_of(&old.route) {
            if let Some(children) = self.children.get_mut(&parent) {
                children.remove(key);
            }
            self.changes.parents.insert(parent);
        }
    }

    /// The objects as they are now, made ready for decisions. Only what changed since the last snapshot is made anew; if
    /// nothing did, it is the last one.
    pub fn snapshot(&mut self) -> Arc<Snapshot> {
        if self.changes.anything {
            let changes = std::mem::take(&mut self.changes);
            self.snapshot = Arc::new(self.build(&changes));
            self.patterns.sweep();
        }
        self.snapshot.clone()
    }

    fn build(&self, changes: &Changes) -> Snapshot {
        let old = &self.snapshot;
        let tables = self.gateways.iter().map(|(name, gateway)| {
            let sets = allowed_sets(gateway, self.sets.values(), &self.namespaces);
            let previous = old.gateways.get(name);
            let mut parents = sets.iter().map(|set| &set.meta.name).chain([name]);
            let touched = changes.topology || parents.any(|parent| changes.parents.contains(parent));
            let table = match previous.filter(|_| !touched) {
                Some(same) => same.clone(),
                None => Arc::new(self.table(gateway, &sets, previous.map(|previous| &**previous))),
            };
            (name.clone(), table)
        });
        Snapshot {
            generation: old.generation + 1,
            gateways: tables.collect(),
            services: self.service_tables(changes),
            strays: self.strays.iter().map(|(_, route)| route.namespace.clone()).collect(),
            profile: self.profile.unwrap_or_default(),
            routes: self.routes.clone(),
            cluster: self.cluster.clone(),
        }
    }

    /// The tables of all Services that routes name as their parents.
    fn service_tables(&self, changes: &Changes) -> BTreeMap<ObjectName, Arc<ServiceTable>> {
        let named = self.children.iter().filter(|(_, children)| !children.is_empty());
        let services = named.filter_map(|(name, children)| Some((self.cluster.service(name)?, children)));
        let tables = services.map(|(service, children)| {
            let name = &service.meta.name;
            let previous = self.snapshot.services.get(name);
            let table = match previous.filter(|_| !changes.parents.contains(name)) {
                Some(same) => same.clone(),
                None => Arc::new(self.service_table(service, children, previous.map(|previous| &**previous))),
            };
            (name.clone(), table)
        });
        tables.filter(|(_, table)| !table.attachments.is_empty()).collect()
    }

    fn service_table(
        &self,
        service: &Service,
        children: &BTreeSet<RouteKey>,
        previous: Option<&ServiceTable>,
    ) -> ServiceTable {
        let routes = children
            .iter()
            .filter_map(|key| self.routes.get(key))
            .cloned()
            .collect();
        ServiceTable::new(service, routes, self.profile.unwrap_or_default(), previous)
    }

    fn table(
        &self,
        gateway: &Arc<Gateway>,
        sets: &[&Arc<ListenerSet>],
        previous: Option<&GatewayTable>,
    ) -> GatewayTable {
        let parents = sets.iter().map(|set| &set.meta.name).chain([&gateway.meta.name]);
        let keys: BTreeSet<_> = parents
            .filter_map(|parent| self.children.get(parent))
            .flatten()
            .chain(&self.strays)
            .collect();
        let routes = keys
            .into_iter()
            .filter_map(|key| self.routes.get(key))
            .cloned()
            .collect();
        let parts = Parts {
            listeners: merge(gateway, sets, &self.namespaces),
            routes,
            namespaces: &self.namespaces,
            profile: self.profile_of(gateway),
        };
        GatewayTable::new(parts, previous)
    }

    /// The profile asked for, else the one of the Gateway's class.
    #[must_use]
    pub fn profile_of(&self, gateway: &Gateway) -> Profile {
        let class = ObjectName {
            namespace: "".into(),
            name: gateway.class.clone(),
        };
        let of_class = || {
            self.classes
                .get(&class)
                .map(|class| Profile::of_controller(&class.controller))
        };
        self.profile.or_else(of_class).unwrap_or_default()
    }

    /// All GatewayClasses by name.
    pub fn classes(&self) -> impl Iterator<Item = &Arc<GatewayClass>> {
        self.classes.values()
    }

    /// All Gateways by name.
    pub fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values()
    }

    /// All ListenerSets by name.
    pub fn listener_sets(&self) -> impl Iterator<Item = &Arc<ListenerSet>> {
        self.sets.values()
    }

    /// All routes, in no order.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.values().map(|compiled| &compiled.route)
    }

    /// All Secrets, in no order.
    pub fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.cluster.secrets()
    }

    /// All ConfigMaps, in no order.
    pub fn config_maps(&self) -> impl Iterator<Item = &Arc<ConfigMap>> {
        self.cluster.config_maps()
    }

    /// All Services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.cluster.services()
    }

    /// All ReferenceGrants by name.
    pub fn grants(&self) -> impl Iterator<Item = &Arc<ReferenceGrant>> {
        self.cluster.grants()
    }

    /// All BackendTLSPolicies by name.
    pub fn policies(&self) -> impl Iterator<Item = &Arc<BackendTlsPolicy>> {
        self.cluster.policies()
    }

    /// True if an object of this kind in `namespace` may refer to `target`: by its namespace, or by a ReferenceGrant.
    #[must_use]
    pub fn is_granted(&self, group: &str, kind: &str, namespace: &Arc<str>, target: &Reference) -> bool {
        let object = target.resolve(namespace);
        object.namespace == *namespace || self.cluster.is_granted(group, kind, namespace, target, &object)
    }

    /// The namespaces' labels.
    #[must_use]
    pub fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }
}

/// The Gateways, ListenerSets and Services that a route names as parents.
fn parents_of(route: &Route) -> BTreeSet<ObjectName> {
    let namespace = &route.meta.name.namespace;
    route
        .parents
        .iter()
        .map(|parent| parent.target.resolve(namespace))
        .collect()
}
