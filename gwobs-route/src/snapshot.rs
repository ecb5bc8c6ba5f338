//! The specs at one moment, made ready for decisions; immutable and cheap to share.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::attach::GatewayListeners;
use crate::cluster::Cluster;
use crate::compile::CompiledRoute;
use crate::gateway_table::{GatewayTable, PortKey, PortTable, RouteAttachment};
use crate::model::{BackendTlsPolicy, Reference, Route, Rule};
use crate::objects::RouteKey;
use crate::profile::Profile;
use crate::scope::Scope;
use crate::service_table::{ServiceAttachment, ServiceTable};
use crate::transform::Transforms;
use crate::{Arrival, BackendName, Endpoints, Front, ObjectName, RouteRef};

/// See the module. Made by [`Objects::snapshot`](crate::Objects::snapshot).
#[derive(Debug, Default)]
pub struct Snapshot {
    pub(crate) generation: u64,
    pub(crate) gateways: BTreeMap<ObjectName, Arc<GatewayTable>>,
    /// The Services that routes name as their parents.
    pub(crate) services: BTreeMap<ObjectName, Arc<ServiceTable>>,
    /// Namespaces of routes whose parents could not be read: they may be bound to any Service.
    pub(crate) strays: BTreeSet<Arc<str>>,
    /// The profile where no class of a Gateway tells it.
    pub(crate) profile: Profile,
    pub(crate) routes: HashMap<RouteKey, Arc<CompiledRoute>>,
    pub(crate) cluster: Arc<Cluster>,
}

impl Snapshot {
    /// Counts up by one with each snapshot that differs, from 1.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The Gateways by name.
    pub fn gateways(&self) -> impl Iterator<Item = &ObjectName> {
        self.gateways.keys()
    }

    /// A Gateway's listeners with those of its ListenerSets, and their conflicts.
    #[must_use]
    pub fn listeners(&self, gateway: &ObjectName) -> Option<&GatewayListeners> {
        self.gateways.get(gateway).map(|table| &table.listeners)
    }

    /// What became of every parentRef that names the Gateway or one of its ListenerSets.
    #[must_use]
    pub fn attachments(&self, gateway: &ObjectName) -> &[RouteAttachment] {
        self.gateways
            .get(gateway)
            .map(|table| &*table.attachments)
            .unwrap_or_default()
    }

    /// The profile that decisions for a Gateway use.
    #[must_use]
    pub fn profile(&self, gateway: &ObjectName) -> Option<Profile> {
        self.gateways.get(gateway).map(|table| table.profile)
    }

    /// True if the specs hold this Service.
    #[must_use]
    pub fn has_service(&self, service: &ObjectName) -> bool {
        self.cluster.service(service).is_some()
    }

    /// The Services that routes name as their parents, by name.
    pub fn parent_services(&self) -> impl Iterator<Item = &ObjectName> {
        self.services.keys()
    }

    /// What became of every parentRef that names the Service.
    #[must_use]
    pub fn service_attachments(&self, service: &ObjectName) -> &[ServiceAttachment] {
        self.services
            .get(service)
            .map(|table| &*table.attachments)
            .unwrap_or_default()
    }

    /// The route that a reference names.
    #[must_use]
    pub fn route(&self, reference: &RouteRef) -> Option<&Arc<Route>> {
        self.compiled(reference).map(|compiled| &compiled.route)
    }

    /// The rule that a reference names: its timeouts, retries and session persistence are facts of a decision.
    #[must_use]
    pub fn rule(&self, reference: &RouteRef) -> Option<&Rule> {
        self.compiled(reference)?.rule(reference.rule)
    }

    /// Every backend (Service and port) that an address belongs to, in order of their names.
    #[must_use]
    pub fn backends_at(&self, address: SocketAddr) -> Vec<BackendName> {
        self.cluster.backends_at(address)
    }

    /// True if `address` is an endpoint of the backend, or the Service's own address with its port.
    #[must_use]
    pub fn owns(&self, backend: &BackendName, address: SocketAddr) -> bool {
        self.cluster.owns(backend, address)
    }

    /// The pod behind an endpoint address.
    #[must_use]
    pub fn pod_at(&self, address: IpAddr) -> Option<&ObjectName> {
        self.cluster.pod_at(address)
    }

    /// What is known about the backend's endpoints.
    #[must_use]
    pub fn endpoints(&self, backend: &BackendName) -> Endpoints {
        self.cluster.endpoints(backend)
    }

    /// The BackendTLSPolicy that is in force for a backend: its hostname is the server name sent there.
    #[must_use]
    pub fn tls_policy(&self, backend: &BackendName) -> Option<&Arc<BackendTlsPolicy>> {
        self.cluster.tls_policy(backend)
    }

    /// True if a BackendTLSPolicy can be kept: it names the well-known authorities, or at least one valid CA certificate.
    #[must_use]
    pub fn policy_is_valid(&self, policy: &BackendTlsPolicy) -> bool {
        self.cluster.has_valid_authority(policy)
    }

    /// True if a reference, made in `namespace`, leads to a ConfigMap or Secret with a CA certificate.
    #[must_use]
    pub fn is_authority(&self, reference: &Reference, namespace: &Arc<str>) -> bool {
        self.cluster.is_authority(reference, namespace)
    }

    /// True if a ReferenceGrant lets objects of that group, kind and namespace refer to `target`, named from `namespace`.
    #[must_use]
    pub fn is_granted(&self, group: &str, kind: &str, namespace: &Arc<str>, target: &Reference) -> bool {
        let object = target.resolve(namespace);
        object.namespace == *namespace || self.cluster.is_granted(group, kind, namespace, target, &object)
    }

    pub(crate) fn compiled(&self, reference: &RouteRef) -> Option<&Arc<CompiledRoute>> {
        self.routes.get(&(reference.kind, reference.route.clone()))
    }

    /// The profile that decisions at this front use.
    pub(crate) fn profile_at(&self, front: &Front) -> Profile {
        match front {
            Front::Gateway(gateway) => self.profile(gateway).unwrap_or(self.profile),
            Front::Service { .. } => self.profile,
        }
    }

    /// The routes that may come into question for requests which reach this front, by port.
    pub(crate) fn scopes_at(&self, front: &Front) -> Vec<(PortKey, &Scope)> {
        match front {
            Front::Gateway(gateway) => {
                let ports = self.gateways.get(gateway).into_iter().flat_map(|table| &table.ports);
                ports
                    .flat_map(|(key, port)| port.scopes.values().map(|scope| (*key, scope)))
                    .collect()
            }
            Front::Service { service, client } => {
                let table = self.services.get(service);
                let ports = table
                    .into_iter()
                    .flat_map(|table| table.ports.keys().map(move |key| (table, *key)));
                ports
                    .filter_map(|(table, key)| Some((key, &table.bound(service, client, key)?.scope)))
                    .collect()
            }
        }
    }

    /// What the filters of the routes at this place can turn requests into.
    pub(crate) fn transforms_at(&self, arrival: &Arrival) -> Option<&Transforms> {
        match &arrival.front {
            Front::Gateway(gateway) => Some(&self.port(gateway, false, arrival.port)?.1.transforms),
            Front::Service { service, client } => {
                let key = PortKey {
                    udp: false,
                    port: arrival.port,
                };
                Some(&self.services.get(service)?.bound(service, client, key)?.transforms)
            }
        }
    }

    pub(crate) fn port(&self, gateway: &ObjectName, udp: bool, port: u16) -> Option<(&Arc<GatewayTable>, &PortTable)> {
        let table = self.gateways.get(gateway)?;
        Some((table, table.ports.get(&PortKey { udp, port })?))
    }
}
