//! `gwobs_convergence_seconds`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use gwobs_route::ObjectName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// How long gateways follow replaced specs.
#[derive(Debug)]
pub struct Convergence {
    lag: Family<Labels, Histogram, fn() -> Histogram>,
    /// The Gateways of this node's data planes.
    watched: HashSet<ObjectName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
}

/// From a control plane that pushes at once to one that polls: the default window is 10 s, five minutes is an incident.
const BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

impl Convergence {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let lag = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let help = "Time from a spec change to the last request that was still routed by the old spec";
        registry.register_with_unit("convergence", help, Unit::Seconds, lag.clone());
        Self {
            lag,
            watched: HashSet::new(),
        }
    }

    /// Requests of `gateway` are seen: it has a histogram from now on. One that is born with what it measures hides that
    /// from `rate()`.
    pub(super) fn watch(&mut self, gateway: &ObjectName) {
        if !self.watched.contains(gateway) {
            self.watched.insert(gateway.clone());
            drop(self.lag.get_or_create(&Labels::of(gateway)));
        }
    }

    /// The last request of `gateway` that was routed by specs which a change replaced came `lag` after the change.
    pub fn converged(&self, gateway: &ObjectName, lag: Duration) {
        self.lag.get_or_create(&Labels::of(gateway)).observe(lag.as_secs_f64());
    }
}

impl Labels {
    fn of(gateway: &ObjectName) -> Self {
        Self {
            gateway_namespace: Arc::clone(&gateway.namespace),
            gateway: Arc::clone(&gateway.name),
        }
    }
}
