//! TLS by server name, TCP and UDP: one route per listener or name, its first rule, no filters.

use std::sync::Arc;

use crate::cluster::Referrer;
use crate::compile::CompiledRoute;
use crate::decide::backends::{choice, refusal};
use crate::decide::scene::Scene;
use crate::scope::Scope;
use crate::{Action, Decision, Forwarded, Inconclusive};

/// `rejected`: the decision without a route.
pub(super) fn decide(scene: &Scene<'_>, scope: &Scope, name: Option<&str>, rejected: Decision) -> Decision {
    match first(scope, name) {
        Some(route) => of_route(scene, route, rejected),
        None => rejected,
    }
}

/// The route with the most specific name; of several the oldest, then the first by `namespace/name`.
pub(super) fn first<'a>(scope: &'a Scope, name: Option<&str>) -> Option<&'a Arc<CompiledRoute>> {
    scope.streams.covering(name).find_map(|routes| routes.first())
}

/// `TLSRouteRule.backendRefs`, and those of TCPRoute and UDPRoute: "If unspecified or invalid […], the underlying
/// implementation MUST actively reject connection attempts."
fn of_route(scene: &Scene<'_>, route: &CompiledRoute, mut decision: Decision) -> Decision {
    decision.route = Some(route.reference(0, 0));
    let Some(rule) = route.rule(0) else {
        return decision;
    };
    if route.is_unknown(0) || !rule.filters.is_empty() {
        decision.caveats.push(Inconclusive::UnsupportedSpec);
    }
    let meta = &route.route.meta;
    let from = Referrer::at(&scene.arrival.front, route.route.kind, &meta.name.namespace);
    let backends: Vec<_> = rule
        .backends
        .iter()
        .map(|one| choice(scene.snapshot, from, one, &mut decision.caveats))
        .collect();
    if refusal(&backends).is_none() {
        let forwarded = Forwarded::default();
        decision.action = Action::Forward {
            backends,
            forwarded,
            mirrors: Vec::new(),
            may_answer_itself: false,
        };
    }
    decision
}
