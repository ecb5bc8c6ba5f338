//! Which Services an address belongs to, and whether it is one of a backend's.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::model::{EndpointSlice, Service, ServicePort, ServiceType, TargetPort};
use crate::{BackendName, Endpoints, ObjectName};

/// The Services that hold each address, counted, because several slices of a Service may hold the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Owners {
    by_address: HashMap<IpAddr, BTreeMap<ObjectName, u32>>,
}

impl Owners {
    pub(super) fn add_all(&mut self, addresses: &[IpAddr], owner: &ObjectName) {
        for &address in addresses {
            *self
                .by_address
                .entry(address)
                .or_default()
                .entry(owner.clone())
                .or_default() += 1;
        }
    }

    pub(super) fn remove_all(&mut self, addresses: &[IpAddr], owner: &ObjectName) {
        for address in addresses {
            let Some(owners) = self.by_address.get_mut(address) else {
                continue;
            };
            if let Some(count) = owners.get_mut(owner) {
                *count -= 1;
                if *count == 0 {
                    owners.remove(owner);
                }
            }
            if owners.is_empty() {
                self.by_address.remove(address);
            }
        }
    }

    pub(super) fn has(&self, address: IpAddr, owner: &ObjectName) -> bool {
        self.by_address
            .get(&address)
            .is_some_and(|owners| owners.contains_key(owner))
    }

    fn of(&self, address: IpAddr) -> impl Iterator<Item = &ObjectName> {
        self.by_address.get(&address).into_iter().flat_map(BTreeMap::keys)
    }
}

impl Cluster {
    /// Every backend that `address` belongs to, in order of their names.
    pub(crate) fn backends_at(&self, address: SocketAddr) -> Vec<BackendName> {
        let services = self.owners.of(address.ip());
        services.flat_map(|service| self.ports_at(service, address)).collect()
    }

    fn ports_at(&self, service: &ObjectName, address: SocketAddr) -> Vec<BackendName> {
        let ports = self.ports_of(service).iter();
        let backends = ports.map(|port| BackendName {
            service: service.clone(),
            port: port.port,
        });
        backends.filter(|backend| self.owns(backend, address)).collect()
    }

    /// True if `address` is an endpoint of the backend or the Service's own address with that port.
    pub(crate) fn owns(&self, backend: &BackendName, address: SocketAddr) -> bool {
        if !self.owners.has(address.ip(), &backend.service) {
            return false;
        }
        self.is_service_address(backend, address) || self.is_endpoint(backend, address)
    }

    /// True if any port of the Service would do: nothing but the port is wrong or not known.
    pub(crate) fn is_of_service(&self, service: &ObjectName, address: IpAddr) -> bool {
        self.owners.has(address, service)
    }

    fn is_service_address(&self, backend: &BackendName, address: SocketAddr) -> bool {
        let own = |service: &Arc<Service>| {
            service.cluster_ips.contains(&address.ip()) || service.external_ips.contains(&address.ip())
        };
        let import = |name| {
            self.imports
                .get(name)
                .is_some_and(|import| import.ips.contains(&address.ip()))
        };
        let owned = self.services.get(&backend.service).is_some_and(own) || import(&backend.service);
        owned && address.port() == backend.port
    }

    fn is_endpoint(&self, backend: &BackendName, address: SocketAddr) -> bool {
        let Some(port) = self.port_of(backend) else {
            return false;
        };
        let headless = self
            .services
            .get(&backend.service)
            .is_some_and(|service| service.headless);
        self.slices_of(&backend.service).any(|slice| {
            let holds = slice
                .endpoints
                .iter()
                .flatten()
                .any(|endpoint| endpoint.addresses.contains(&address.ip()));
            // The DNS name of a headless Service leads to its pods, with the Service's own port.
            holds && (slice_has_port(slice, port, address.port()) || (headless && address.port() == port.port))
        })
    }

    fn slices_of(&self, service: &ObjectName) -> impl Iterator<Item = &Arc<EndpointSlice>> {
        self.slices_of.get(service).into_iter().flat_map(BTreeMap::values)
    }

    pub(super) fn ports_of(&self, service: &ObjectName) -> &[ServicePort] {
        let own = self.services.get(service).map(|service| &*service.ports);
        own.or_else(|| self.imports.get(service).map(|import| &*import.ports))
            .unwrap_or_default()
    }

    pub(super) fn port_of(&self, backend: &BackendName) -> Option<&ServicePort> {
        self.ports_of(&backend.service)
            .iter()
            .find(|port| port.port == backend.port)
    }

    /// What is known about the backend's endpoints.
    pub(crate) fn endpoints(&self, backend: &BackendName) -> Endpoints {
        let Some(port) = self.port_of(backend) else {
            return Endpoints::Unknown;
        };
        if !self.addresses_are_known(backend) {
            return Endpoints::Unknown;
        }
        let ready = self.slices_of(&backend.service).any(|slice| {
            let named = slice
                .ports
                .iter()
                .any(|own| same_name(own.name.as_ref(), port.name.as_ref()));
            // `ready` unset means ready (`EndpointConditions`).
            named
                && slice
                    .endpoints
                    .iter()
                    .flatten()
                    .any(|endpoint| endpoint.ready != Some(false))
        });
        if ready { Endpoints::Ready } else { Endpoints::NoneReady }
    }

    /// True if the slices of the backend are there and tell all of its addresses.
    pub(crate) fn addresses_are_known(&self, backend: &BackendName) -> bool {
        let by_name = |service: &Arc<Service>| service.kind == ServiceType::ExternalName;
        let mut slices = self.slices_of(&backend.service).peekable();
        let told = |slice: &Arc<EndpointSlice>| {
            let mut endpoints = slice.endpoints.iter().flatten();
            slice.is_understood() && endpoints.all(|endpoint| endpoint.names.is_empty())
        };
        let external = self.services.get(&backend.service).is_some_and(by_name);
        let strays = self.strays.contains_key(&backend.service.namespace);
        !external && !strays && slices.peek().is_some() && slices.all(told)
    }

    /// When `address` left the Service; `None` if it is there, or was never seen there.
    pub(crate) fn left_at(&self, service: &ObjectName, address: IpAddr) -> Option<u64> {
        self.history.left_at(address, service)
    }

    /// The pod behind an endpoint address.
    pub(crate) fn pod_at(&self, address: IpAddr) -> Option<&ObjectName> {
        let slices = self.owners.of(address).flat_map(|service| self.slices_of(service));
        let mut endpoints = slices.flat_map(|slice| slice.endpoints.iter().flatten());
        endpoints
            .find(|endpoint| endpoint.addresses.contains(&address))?
            .pod
            .as_ref()
    }
}

/// An unnamed port and one with an empty name are the same.
fn same_name(one: Option<&Arc<str>>, other: Option<&Arc<str>>) -> bool {
    let name = |name: Option<&Arc<str>>| name.filter(|name| !name.is_empty()).cloned();
    name(one) == name(other)
}

fn slice_has_port(slice: &EndpointSlice, port: &ServicePort, number: u16) -> bool {
    let named = slice
        .ports
        .iter()
        .filter(|own| same_name(own.name.as_ref(), port.name.as_ref()));
    let target = match port.target {
        TargetPort::Number(target) => target,
        TargetPort::Same => port.port,
        TargetPort::Name(_) => number,
    };
    // A slice port without number means all ports: then the Service's own target tells.
    named.map(|own| own.port.unwrap_or(target)).any(|own| own == number)
}
