//! Traffic and ReferenceGrants: `gwobs_ungranted_requests_total`, what still flows without one, and
//! `gwobs_ungranted_denied_total`, what is refused for want of one (by the specs the right answer, so no misroute).

use std::sync::Arc;

use gwobs_route::{Decision, InvalidBackend, Mismatch, ObjectName, Origin, RouteRef, Verdict};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::{LabelCap, RouteLabels, Rule};
use crate::finished::Finished;

#[cfg(test)]
mod tests;

/// What a gateway answers in place of a backend that it must not refer to (HTTPRoute, `backendRefs`).
const REFUSED: u16 = 500;

/// Traffic and ReferenceGrants.
#[derive(Debug)]
pub struct Grants {
    flowing: Family<Labels, Counter>,
    denied: Family<Labels, Counter>,
    routes: LabelCap<ObjectName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    gateway_namespace: Arc<str>,
    gateway: Arc<str>,
    route_namespace: Arc<str>,
    route: Arc<str>,
    rule: Rule,
}

impl Grants {
    pub(super) fn register(registry: &mut Registry, max_routes: usize) -> Self {
        let (flowing, denied) = (Family::default(), Family::default());
        registry.register(
            "ungranted_requests",
            "Requests that were forwarded to another namespace without a ReferenceGrant",
            Family::clone(&flowing),
        );
        registry.register(
            "ungranted_denied",
            "Requests that were answered 500 because a ReferenceGrant is missing",
            Family::clone(&denied),
        );
        Self {
            flowing,
            denied,
            // Whatever is beyond is counted where all routes are.
            routes: LabelCap::new(max_routes, Counter::default()),
        }
    }

    /// Counts a finished request. Both counters of a rule that refers to another namespace begin with its first request: one
    /// that is born with its first value hides that from `rate()`.
    pub(super) fn finished(&mut self, finished: &Finished) {
        let verdict = finished.judgement.as_ref().map(|judgement| judgement.verdict);
        let Some(decision) = finished.decision.as_deref() else {
            return;
        };
        let Some(route) = &decision.route else {
            return;
        };
        let flows = verdict == Some(Verdict::Mismatch(Mismatch::NoReferenceGrant));
        if !flows && !refers_elsewhere(decision, route) {
            return;
        }
        let labels = self.labels(finished, route);
        let (flowing, denied) = (
            self.flowing.get_or_create_owned(&labels),
            self.denied.get_or_create_owned(&labels),
        );
        if flows {
            flowing.inc();
        } else if verdict == Some(Verdict::Match) && is_refused(finished) && lacks_grant(decision) {
            denied.inc();
        }
    }

    fn labels(&mut self, finished: &Finished, route: &RouteRef) -> Labels {
        let gateway = finished.gateway.as_ref();
        let name = |part: fn(&ObjectName) -> &Arc<str>| gateway.map_or_else(|| "".into(), |own| Arc::clone(part(own)));
        let route = RouteLabels::new(Some(route), &mut self.routes);
        Labels {
            gateway_namespace: name(|own| &own.namespace),
            gateway: name(|own| &own.name),
            route_namespace: route.namespace,
            route: route.name,
            rule: route.rule,
        }
    }
}

/// Whether a backend of the rule is in another namespace.
fn refers_elsewhere(decision: &Decision, route: &RouteRef) -> bool {
    let own = &route.route.namespace;
    let mut backends = decision.backends().iter();
    backends.any(|choice| choice.backend.service.namespace != *own)
}

/// Whether a backend of the rule is in another namespace without a grant.
fn lacks_grant(decision: &Decision) -> bool {
    let invalid = Some(InvalidBackend::NotPermitted);
    decision.backends().iter().any(|choice| choice.invalid == invalid)
}

fn is_refused(finished: &Finished) -> bool {
    let response = finished.response.as_ref();
    response.is_some_and(|response| response.origin == Origin::Gateway && response.head.status == REFUSED)
}
