//! HTTPRoutes and GRPCRoutes that share a hostname at one listener.
//!
//! `GRPCRoute`: "If both HTTPRoute and GRPCRoute are attached to a Listener and share any hostname, implementations MUST
//! reject one: the oldest is kept, then the first by `namespace/name`. They are never merged."

use crate::RouteKind;
use crate::attach::Hostname;
use crate::attach::hostname::HostSet;

/// The hostnames taken by each kind at one listener. Routes must be offered in order: oldest first, then by name.
#[derive(Debug, Default)]
pub(crate) struct RouteConflicts {
    http: HostSet,
    grpc: HostSet,
}

impl RouteConflicts {
    /// True if the route may stay; its hostnames are then taken.
    pub(crate) fn admit(&mut self, kind: RouteKind, hostnames: &[Hostname]) -> bool {
        let (own, other) = match kind {
            RouteKind::Http => (&mut self.http, &self.grpc),
            RouteKind::Grpc => (&mut self.grpc, &self.http),
            RouteKind::Tls | RouteKind::Tcp | RouteKind::Udp => return true,
        };
        if hostnames.iter().any(|name| other.meets(name)) {
            return false;
        }
        hostnames.iter().for_each(|name| own.insert(name));
        true
    }
}
