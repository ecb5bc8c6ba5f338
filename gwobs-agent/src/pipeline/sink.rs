//! Where judged requests go.

use std::time::Duration;

use gwobs_route::ObjectName;

use crate::finished::Finished;
use crate::weighed::Weighed;

/// Takes what the pipeline has to say: standard output, metrics, journal, or a test.
pub trait Sink {
    /// The gateway finished with a request; called exactly once for each.
    fn finished(&mut self, finished: &Finished);

    /// The last request of `gateway` that was routed by specs which a change replaced came so long after the change was
    /// seen (`gwobs_convergence_seconds`); called once for each change that some request lagged behind.
    fn converged(&mut self, gateway: &ObjectName, lag: Duration);

    /// There is news about the weights of a rule.
    fn weighed(&mut self, weighed: &Weighed);
}
