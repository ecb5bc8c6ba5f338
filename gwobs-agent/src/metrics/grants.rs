//! Traffic and ReferenceGrants: `gwobs_ungranted_requests_total`, what still flows without one, and
//! `gwobs_ungranted_denied_total`, what is refused for want of one (by the specs the right answer, so no misroute).

use std::sync::Arc;

use gwobs_route::{Mismatch, ObjectName, Origin, RouteRef, Snapshot, Verdict};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::labels::{LabelCap, RouteLabels, Rule};
use crate::finished::Finished;

#[cfg(test)]
mod tests;

/// The API group of routes.
const GROUP: &str = "gateway.networking.k8s.io";
/// What a gateway answers in place of a backend that it must not refer to (HTTPRoute, `backendRefs`).
const REFUSED: u16 = 500;

/// Traffic and ReferenceGrants.
#[derive(Debug)]
pub struct Grants {
    flowing: Family<Labels, Counter>,
    denied: Family<Labels, Counter>,
    routes: LabelCap<ObjectName>,
    snapshot: Arc<Snapshot>,
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
            snapshot: Arc::default(),
        }
    }

    /// These specs are in force.
    pub fn specs(&mut self, snapshot: &Arc<Snapshot>) {
        self.snapshot = Arc::clone(snapshot);
    }

    /// Counts a finished request. Both counters of a rule that refers to another namespace begin with its first request: one
    /// that is born with its first value hides that from `rate()`.
    pub(super) fn finished(&mut self, finished: &Finished) {
        let verdict = finished.judgement.as_ref().map(|judgement| judgement.verdict);
        let Some(route) = finished.decision.as_ref().and_then(|decision| decision.route.as_ref()) else {
            return;
        };
        let flows = verdict == Some(Verdict::Mismatch(Mismatch::NoReferenceGrant));
        if !flows && !self.refers_elsewhere(route) {
            return;
        }
        let labels = self.labels(finished, route);
        let (flowing, denied) = (
            self.flowing.get_or_create_owned(&labels),
            self.denied.get_or_create_owned(&labels),
        );
        if flows {
            flowing.inc();
        } else if verdict == Some(Verdict::Match) && is_refused(finished) && self.lacks_grant(route) {
            denied.inc();
        }
    }

    /// Whether a backend of the rule is in another namespace.
    fn refers_elsewhere(&self, route: &RouteRef) -> bool {
        let backends = self.snapshot.rule(route).map(|rule| &rule.backends);
        let mut backends = backends.into_iter().flatten();
        let own = &route.route.namespace;
        backends.any(|backend| {
            backend
                .target
                .namespace
                .as_ref()
                .is_some_and(|namespace| namespace != own)
        })
    }

    /// Whether a backend of the rule is in another namespace without a grant.
    fn lacks_grant(&self, route: &RouteRef) -> bool {
        let namespace = &route.route.namespace;
        let backends = self.snapshot.rule(route).map(|rule| &rule.backends);
        backends.into_iter().flatten().any(|backend| {
            !self
                .snapshot
                .is_granted(GROUP, route.kind.as_str(), namespace, &backend.target)
        })
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

fn is_refused(finished: &Finished) -> bool {
    let response = finished.response.as_ref();
    response.is_some_and(|response| response.origin == Origin::Gateway && response.head.status == REFUSED)
}
