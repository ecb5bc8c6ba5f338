//! What a run of the pipeline is told once, at its start.

use std::collections::BTreeMap;
use std::time::Duration;

use gwobs_route::ObjectName;

use super::scope::Scopes;

/// What a run of the pipeline is told once, at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Distinguishes this run's decision ids from those of other runs and agents.
    pub run: String,
    /// The Gateways whose listeners count, for processes that are assigned to none; empty: requests are recorded without
    /// verdicts.
    pub gateways: Vec<ObjectName>,
    /// Which listener port a local port stands for, for the same processes.
    pub ports: PortMap,
    /// Processes that are assigned to Gateways of their own.
    pub scopes: Scopes,
    /// How long a mismatch is held in case a newer snapshot explains it (`--hold`).
    pub hold: Duration,
    /// How long replaced specs may still be followed, and newer ones be ahead (`--convergence-window`).
    pub convergence_window: Duration,
}

impl Settings {
    /// `--hold` when not given.
    pub const HOLD: Duration = Duration::from_secs(2);
    /// `--convergence-window` when not given.
    pub const CONVERGENCE_WINDOW: Duration = Duration::from_secs(10);
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            run: String::new(),
            gateways: Vec::new(),
            ports: PortMap::default(),
            scopes: Scopes::default(),
            hold: Self::HOLD,
            convergence_window: Self::CONVERGENCE_WINDOW,
        }
    }
}

/// Local port to listener port (`--port-map LISTENER_PORT=LOCAL_PORT`): a port that is not named stands for itself,
/// unless it is a listener port that was mapped elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortMap {
    by_local: BTreeMap<u16, u16>,
    by_listener: BTreeMap<u16, u16>,
}

impl PortMap {
    /// Says that `listener` is bound at `local`.
    pub fn insert(&mut self, listener: u16, local: u16) {
        self.by_local.insert(local, listener);
        self.by_listener.insert(listener, local);
    }

    /// The local port that stands for `listener`.
    #[must_use]
    pub fn local_port(&self, listener: u16) -> u16 {
        self.by_listener.get(&listener).copied().unwrap_or(listener)
    }

    /// The listener port that `local` stands for; `None` if that listener is bound elsewhere.
    #[must_use]
    pub fn listener_port(&self, local: u16) -> Option<u16> {
        match self.by_local.get(&local) {
            Some(listener) => Some(*listener),
            None => (!self.by_listener.contains_key(&local)).then_some(local),
        }
    }
}
