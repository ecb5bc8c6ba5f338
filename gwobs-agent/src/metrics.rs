//! What is exported on `/metrics`: OpenMetrics, prefix `gwobs_`, bounded labels (`INTERFACE.md`).
//!
//! One struct per subsystem, which registers itself. Labels never hold a path, host, address, pod or error text.

use prometheus_client::registry::Registry;

mod build;
mod certificates;
mod classic;
mod convergence;
mod decisions;
mod events;
mod grants;
mod health;
mod labels;
mod pairing;
mod server;
mod state;
mod tls;
mod weights;

pub use build::Build;
pub use certificates::CertificateCollector;
pub use convergence::Convergence;
pub use decisions::Decisions;
pub use events::Events;
pub use grants::Grants;
pub use health::Health;
pub use labels::{LabelCap, MAX_ROUTES};
pub use pairing::Pairing;
pub use server::{CONTENT_TYPE, Server};
pub use state::StateCollector;
pub use tls::Handshakes;

use crate::finished::Finished;

/// All metrics of a run.
#[derive(Debug)]
pub struct Metrics {
    /// Requests and verdicts.
    pub decisions: Decisions,
    /// How long gateways follow replaced specs.
    pub convergence: Convergence,
    /// Traffic without ReferenceGrants.
    pub grants: Grants,
    /// Kernel events and losses.
    pub events: Events,
    /// What became of requests and calls in pairing.
    pub pairing: Pairing,
    /// TLS handshakes.
    pub handshakes: Handshakes,
}

impl Metrics {
    /// Registers all metrics; at most `max_routes` routes get labels of their own.
    #[must_use]
    pub fn register(registry: &mut Registry, max_routes: usize) -> Self {
        let registry = registry.sub_registry_with_prefix("gwobs");
        Build::register(registry);
        Self {
            decisions: Decisions::register(registry, max_routes),
            convergence: Convergence::register(registry),
            grants: Grants::register(registry, max_routes),
            events: Events::register(registry),
            pairing: Pairing::register(registry),
            handshakes: Handshakes::register(registry),
        }
    }

    /// Counts a finished request.
    pub fn finished(&mut self, finished: &Finished) {
        if let Some(gateway) = &finished.gateway {
            self.convergence.watch(gateway);
        }
        self.decisions.finished(finished);
        self.grants.finished(finished);
    }
}
