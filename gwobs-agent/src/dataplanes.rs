//! Which processes of this node are the data planes of which Gateways.
//!
//! ```text
//! Pod labels ─► owner: the Gateways it serves        Service ─► doors: listener port to container port
//!     └────────► Plane {containers, gateways, ports} ◄──────────────┘
//! Plane ─► container id ─► control groups in /proc ─► processes; of those, the proxies
//! ```
//!
//! All but the last step is a function of the objects.

mod container;
mod doors;
mod owner;
mod pod;
mod processes;
mod roster;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};

use gwobs_route::ObjectName;

pub use container::ContainerId;
pub use doors::ServicePorts;
pub use owner::{Extra, Owner};
pub use pod::{Container, Pod};
pub use processes::{Candidate, Census, proxies};
pub use roster::Roster;

/// A pod that serves Gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// The pod.
    pub pod: ObjectName,
    /// Its containers that run.
    pub containers: Vec<ContainerId>,
    /// The Gateways, by name.
    pub gateways: Vec<ObjectName>,
    /// Listener port and the port that the container binds, where they differ.
    pub ports: Vec<(u16, u16)>,
    /// The pod's address, once it has one.
    pub address: Option<IpAddr>,
}

impl Plane {
    /// Where a listener of this port is bound.
    #[must_use]
    pub fn door(&self, port: u16) -> Option<SocketAddr> {
        let mapped = self.ports.iter().find(|(listener, _)| *listener == port);
        let local = mapped.map_or(port, |(_, local)| *local);
        Some(SocketAddr::new(self.address?, local))
    }
}
