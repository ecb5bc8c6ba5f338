//! Manifests, YAML or JSON, all the way: read, converted, made into a snapshot, asked, their status predicted, linted.

use std::hint::black_box;

use gwobs_agent::specs::load_text;
use gwobs_route::lint::lint;
use gwobs_route::status::predict;
use gwobs_route::{Arrival, Objects, Request, Snapshot, WireProtocol, decide};

/// One input: the text of manifests.
pub fn run(text: &str) {
    let Ok(loaded) = load_text("fuzz.yaml", text) else {
        return;
    };
    let mut objects = Objects::new(None);
    for object in &loaded.objects {
        objects.apply(object.clone(), 0);
    }
    let snapshot = objects.snapshot();
    arrivals(&snapshot).iter().for_each(|arrival| ask(&snapshot, arrival));
    black_box(predict(&objects, &snapshot));
    let findings = lint(&loaded.objects, None);
    let mut reversed = loaded.objects;
    reversed.reverse();
    assert_eq!(
        findings,
        lint(&reversed, None),
        "findings do not depend on the order of objects"
    );
}

/// Every port of every Gateway, and of every Service that is the parent of routes.
fn arrivals(snapshot: &Snapshot) -> Vec<Arrival> {
    let mut all = Vec::new();
    for gateway in snapshot.gateways() {
        let listeners = snapshot.listeners(gateway).into_iter().flat_map(|all| &all.listeners);
        all.extend(listeners.map(|merged| Arrival::at_gateway(gateway, merged.listener.port, WireProtocol::Http)));
    }
    for service in snapshot.parent_services() {
        let ports = snapshot.service_attachments(service).iter().flat_map(|one| &one.ports);
        let client = &service.namespace;
        all.extend(ports.map(|at| Arrival::at_service(service, client, at.port, WireProtocol::Http)));
    }
    all
}

fn ask(snapshot: &Snapshot, arrival: &Arrival) {
    for protocol in [
        WireProtocol::Http,
        WireProtocol::Grpc,
        WireProtocol::Tls,
        WireProtocol::Udp,
    ] {
        let arrival = Arrival {
            protocol,
            ..arrival.clone()
        };
        let request = Request {
            method: "GET",
            authority: Some("a.test"),
            path: Some("/a/b?b=c"),
            headers: &[],
            sni: None,
        };
        black_box(decide(snapshot, &arrival, &request));
    }
}
