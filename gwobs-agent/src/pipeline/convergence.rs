//! How long gateways go on following specs that were replaced (`gwobs_convergence_seconds`): from the moment when a change
//! was seen to the last request that was still routed by what was there before.

use std::collections::BTreeMap;
use std::time::Duration;

use gwobs_route::ObjectName;

use super::sink::Sink;
use crate::event::Timestamp;

/// Changes that are remembered after they were told, so that a straggler is not told as one more.
const MAX_TOLD: usize = 256;

/// A Gateway that followed a snapshot after it had been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lag {
    /// Generation of the snapshot that was followed.
    pub(super) generation: u64,
    /// When it was replaced.
    pub(super) replaced: Timestamp,
    /// When the request was routed.
    pub(super) at: Timestamp,
}

/// The changes that gateways have not followed yet, as far as is known.
#[derive(Debug)]
pub(super) struct Convergence {
    /// How long no request may follow the old specs until the gateway counts as having converged, in nanoseconds.
    calm: u64,
    lagging: BTreeMap<(u64, ObjectName), Lagging>,
}

#[derive(Debug)]
struct Lagging {
    replaced: Timestamp,
    last: Timestamp,
    told: bool,
}

impl Convergence {
    pub(super) fn new(calm: u64) -> Self {
        Self {
            calm,
            lagging: BTreeMap::new(),
        }
    }

    /// A request of `gateway` was routed by replaced specs.
    pub(super) fn take(&mut self, gateway: &ObjectName, lag: Lag) {
        let key = (lag.generation, gateway.clone());
        let lagging = self.lagging.entry(key).or_insert(Lagging {
            replaced: lag.replaced,
            last: lag.at,
            told: false,
        });
        lagging.last = lagging.last.max(lag.at);
    }

    /// Tells of changes that no request has lagged behind for a while.
    pub(super) fn look(&mut self, now: Timestamp, sink: &mut impl Sink) {
        self.tell(now.0.saturating_sub(self.calm), sink);
    }

    /// Tells of all changes.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) {
        self.tell(u64::MAX, sink);
    }

    fn tell(&mut self, calm_since: u64, sink: &mut impl Sink) {
        let due = |lagging: &&mut Lagging| !lagging.told && lagging.last.0 <= calm_since;
        for ((_, gateway), lagging) in &mut self.lagging {
            if due(&lagging) {
                let lag = lagging.last.0.saturating_sub(lagging.replaced.0);
                sink.converged(gateway, Duration::from_nanos(lag));
                lagging.told = true;
            }
        }
        // The oldest come first, by generation.
        while self.lagging.len() > MAX_TOLD {
            self.lagging.pop_first();
        }
    }
}
