//! Manifests, YAML or JSON, all the way: read, converted, made into a snapshot, linted, asked.
#![no_main]

use gwobs_agent::specs::load_text;
use gwobs_route::lint::lint;
use gwobs_route::{Arrival, Objects, Request, WireProtocol, decide};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(loaded) = load_text("fuzz.yaml", text) else {
        return;
    };
    let mut objects = Objects::new(None);
    for object in &loaded.objects {
        objects.apply(object.clone(), 0);
    }
    let snapshot = objects.snapshot();
    for gateway in snapshot.gateways() {
        let ports: Vec<_> = snapshot.listeners(gateway).into_iter().flat_map(|all| &all.listeners).collect();
        for port in ports.iter().map(|merged| merged.listener.port) {
            let request = Request { method: "GET", authority: Some("a.test"), path: Some("/a?b=c"), headers: &[], sni: None };
            decide(&snapshot, &Arrival::at_gateway(gateway, port, WireProtocol::Http), &request);
        }
    }
    let findings = lint(&loaded.objects, None);
    let mut reversed = loaded.objects;
    reversed.reverse();
    assert_eq!(findings, lint(&reversed, None), "findings do not depend on the order of objects");
});
