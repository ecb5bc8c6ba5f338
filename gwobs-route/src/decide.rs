//! What the specs say must happen to a request.
//!
//! Two fronts, [`gateway`] and [`mesh`], find the routes that apply; from there on all is the same: the match that wins
//! ([`select`]), what its rule says ([`http`], [`stream`]), and the backends that may get the request ([`backends`]).

mod backends;
mod cors;
pub(crate) mod effects;
mod forwarded;
mod gateway;
mod http;
mod mesh;
mod redirect;
mod scene;
mod select;
mod stream;
mod trace;

pub(crate) use redirect::well_known;
pub use trace::Considered;

use crate::cluster::Referrer;
use crate::decide::scene::Scene;
use crate::decide::trace::Trace;
use crate::table::{Silent, Tracer};
use crate::{
    Action, Arrival, BackendChoice, Decision, Front, HeaderField, Inconclusive, Request, ResponseHeaders, Snapshot,
    WireProtocol,
};

/// gRPC status codes that a gateway answers with (`GRPCRoute`; gRPC, "HTTP to gRPC Status Code Mapping").
const GRPC_UNIMPLEMENTED: u16 = 12;
const GRPC_UNAVAILABLE: u16 = 14;

/// What must happen to a request that reached a port of a Gateway, or of a Service in a mesh. Of TLS only `sni` counts, of
/// TCP and UDP nothing.
#[must_use]
pub fn decide(snapshot: &Snapshot, arrival: &Arrival, request: &Request<'_>) -> Decision {
    decide_with(snapshot, arrival, request, &mut Silent)
}

/// The same, with every match that came into question and why it lost; in the order of precedence within each hostname.
#[must_use]
pub fn explain(snapshot: &Snapshot, arrival: &Arrival, request: &Request<'_>) -> (Decision, Vec<Considered>) {
    let mut trace = Trace::default();
    let decision = decide_with(snapshot, arrival, request, &mut trace);
    (decision, trace.considered())
}

fn decide_with<T: Tracer>(snapshot: &Snapshot, arrival: &Arrival, request: &Request<'_>, tracer: &mut T) -> Decision {
    let blank = blank(snapshot, arrival);
    let scene = Scene::new(snapshot, arrival, request);
    match &arrival.front {
        Front::Gateway(gateway) => gateway::decide(gateway, &scene, blank, tracer),
        Front::Service { service, client } => mesh::decide(service, client, &scene, blank, tracer),
    }
}

/// A decision that says nothing yet: no route, connections refused.
fn blank(snapshot: &Snapshot, arrival: &Arrival) -> Decision {
    Decision {
        generation: snapshot.generation,
        arrival: arrival.clone(),
        listener: None,
        route: None,
        action: Action::Reject,
        response_headers: ResponseHeaders::default(),
        caveats: Vec::new(),
    }
}

/// A port without a working listener, or one that a Service does not have: the specs do not say who answers there.
fn nobody_there(mut decision: Decision, request: &Request<'_>) -> Decision {
    decision.caveats.push(Inconclusive::UnsupportedSpec);
    match decision.arrival.protocol.is_http() {
        true => respond(decision, 404, request),
        false => decision,
    }
}

/// A reply of the gateway's own.
fn respond(decision: Decision, status: u16, request: &Request<'_>) -> Decision {
    refuse(decision, status, Vec::new(), request)
}

/// The same because none of these backends can get the request.
fn refuse(decision: Decision, status: u16, backends: Vec<BackendChoice>, request: &Request<'_>) -> Decision {
    let grpc_status = is_grpc(decision.arrival.protocol, request).then(|| grpc_status(status));
    Decision {
        action: Action::Respond {
            status,
            grpc_status,
            backends,
        },
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

/// All backends of the rule that decided, also where it redirects or answers by itself, so that the decision names none.
pub(crate) fn backends_of(snapshot: &Snapshot, decision: &Decision) -> Vec<BackendChoice> {
    let Some((route, rule)) = decision
        .route
        .as_ref()
        .and_then(|route| Some((route, snapshot.rule(route)?)))
    else {
        return Vec::new();
    };
    let from = Referrer::at(&decision.arrival.front, route.kind, &route.route.namespace);
    rule.backends
        .iter()
        .map(|one| backends::choice(snapshot, from, one, &mut Vec::new()))
        .collect()
}
