//! Where judged requests go.

use std::time::Duration;

use gwobs_route::ObjectName;

use crate::finished::Finished;

/// Takes what the pipeline has to say: standard output, metrics, journal, or a test.
pub trait Sink {
    /// The gateway finished with a request; called exactly once for each.
    fn finished(&mut self, finished: &Finished);

    /// A request of `gateway` was routed by specs that had been replaced `lag` before (`gwobs_convergence_seconds`).
    fn lagged(&mut self, gateway: &ObjectName, lag: Duration);
}
