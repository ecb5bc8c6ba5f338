//! Listener port to container port: a Gateway's Service maps them.

use std::collections::{BTreeMap, BTreeSet};

use gwobs_route::model::{Object, Service, ServicePort, TargetPort, Transport};
use serde_json::Value;

use super::pod::Pod;

/// A Service as far as it maps ports of pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePorts {
    selector: BTreeMap<String, String>,
    ports: Vec<ServicePort>,
}

impl ServicePorts {
    /// Of a Service's `spec.selector` and of the Service as it was read; `None` without a selector.
    #[must_use]
    pub fn of(selector: &Value, object: &Object) -> Option<Self> {
        let Object::Service(Service { ports, .. }) = object else {
            return None;
        };
        let selector = selector.as_object()?;
        let selector: BTreeMap<String, String> = selector
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect();
        (!selector.is_empty()).then(|| Self {
            selector,
            ports: ports.clone(),
        })
    }

    fn selects(&self, pod: &Pod) -> bool {
        self.selector
            .iter()
            .all(|(name, value)| pod.labels.get(name) == Some(value))
    }
}

/// Listener ports and the ports that the pod binds for them, where they differ. A listener whose port no Service maps is
/// bound at its own (host network; Traefik, whose listeners name the port that it binds).
pub(super) fn doors<'a>(
    listeners: &BTreeSet<u16>,
    services: impl Iterator<Item = &'a ServicePorts>,
    pod: &Pod,
) -> Vec<(u16, u16)> {
    let mut doors = BTreeMap::new();
    let ports = services
        .filter(|service| service.selects(pod))
        .flat_map(|service| &service.ports);
    for port in ports.filter(|port| port.transport == Transport::Tcp && listeners.contains(&port.port)) {
        let target = match &port.target {
            TargetPort::Same => Some(port.port),
            TargetPort::Number(number) => Some(*number),
            TargetPort::Name(name) => pod.port_named(name),
        };
        if let Some(target) = target.filter(|target| *target != port.port) {
            doors.entry(port.port).or_insert(target);
        }
    }
    doors.into_iter().collect()
}
