//! Which Gateways a process serves, and which of its ports stand for their listeners: on a node with several data planes
//! each has its own.

use std::collections::HashMap;
use std::sync::Arc;

use gwobs_route::ObjectName;

use super::settings::{PortMap, Settings};

/// Processes with a scope of their own, at most; as many as names are remembered.
const MAX_SCOPES: usize = super::MAX_PROCESSES;

/// What a process serves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The Gateways whose listeners it has.
    pub gateways: Vec<ObjectName>,
    /// Which listener port a local port stands for.
    pub ports: PortMap,
}

/// The scopes of processes that have one of their own. That of a process that ended stays: its last requests are yet to
/// be judged.
#[derive(Debug, Clone, Default)]
pub struct Scopes(HashMap<u32, Arc<Scope>>);

impl Scopes {
    /// A process serves this, and so do those that inherited from it what it served before; true if that is news.
    pub(super) fn assign(&mut self, pid: u32, scope: &Arc<Scope>) -> bool {
        let before = self.0.get(&pid).cloned();
        if before.as_ref() == Some(scope) || before.is_none() && self.0.len() >= MAX_SCOPES {
            return false;
        }
        if let Some(before) = before {
            let inherited = self.0.values_mut().filter(|own| Arc::ptr_eq(own, &before));
            inherited.for_each(|own| *own = Arc::clone(scope));
        }
        self.0.insert(pid, Arc::clone(scope));
        true
    }

    /// A new process serves what its parent serves.
    pub(super) fn inherit(&mut self, pid: u32, parent: u32) {
        match self.0.get(&parent).cloned() {
            Some(scope) => {
                self.assign(pid, &scope);
            }
            None => {
                // The id may have been another process's.
                self.0.remove(&pid);
            }
        }
    }
}

impl Settings {
    /// The Gateways that a process serves.
    pub(super) fn gateways_of(&self, pid: u32) -> &[ObjectName] {
        self.scopes.0.get(&pid).map_or(&self.gateways, |scope| &scope.gateways)
    }

    /// The listener port that a local port of a process stands for.
    pub(super) fn listener_port(&self, pid: u32, local: u16) -> Option<u16> {
        let ports = self.scopes.0.get(&pid).map_or(&self.ports, |scope| &scope.ports);
        ports.listener_port(local)
    }

    /// The local port of a process that stands for a listener port.
    pub(super) fn local_port(&self, pid: u32, listener: u16) -> u16 {
        let ports = self.scopes.0.get(&pid).map_or(&self.ports, |scope| &scope.ports);
        ports.local_port(listener)
    }

    /// All Gateways that any process serves, by name.
    pub(super) fn all_gateways(&self) -> Vec<ObjectName> {
        let of_scopes = self.scopes.0.values().flat_map(|scope| &scope.gateways);
        let mut all: Vec<ObjectName> = self.gateways.iter().chain(of_scopes).cloned().collect();
        all.sort();
        all.dedup();
        all
    }
}
