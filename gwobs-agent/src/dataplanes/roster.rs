//! The pods of this node and the Services that lead to them: which are data planes of which Gateways.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::profile::Profile;
use gwobs_route::{ObjectName, Objects, Snapshot};

use super::Plane;
use super::doors::{ServicePorts, doors};
use super::owner::{Extra, Owner};
use super::pod::Pod;

/// See the module.
#[derive(Debug, Default)]
pub struct Roster {
    extras: Vec<Extra>,
    pods: BTreeMap<ObjectName, Pod>,
    services: BTreeMap<ObjectName, ServicePorts>,
}

impl Roster {
    /// No pods yet. `extras`: pods that are data planes although their labels do not say so.
    #[must_use]
    pub fn new(extras: Vec<Extra>) -> Self {
        Self {
            extras,
            ..Self::default()
        }
    }

    /// A pod is there, or is not; true if that is news.
    pub fn pod(&mut self, name: &ObjectName, pod: Option<Pod>) -> bool {
        put(&mut self.pods, name, pod)
    }

    /// A Service leads to pods, or does not; true if that is news.
    pub fn service(&mut self, name: &ObjectName, service: Option<ServicePorts>) -> bool {
        put(&mut self.services, name, service)
    }

    /// Names of the pods.
    #[must_use]
    pub fn pods(&self) -> Vec<ObjectName> {
        self.pods.keys().cloned().collect()
    }

    /// Names of the Services.
    #[must_use]
    pub fn services(&self) -> Vec<ObjectName> {
        self.services.keys().cloned().collect()
    }

    /// The Gateways that the pods serve.
    #[must_use]
    pub fn gateways(&self, objects: &Objects) -> BTreeSet<ObjectName> {
        let pods = self.pods.iter();
        let owners = pods.filter_map(|(name, pod)| Owner::of(&name.namespace, &pod.labels, &self.extras));
        owners
            .flat_map(|owner| gateways(&owner, objects).collect::<Vec<_>>())
            .collect()
    }

    /// The pods that serve Gateways, by name.
    #[must_use]
    pub fn planes(&self, objects: &Objects, snapshot: &Snapshot) -> Vec<Plane> {
        let planes = self.pods.iter().filter_map(|(name, pod)| {
            let owner = Owner::of(&name.namespace, &pod.labels, &self.extras)?;
            let gateways: Vec<ObjectName> = gateways(&owner, objects)
                .filter(|name| snapshot.listeners(name).is_some())
                .collect();
            let listeners = gateways.iter().filter_map(|gateway| snapshot.listeners(gateway));
            let listeners: BTreeSet<u16> = listeners
                .flat_map(|listeners| &listeners.listeners)
                .map(|merged| merged.listener.port)
                .collect();
            let services = self.services.iter();
            let services = services.filter(|(service, _)| service.namespace == name.namespace);
            Some(Plane {
                pod: name.clone(),
                containers: pod.running().cloned().collect(),
                ports: doors(&listeners, services.map(|(_, service)| service), pod),
                gateways,
                address: pod.address,
            })
        });
        planes.filter(|plane| !plane.gateways.is_empty()).collect()
    }
}

fn put<T: PartialEq>(all: &mut BTreeMap<ObjectName, T>, name: &ObjectName, new: Option<T>) -> bool {
    match new {
        Some(new) if all.get(name) == Some(&new) => false,
        Some(new) => {
            all.insert(name.clone(), new);
            true
        }
        None => all.remove(name).is_some(),
    }
}

/// The Gateways of an owner that are there.
fn gateways<'a>(owner: &'a Owner, objects: &'a Objects) -> impl Iterator<Item = ObjectName> + use<'a> {
    let of = |profile: Profile, class: &str| {
        objects
            .classes()
            .any(|own| *own.meta.name.name == *class && Profile::of_controller(&own.controller) == profile)
    };
    let wanted = objects.gateways().filter(move |gateway| match owner {
        Owner::Gateway(name) => gateway.meta.name == *name,
        Owner::Class(class) => *gateway.class == **class,
        Owner::Controller(profile) => of(*profile, &gateway.class),
    });
    wanted.map(|gateway| gateway.meta.name.clone())
}
