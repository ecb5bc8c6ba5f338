//! A request of a client in a mesh to a Service (GEP-1294): the routes that have the Service as a parent.

use crate::attach::has_frontend;
use crate::decide::scene::Scene;
use crate::decide::select::Scopes;
use crate::decide::{backends, http, nobody_there, stream};
use crate::gateway_table::PortKey;
use crate::model::{BackendRef, Reference, Transport};
use crate::service_table::Bound;
use crate::table::Tracer;
use crate::view::lower;
use crate::{Action, Decision, Endpoints, Forwarded, Inconclusive, ObjectName, RouteKind, WireProtocol};

pub(super) fn decide<T: Tracer>(
    service: &ObjectName,
    client: &str,
    scene: &Scene<'_>,
    mut blank: Decision,
    tracer: &mut T,
) -> Decision {
    let udp = scene.protocol() == WireProtocol::Udp;
    let port = PortKey {
        udp,
        port: scene.arrival.port,
    };
    let Some(object) = scene.snapshot.cluster.service(service).filter(|object| {
        let carries = if udp { Transport::Udp } else { Transport::Tcp };
        object
            .ports
            .iter()
            .any(|own| own.port == port.port && own.transport == carries)
    }) else {
        return nobody_there(blank, scene.view.request);
    };
    let strays = &scene.snapshot.strays;
    if strays.contains(client) || strays.contains(&service.namespace) {
        blank.caveats.push(Inconclusive::UnsupportedSpec);
    }
    let table = scene.snapshot.services.get(service);
    let Some(bound) = table.and_then(|table| table.bound(service, client, port)) else {
        return unrouted(service, scene, blank);
    };
    // Such a Service should not be a parent; some implementations let it be one.
    if !has_frontend(object) {
        blank.caveats.push(Inconclusive::ImplementationDefined);
    }
    by_routes(bound, service, scene, blank, tracer)
}

fn by_routes<T: Tracer>(
    bound: &Bound,
    service: &ObjectName,
    scene: &Scene<'_>,
    mut blank: Decision,
    tracer: &mut T,
) -> Decision {
    let is_http = matches!(bound.kind, RouteKind::Http | RouteKind::Grpc);
    match (is_http, scene.protocol()) {
        (true, WireProtocol::Http | WireProtocol::Grpc) => {
            let scopes = Scopes {
                likely: &bound.scope,
                other: bound.by_hostname.as_ref(),
            };
            http::decide(scene, &scopes, blank, tracer)
        }
        (false, _) if carries(bound.kind, scene.protocol()) => by_stream(bound, scene, blank),
        // Nothing is said of connections in which the proxy cannot see what the routes look at.
        _ => {
            blank.caveats.push(Inconclusive::ImplementationDefined);
            unrouted(service, scene, blank)
        }
    }
}

/// True if connections of that protocol are ones that a TLSRoute, TCPRoute or UDPRoute speaks of.
fn carries(kind: RouteKind, protocol: WireProtocol) -> bool {
    match kind {
        RouteKind::Tls => matches!(protocol, WireProtocol::Tls | WireProtocol::Https),
        _ => true,
    }
}

fn by_stream(bound: &Bound, scene: &Scene<'_>, blank: Decision) -> Decision {
    let name = scene.view.request.sni.map(lower);
    let mut decision = stream::decide(scene, &bound.scope, name.as_deref(), blank);
    let first = |scope| stream::first(scope, name.as_deref()).map(std::sync::Arc::as_ptr);
    if bound
        .by_hostname
        .as_ref()
        .is_some_and(|other| first(other) != first(&bound.scope))
    {
        decision.caveats.push(Inconclusive::ImplementationDefined);
    }
    decision
}

/// > When no `xRoute` resources are defined, all traffic should implicitly work - this is just how Kubernetes functions.
fn unrouted(service: &ObjectName, scene: &Scene<'_>, mut decision: Decision) -> Decision {
    let itself = BackendRef {
        target: Reference {
            group: "".into(),
            kind: "Service".into(),
            namespace: None,
            name: service.name.clone(),
        },
        port: Some(scene.arrival.port),
        weight: 1,
        filters: Vec::new(),
    };
    let backend = backends::of_service(scene, service, &itself, &mut decision.caveats);
    // How a connection fails that nobody takes is not said.
    if backend.endpoints == Endpoints::NoneReady || backend.invalid.is_some() {
        decision.caveats.push(Inconclusive::ImplementationDefined);
    }
    decision.action = Action::Forward {
        backends: vec![backend],
        forwarded: Forwarded::default(),
        mirrors: Vec::new(),
        may_answer_itself: false,
    };
    decision
}
