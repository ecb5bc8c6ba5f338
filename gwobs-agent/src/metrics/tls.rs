//! `gwobs_tls_handshake_failures_total`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::connections::HandshakeFailure;

/// TLS handshakes that failed: neither a failure of the backend nor a routing decision.
#[derive(Debug)]
pub struct Handshakes {
    failures: Family<Labels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    side: &'static str,
    reason: &'static str,
}

impl Handshakes {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let failures = Family::default();
        registry.register(
            "tls_handshake_failures",
            "TLS handshakes of the gateway that failed, with clients (downstream) and with backends (upstream)",
            Family::clone(&failures),
        );
        Self { failures }
    }

    /// A handshake failed.
    pub fn failed(&self, failure: &HandshakeFailure) {
        self.failures
            .get_or_create(&Labels {
                side: failure.side(),
                reason: failure.reason,
            })
            .inc();
    }
}
