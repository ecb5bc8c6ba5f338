//! Kubernetes Events: what those who own a route see when they describe it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{grant, prefix, route};
use xtask::testbed::traffic::get;

use crate::assert_exact;

/// How long an Event may take: the hold of a mismatch, and a write.
const SOON: Duration = Duration::from_secs(10);

/// The Events of this reason about this route.
pub(crate) fn events(cluster: &Cluster, reason: &str, route: &str) -> Vec<Value> {
    let all = cluster.api.all("Event").into_iter();
    let is = |event: &Value, pointer: &str, text: &str| event.pointer(pointer).is_some_and(|own| own == text);
    all.filter(|event| is(event, "/reason", reason) && is(event, "/regarding/name", route))
        .collect()
}

/// Waits for an Event of this reason about this route.
pub(crate) fn until_event(cluster: &Cluster, reason: &str, route: &str) -> Result<Value> {
    let deadline = Instant::now() + SOON;
    loop {
        if let Some(event) = events(cluster, reason, route).into_iter().next() {
            let object = cluster.api.get("HTTPRoute", "shop", route).unwrap_or_default();
            let uid = object.pointer("/metadata/uid");
            ensure!(uid.is_some() && event.pointer("/regarding/uid") == uid, "{event:#}");
            return Ok(event);
        }
        ensure!(
            Instant::now() < deadline,
            "no Event {reason} about {route}: {:#?}",
            cluster.api.all("Event")
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A grant is deleted, and the controller does not hear of it: traffic flows on without one, which nobody else sees. However
/// many requests that are, the route has one Event of it; and none if the agent is told to write none.
#[test]
fn traffic_without_a_grant_is_told_at_the_route() -> Result<()> {
    let cluster = Cluster::start(&["other/pay"])?;
    cluster.api.apply(grant("other"))?;
    cluster
        .api
        .apply(route("pay", &[], &json!([prefix("/", "other/pay")])))?;
    cluster.wait_until(&get("/").due("other/pay"))?;
    let agent = cluster.agent_with(&["--convergence-window", "1"])?;
    cluster.api.stall_watches("referencegrants", "traefik");
    cluster.api.delete("ReferenceGrant", "other", "routes")?;
    let revoked = until_event(&cluster, "ReferenceGrantRevoked", "pay")?;
    let note = revoked["note"].as_str().unwrap_or_default();
    ensure!(
        note.contains("\"kind\":\"ReferenceGrant\""),
        "the way back is told: {note}"
    );
    std::thread::sleep(Duration::from_secs(2));
    let exchanges = cluster.client().run(&vec![get("/").due_status(500); 30])?;
    let flowing = until_event(&cluster, "TrafficWithoutReferenceGrant", "pay")?;
    ensure!(
        flowing["type"] == "Warning" && flowing["reportingInstance"] == "node-1",
        "{flowing:#}"
    );
    let observed = agent.stop()?;
    ensure!(assert_exact(&exchanges, &observed)?.misrouted == 30);
    ensure!(observed.log.contains("no_reference_grant"), "{}", observed.log);

    let before = cluster.api.all("Event").len();
    ensure!(before == 2, "{:#?}", cluster.api.all("Event"));
    let silent = cluster.agent_with(&["--convergence-window", "1", "--no-events"])?;
    cluster.client().run(&vec![get("/").due_status(500); 10])?;
    let observed = silent.stop()?;
    ensure!(observed.log.contains("no_reference_grant"), "{}", observed.log);
    ensure!(cluster.api.all("Event").len() == before);
    Ok(())
}
