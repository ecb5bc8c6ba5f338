//! TLS by server name, TCP and UDP: one route per listener or name, its first rule, no filters.

use std::sync::Arc;

use crate::cluster::Referrer;
use crate::compile::CompiledRoute;
use crate::decide::at_listener;
use crate::decide::backends::{choice, refusal};
use crate::gateway_table::{GatewayTable, PortTable};
use crate::model::Protocol;
use crate::view::lower;
use crate::{Action, Decision, Forwarded, Inconclusive, Request, Snapshot, WireProtocol};

/// `rejected`: the decision without a route.
pub(super) fn decide(
    snapshot: &Snapshot,
    table: &GatewayTable,
    ports: &PortTable,
    request: &Request<'_>,
    rejected: Decision,
) -> Decision {
    let protocol = rejected.arrival.protocol;
    let name = request.sni.filter(|_| protocol == WireProtocol::Tls).map(lower);
    let Some(listener) = listener(table, ports, protocol, name.as_deref()) else {
        return rejected;
    };
    let decision = match oldest(ports, listener, name.as_deref()) {
        Some(route) => of_route(snapshot, route, rejected),
        None => rejected,
    };
    at_listener(decision, table, listener)
}

fn listener(table: &GatewayTable, ports: &PortTable, protocol: WireProtocol, name: Option<&str>) -> Option<usize> {
    let index = *ports.owners.covering(name).next()?;
    let own = &table.listeners.listeners.get(index)?.listener.protocol;
    let fits = match protocol {
        WireProtocol::Tls => *own == Protocol::Tls,
        WireProtocol::Udp => *own == Protocol::Udp,
        _ => *own == Protocol::Tcp,
    };
    fits.then_some(index)
}

/// The route with the most specific name; of several the oldest, then the first by `namespace/name`.
fn oldest<'a>(ports: &'a PortTable, listener: usize, name: Option<&'a str>) -> Option<&'a Arc<CompiledRoute>> {
    ports
        .scopes
        .get(&listener)?
        .streams
        .covering(name)
        .find_map(|routes| routes.first())
}

/// `TLSRouteRule.backendRefs`, and those of TCPRoute and UDPRoute: "If unspecified or invalid […], the underlying
/// implementation MUST actively reject connection attempts."
fn of_route(snapshot: &Snapshot, route: &CompiledRoute, mut decision: Decision) -> Decision {
    decision.route = Some(route.reference(0, 0));
    let Some(rule) = route.rule(0) else {
        return decision;
    };
    if route.is_unknown(0) || !rule.filters.is_empty() {
        decision.caveats.push(Inconclusive::UnsupportedSpec);
    }
    let from = Referrer {
        kind: route.route.kind,
        namespace: &route.route.meta.name.namespace,
    };
    let backends: Vec<_> = rule
        .backends
        .iter()
        .map(|one| choice(snapshot, from, one, &mut decision.caveats))
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
