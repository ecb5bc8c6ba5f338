//! What the specs say must happen to a request.

mod backends;
mod cors;
pub(crate) mod effects;
mod forwarded;
mod redirect;
mod select;
mod stream;
mod trace;

pub(crate) use redirect::well_known;
pub use trace::Considered;

use crate::cluster::Referrer;
use crate::decide::effects::Effects;
use crate::decide::select::{Owner, Scene, Selected};
use crate::decide::trace::Trace;
use crate::gateway_table::GatewayTable;
use crate::table::{Entry, Silent, Tracer};
use crate::{
    Action, Arrival, BackendChoice, Decision, HeaderField, Inconclusive, ObjectName, Request, ResponseHeaders,
    Snapshot, WireProtocol,
};

/// gRPC status codes that a gateway answers with (`GRPCRoute`; gRPC, "HTTP to gRPC Status Code Mapping").
const GRPC_UNIMPLEMENTED: u16 = 12;
const GRPC_UNAVAILABLE: u16 = 14;

/// What must happen to a request that reached `port` of a Gateway. Of TLS only `sni` counts, of TCP and UDP nothing.
#[must_use]
pub fn decide(
    snapshot: &Snapshot,
    gateway: &ObjectName,
    port: u16,
    protocol: WireProtocol,
    request: &Request<'_>,
) -> Decision {
    let arrival = Arrival {
        gateway: gateway.clone(),
        port,
        protocol,
    };
    decide_with(snapshot, arrival, request, &mut Silent)
}

/// The same, with every match that came into question and why it lost; in the order of precedence within each hostname.
#[must_use]
pub fn explain(
    snapshot: &Snapshot,
    gateway: &ObjectName,
    port: u16,
    protocol: WireProtocol,
    request: &Request<'_>,
) -> (Decision, Vec<Considered>) {
    let arrival = Arrival {
        gateway: gateway.clone(),
        port,
        protocol,
    };
    let mut trace = Trace::default();
    let decision = decide_with(snapshot, arrival, request, &mut trace);
    (decision, trace.considered())
}

fn decide_with<T: Tracer>(snapshot: &Snapshot, arrival: Arrival, request: &Request<'_>, tracer: &mut T) -> Decision {
    let (port, protocol) = (arrival.port, arrival.protocol);
    let udp = protocol == WireProtocol::Udp;
    let Some((table, ports)) = snapshot.port(&arrival.gateway, udp, port) else {
        return no_listener(blank(snapshot, arrival), request);
    };
    match protocol {
        WireProtocol::Tls | WireProtocol::Tcp | WireProtocol::Udp => {
            stream::decide(snapshot, table, ports, request, blank(snapshot, arrival))
        }
        WireProtocol::Http | WireProtocol::Https | WireProtocol::Grpc => {
            let scene = Scene::new(table, ports, (port, protocol), request);
            http(snapshot, &scene, blank(snapshot, arrival), tracer)
        }
    }
}

/// A decision that says nothing yet: no route, connections refused.
fn blank(snapshot: &Snapshot, arrival: Arrival) -> Decision {
    Decision {
        generation: snapshot.generation,
        arrival,
        listener: None,
        route: None,
        action: Action::Reject,
        response_headers: ResponseHeaders::default(),
        caveats: Vec::new(),
    }
}

/// A port without a working listener: the specs do not say who answers there.
fn no_listener(mut decision: Decision, request: &Request<'_>) -> Decision {
    decision.caveats.push(Inconclusive::UnsupportedSpec);
    match decision.arrival.protocol {
        WireProtocol::Tls | WireProtocol::Tcp | WireProtocol::Udp => decision,
        _ => respond(decision, 404, request),
    }
}

/// A reply of the gateway's own.
fn respond(decision: Decision, status: u16, request: &Request<'_>) -> Decision {
    let grpc_status = is_grpc(decision.arrival.protocol, request).then(|| grpc_status(status));
    Decision {
        action: Action::Respond { status, grpc_status },
        ..decision
    }
}

fn grpc_status(status: u16) -> u16 {
    if status == 404 {
        GRPC_UNIMPLEMENTED
    } else {
        GRPC_UNAVAILABLE
    }
}

fn is_grpc(protocol: WireProtocol, request: &Request<'_>) -> bool {
    let typed = |field: &HeaderField<'_>| field.name == "content-type" && field.value.starts_with("application/grpc");
    protocol == WireProtocol::Grpc || request.headers.iter().any(typed)
}

fn http<T: Tracer>(snapshot: &Snapshot, scene: &Scene<'_>, blank: Decision, tracer: &mut T) -> Decision {
    let request = scene.view.request;
    let listener = match scene.owner() {
        Owner::Listener(index) => index,
        Owner::Misdirected(index) => return at_listener(respond(blank, 421, request), scene.table, index),
        Owner::Nobody => return respond(blank, 404, request),
    };
    let Selected { entry, doubt } = scene.select(listener, tracer);
    let mut decision = match entry {
        Some(entry) => of_rule(snapshot, scene, entry, blank),
        None => respond(blank, 404, request),
    };
    decision.caveats.extend(doubt);
    decision.caveats.extend(odd_target(request));
    at_listener(decision, scene.table, listener)
}

fn at_listener(decision: Decision, table: &GatewayTable, index: usize) -> Decision {
    let merged = table.listeners.listeners.get(index);
    Decision {
        listener: merged.map(|merged| merged.label.clone()),
        ..decision
    }
}

/// `OPTIONS *`, CONNECT, and hosts with a trailing dot: the Gateway API does not speak of them.
fn odd_target(request: &Request<'_>) -> Option<Inconclusive> {
    let path = request.path.is_none_or(|path| !path.starts_with('/'));
    let host = request
        .authority
        .is_some_and(|authority| authority.ends_with('.') || authority.contains(".:"));
    (path || host).then_some(Inconclusive::ImplementationDefined)
}

/// What the rule of the winning match says.
fn of_rule(snapshot: &Snapshot, scene: &Scene<'_>, entry: &Entry, mut decision: Decision) -> Decision {
    let summary = &entry.summary;
    decision.route = Some(entry.route.reference(summary.rule, summary.matched));
    let Some(rule) = entry.route.rule(summary.rule) else {
        return decision;
    };
    let effects = Effects::of(&rule.filters);
    if effects.unknown || entry.route.is_unknown(summary.rule) {
        decision.caveats.push(Inconclusive::UnsupportedSpec);
    }
    decision.response_headers = effects.response_headers();
    if let Some(reply) = effects
        .cors
        .and_then(|cors| cors::apply(cors, &scene.view, &mut decision.response_headers))
    {
        decision.action = Action::Respond {
            status: reply.status,
            grpc_status: None,
        };
        decision.caveats.extend(reply.doubt);
        return decision;
    }
    if let Some(redirect) = effects.redirect {
        decision.action = Action::Redirect(redirect::target(redirect, &scene.redirect_base(entry)));
        return decision;
    }
    backends::forward(snapshot, scene, entry, rule, &effects, decision)
}

/// All backends of the rule that decided, also where none of them can get the request.
pub(crate) fn backends_of(snapshot: &Snapshot, decision: &Decision) -> Vec<BackendChoice> {
    let Some((route, rule)) = decision
        .route
        .as_ref()
        .and_then(|route| Some((route, snapshot.rule(route)?)))
    else {
        return Vec::new();
    };
    let from = Referrer {
        kind: route.kind,
        namespace: &route.route.namespace,
    };
    rule.backends
        .iter()
        .map(|one| backends::choice(snapshot, from, one, &mut Vec::new()))
        .collect()
}
