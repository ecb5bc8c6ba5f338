//! Backends and their addresses: Services, EndpointSlices, ServiceImports, grants and backend TLS policies.

mod addresses;
mod backends;
mod history;
mod policies;

pub(crate) use backends::Referrer;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use crate::ObjectName;
use crate::cluster::addresses::Owners;
use crate::cluster::history::History;
use crate::model::{BackendTlsPolicy, ConfigMap, EndpointSlice, ReferenceGrant, Secret, Service, ServiceImport};

/// See the module. Cloned when it changes after a snapshot was taken; everything big is behind an `Arc`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cluster {
    services: HashMap<ObjectName, Arc<Service>>,
    imports: HashMap<ObjectName, Arc<ServiceImport>>,
    slices: HashMap<ObjectName, Arc<EndpointSlice>>,
    /// The slices of each Service, by the slice's name so that their order does not depend on arrival.
    slices_of: HashMap<ObjectName, BTreeMap<ObjectName, Arc<EndpointSlice>>>,
    owners: Owners,
    /// Slices that could not be read so far as to tell whose they are, by namespace: they may be any Service's.
    strays: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
    grants: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Arc<ReferenceGrant>>>,
    policies: BTreeMap<ObjectName, Arc<BackendTlsPolicy>>,
    secrets: HashMap<ObjectName, Arc<Secret>>,
    config_maps: HashMap<ObjectName, Arc<ConfigMap>>,
    history: History,
}

impl Cluster {
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Arc<Secret>> {
        self.secrets.values()
    }

    pub(crate) fn config_maps(&self) -> impl Iterator<Item = &Arc<ConfigMap>> {
        self.config_maps.values()
    }

    pub(crate) fn service(&self, name: &ObjectName) -> Option<&Arc<Service>> {
        self.services.get(name)
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    pub(crate) fn grants(&self) -> impl Iterator<Item = &Arc<ReferenceGrant>> {
        self.grants.values().flat_map(BTreeMap::values)
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = &Arc<BackendTlsPolicy>> {
        self.policies.values()
    }

    pub(crate) fn put_service(&mut self, service: Arc<Service>) {
        let name = service.meta.name.clone();
        self.remove_service(&name);
        self.owners.add_all(&service_addresses(&service), &name);
        self.services.insert(name, service);
    }

    pub(crate) fn remove_service(&mut self, name: &ObjectName) {
        if let Some(old) = self.services.remove(name) {
            self.owners.remove_all(&service_addresses(&old), name);
        }
    }

    pub(crate) fn put_import(&mut self, import: Arc<ServiceImport>) {
        self.imports.insert(import.meta.name.clone(), import);
    }

    pub(crate) fn remove_import(&mut self, name: &ObjectName) {
        self.imports.remove(name);
    }

    /// `at`: when the change was seen, for the history of addresses.
    pub(crate) fn put_slice(&mut self, slice: &Arc<EndpointSlice>, at: u64) {
        let name = slice.meta.name.clone();
        let old = self.slices.insert(name.clone(), slice.clone());
        let owner = owner_of(slice).cloned();
        if let Some(old) = &old {
            self.unlink(old);
        }
        if owner.is_none() && slice.meta.is_unsure_of(&["metadata.labels"]) {
            let strays = self.strays.entry(name.namespace.clone()).or_default();
            strays.insert(name.name.clone());
        }
        if let Some(owner) = &owner {
            self.owners.add_all(&slice_addresses(slice), owner);
            self.slices_of
                .entry(owner.clone())
                .or_default()
                .insert(name, slice.clone());
            self.history.returned(&slice_addresses(slice), owner);
        }
        if let Some(old) = old {
            self.note_departures(&old, at);
        }
    }

    pub(crate) fn remove_slice(&mut self, name: &ObjectName, at: u64) {
        if let Some(old) = self.slices.remove(name) {
            self.unlink(&old);
            self.note_departures(&old, at);
        }
    }

    fn unlink(&mut self, old: &EndpointSlice) {
        let ObjectName { namespace, name } = &old.meta.name;
        if let Some(strays) = self.strays.get_mut(namespace) {
            strays.remove(name);
            if strays.is_empty() {
                self.strays.remove(namespace);
            }
        }
        let Some(owner) = owner_of(old) else { return };
        self.owners.remove_all(&slice_addresses(old), owner);
        if let Some(slices) = self.slices_of.get_mut(owner) {
            slices.remove(&old.meta.name);
            if slices.is_empty() {
                self.slices_of.remove(owner);
            }
        }
    }

    /// Addresses that no slice of the Service holds any more have left it.
    fn note_departures(&mut self, old: &EndpointSlice, at: u64) {
        let Some(owner) = owner_of(old) else { return };
        let gone: Vec<_> = slice_addresses(old)
            .into_iter()
            .filter(|&ip| !self.owners.has(ip, owner))
            .collect();
        self.history.left(&gone, owner, at);
    }

    pub(crate) fn put_grant(&mut self, grant: Arc<ReferenceGrant>) {
        let name = grant.meta.name.clone();
        self.grants.entry(name.namespace).or_default().insert(name.name, grant);
    }

    pub(crate) fn remove_grant(&mut self, name: &ObjectName) {
        if let Some(grants) = self.grants.get_mut(&name.namespace) {
            grants.remove(&name.name);
        }
    }

    pub(crate) fn put_policy(&mut self, policy: Arc<BackendTlsPolicy>) {
        self.policies.insert(policy.meta.name.clone(), policy);
    }

    pub(crate) fn remove_policy(&mut self, name: &ObjectName) {
        self.policies.remove(name);
    }

    pub(crate) fn put_secret(&mut self, secret: Arc<Secret>) {
        self.secrets.insert(secret.meta.name.clone(), secret);
    }

    pub(crate) fn remove_secret(&mut self, name: &ObjectName) {
        self.secrets.remove(name);
    }

    pub(crate) fn put_config_map(&mut self, map: Arc<ConfigMap>) {
        self.config_maps.insert(map.meta.name.clone(), map);
    }

    pub(crate) fn remove_config_map(&mut self, name: &ObjectName) {
        self.config_maps.remove(name);
    }
}

/// The Service or ServiceImport that a slice belongs to. Both share one name space here: an import of a Service has its
/// name and stands for the same backends.
fn owner_of(slice: &EndpointSlice) -> Option<&ObjectName> {
    slice.service.as_ref().or(slice.service_import.as_ref())
}

fn slice_addresses(slice: &EndpointSlice) -> Vec<IpAddr> {
    let endpoints = slice.endpoints.iter().flatten();
    endpoints
        .flat_map(|endpoint| endpoint.addresses.iter().copied())
        .collect()
}

fn service_addresses(service: &Service) -> Vec<IpAddr> {
    service
        .cluster_ips
        .iter()
        .chain(&service.external_ips)
        .copied()
        .collect()
}
