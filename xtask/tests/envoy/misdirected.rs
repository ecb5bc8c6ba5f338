//! Requests for another listener than the one whose name the connection was made to, as clients send them that coalesce
//! connections: they should be answered 421 (GEP-3567), and a gateway may do otherwise.

use crate::tailored::{connection_manager, specify, tailored};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::sync::Arc;
use xtask::testbed::http2::{Load, drive};
use xtask::testbed::manifests::{GATEWAY, NAMESPACE};
use xtask::testbed::rule::{Route, prefix, route};
use xtask::testbed::tls::{HTTP1, HTTP2, Handshake, SERVER_NAME, Tls, connect};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

/// Answered 421 on connections that were made to [`SERVER_NAME`].
const REFUSED: &str = "refused.example.com";
/// Served on them.
const SERVED: &str = "served.example.com";
/// Answered 404 on them.
const UNKNOWN: &str = "unknown.example.com";

fn routes() -> Vec<Route> {
    let of = |name: &str, host: &str| route(name, vec![prefix("/").to(name)]).host(host);
    let own = vec![prefix("/moved").to("moved"), prefix("/").to("own")];
    vec![
        route("own", own).host(SERVER_NAME),
        of("refused", REFUSED),
        of("served", SERVED),
        of("unknown", UNKNOWN),
    ]
}

/// Two filter chains, as gateways make them of two HTTPS listeners; and a rule that is forgotten.
fn configure(configuration: &mut Value) -> Result<()> {
    let hosts = connection_manager(configuration)?.pointer_mut("/route_config/virtual_hosts");
    let hosts = hosts.and_then(Value::as_array_mut).context("no virtual hosts")?;
    hosts.retain(|host| host["name"] != UNKNOWN);
    for host in hosts {
        if host["name"] == SERVER_NAME {
            host["routes"].as_array_mut().context("no routes")?.remove(0);
        }
    }
    let listener = configuration.pointer_mut("/static_resources/listeners/0");
    let listener = listener.context("no listener")?;
    let inspector = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
    listener["listener_filters"] = json!([{
        "name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": inspector},
    }]);
    let chain = listener.pointer("/filter_chains/0").context("no filter chain")?.clone();
    listener["filter_chains"] = json!([
        refusing(chain.clone(), SERVER_NAME, REFUSED),
        refusing(chain, REFUSED, SERVER_NAME),
    ]);
    Ok(())
}

/// The chain of connections made to `name`, which answers 421 for `refused`.
fn refusing(mut chain: Value, name: &str, refused: &str) -> Value {
    if let Some(fields) = chain.as_object_mut() {
        fields.insert("filter_chain_match".to_owned(), json!({"server_names": [name]}));
    }
    let hosts = chain.pointer_mut("/filters/0/typed_config/route_config/virtual_hosts");
    for host in hosts.and_then(Value::as_array_mut).into_iter().flatten() {
        if host["name"] == refused {
            host["routes"] = json!([{"match": {"prefix": "/"}, "direct_response": {"status": 421}}]);
        }
    }
    chain
}

/// A Gateway with a listener for each name, instead of the one for all.
fn with_listeners(text: &str, port: u16) -> String {
    let listener = |host: &str| {
        json!({
            "name": host.replace('.', "-"), "hostname": host, "port": port, "protocol": "HTTPS",
            "tls": {"certificateRefs": [{"name": "gateway-certificate"}]},
        })
    };
    let listeners = [SERVER_NAME, REFUSED, SERVED, UNKNOWN].map(listener);
    let gateway = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
        "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
        "spec": {
            "gatewayClassName": "testbed",
            "listeners": listeners,
        },
    });
    let is_gateway = |document: &&str| document.lines().any(|line| line == "kind: Gateway");
    let others = text.split("---\n").filter(|document| !is_gateway(document));
    others
        .chain([&*format!("{gateway}\n")])
        .collect::<Vec<_>>()
        .join("---\n")
}

#[test]
fn requests_for_another_listener() -> Result<()> {
    const EACH: usize = 240;
    let routes = routes();
    let plan = Plan {
        tls: Tls::DOWNSTREAM,
        ..Plan::correct(tailored(|configuration, _| configure(configuration)), &routes)
    };
    let bed = Testbed::start(&plan)?;
    specify(&bed, &routes, |text| with_listeners(&text, bed.address().port()))?;
    let gwobs = bed.observe().start()?;
    let own = [
        get("/").due("own"),
        get("/moved").due("moved"),
        get("/").host(REFUSED).due_status(421),
        get("/").host(SERVED).due("served"),
        get("/").host(UNKNOWN).due_status(404),
    ];
    let (address, config) = (bed.address(), Arc::new(bed.authority.client_config(HTTP2)?));
    let load = Load {
        connections: 2,
        streams: 4,
    };
    let cases = mixed(&own, EACH);
    let mut exchanges = drive(load, "https", &cases, move || connect(address, Arc::clone(&config)))?;
    let others = [
        get("/").host(REFUSED).due("refused"),
        get("/moved").due_status(421),
        get("/").due_status(421),
    ];
    let handshake = Handshake::new(bed.authority.client_config(HTTP1)?)?.server(REFUSED)?;
    let client = bed.client().tls(Some(handshake)).concurrency(4);
    exchanges.extend(client.run(&mixed(&others, EACH))?);
    let observed = gwobs.stop()?;
    let seen = compare(&exchanges, &observed.decisions);
    let wrong = [&seen.false_mismatches, &seen.missed, &seen.wrong_upstream, &seen.absent];
    ensure!(wrong.iter().all(|cases| cases.is_empty()), "{wrong:?}");
    // What a gateway may do otherwise, and nothing else.
    let otherwise = cases
        .iter()
        .filter(|case| [SERVED, UNKNOWN].contains(&&*case.request.host));
    let undecided = [("implementation_defined".to_owned(), otherwise.count())];
    ensure!(
        seen.undecided == undecided.into(),
        "{:?} {:?}",
        seen.undecided,
        seen.doubtful
    );
    ensure!(seen.requests == 2 * EACH && seen.misrouted > 20, "{seen:?}");
    Ok(())
}
