//! `gwobs_pairing_total`.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::pipeline::Counts;

/// What became of requests and upstream calls in pairing.
#[derive(Debug)]
pub struct Pairing {
    outcomes: Family<Labels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    outcome: &'static str,
}

impl Pairing {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let outcomes = Family::default();
        registry.register(
            "pairing",
            "What became of requests and upstream calls in pairing",
            Family::clone(&outcomes),
        );
        Self { outcomes }
    }

    /// Brings the counters up to the pipeline's own.
    pub fn sync(&self, counts: &Counts) {
        for (outcome, count) in &counts.pairing {
            let counter = self.outcomes.get_or_create_owned(&Labels {
                outcome: outcome.as_str(),
            });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }
}
