//! A Pod, as far as finding processes goes.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1 as core;
use serde_json::Value;

use super::container::ContainerId;
use crate::specs::{Misfit, decode};

/// A Pod, as far as finding processes goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its containers, sidecars among them, without those that have ended.
    pub containers: Vec<Container>,
    /// Its address, once it has one; the node's with host network.
    pub address: Option<IpAddr>,
}

/// A container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its id, once it has one.
    pub id: Option<ContainerId>,
    /// Whether it runs.
    pub running: bool,
    /// Its declared ports with their names.
    pub ports: Vec<(Option<String>, u16)>,
}

impl Pod {
    /// Reads a Pod.
    ///
    /// # Errors
    ///
    /// [`Misfit`] if it does not fit its type.
    pub fn read(value: &Value) -> Result<Self, Misfit> {
        let wire: core::Pod = decode(value, &mut Vec::new())?;
        let (spec, status) = (wire.spec.unwrap_or_default(), wire.status.unwrap_or_default());
        // Init containers that restart always are sidecars (KEP-753); others have ended by the time that traffic flows.
        let specs = spec.containers.iter().chain(spec.init_containers.iter().flatten());
        let statuses = status
            .container_statuses
            .iter()
            .flatten()
            .chain(status.init_container_statuses.iter().flatten());
        let statuses: BTreeMap<&str, &core::ContainerStatus> =
            statuses.map(|status| (status.name.as_str(), status)).collect();
        let containers = specs.map(|spec| container(spec, statuses.get(spec.name.as_str()).copied()));
        Ok(Self {
            labels: wire.metadata.labels.unwrap_or_default(),
            containers: containers.collect(),
            address: status.pod_ip.and_then(|text| text.parse().ok()),
        })
    }

    /// The number of a port: itself, or that of the declared port of this name.
    #[must_use]
    pub fn port_named(&self, name: &str) -> Option<u16> {
        let ports = self.containers.iter().flat_map(|container| &container.ports);
        ports
            .filter(|(own, _)| own.as_deref() == Some(name))
            .map(|(_, port)| *port)
            .next()
    }

    /// The containers that run.
    pub fn running(&self) -> impl Iterator<Item = &ContainerId> {
        let running = self.containers.iter().filter(|container| container.running);
        running.filter_map(|container| container.id.as_ref())
    }
}

fn container(spec: &core::Container, status: Option<&core::ContainerStatus>) -> Container {
    let ports = spec.ports.iter().flatten();
    let state = status.and_then(|status| status.state.as_ref());
    Container {
        name: spec.name.clone(),
        id: status.and_then(|status| ContainerId::of_status(status.container_id.as_deref()?)),
        running: state.is_some_and(|state| state.running.is_some()),
        ports: ports
            .filter_map(|port| Some((port.name.clone(), u16::try_from(port.container_port).ok()?)))
            .collect(),
    }
}
