//! The agent itself: restarted, cut off from the API, with data planes that come and go.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use xtask::testbed::api::{Break, Fault, Verb};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{prefix, route};
use xtask::testbed::traffic::get;

use crate::{assert_exact, assert_no_mismatch_but};

fn cluster() -> Result<Cluster> {
    let cluster = Cluster::start(&["cart"])?;
    cluster.api.apply(route("shop", &[], &json!([prefix("/", "cart")])))?;
    cluster.wait_until(&get("/").due("cart"))?;
    Ok(cluster)
}

#[test]
fn an_agent_that_starts_again_goes_on() -> Result<()> {
    let cluster = cluster()?;
    for _ in 0..2 {
        let agent = cluster.agent()?;
        let exchanges = cluster.client().concurrency(2).run(&vec![get("/").due("cart"); 100])?;
        assert_exact(&exchanges, &agent.stop()?)?;
    }
    Ok(())
}

/// Watches that break under traffic are no reason to call anything a misroute, and judging goes on after them.
#[test]
fn faults_of_the_watch_under_traffic() -> Result<()> {
    let cluster = cluster()?;
    let agent = cluster.agent()?;
    for (how, refusal) in [(Break::Expire, 429), (Break::Cut, 503), (Break::End, 500)] {
        for plural in ["httproutes", "endpointslices", "gateways"] {
            cluster.api.fail(plural, Verb::Watch, Fault::Refuse(refusal, None), 1);
            cluster.api.break_watches(plural, how);
        }
        cluster.api.apply_raw(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "odd", "namespace": "elsewhere"}, "addressType": "IPv4", "endpoints": 7,
        }))?;
        cluster.client().run(&vec![get("/").due("cart"); 50])?;
        std::thread::sleep(Duration::from_millis(300));
    }
    // Retries come within a few seconds.
    std::thread::sleep(Duration::from_secs(6));
    let exchanges = cluster.client().run(&vec![get("/").due("cart"); 50])?;
    let observed = agent.stop()?;
    assert_no_mismatch_but(&observed, &[])?;
    assert_exact(&exchanges, &observed)?;
    Ok(())
}

/// While the API does not answer, nobody knows what is specified now.
#[test]
fn an_outage_of_the_api_leaves_decisions_open() -> Result<()> {
    let cluster = cluster()?;
    let agent = cluster.agent()?;
    cluster.api.set_down(true);
    std::thread::sleep(Duration::from_secs(2));
    let exchanges = cluster.client().run(&vec![get("/").due("cart"); 20])?;
    let observed = agent.stop()?;
    let open = |id: &str| {
        let decision = observed.decisions.iter().find(|decision| decision.id() == Some(id));
        decision.is_some_and(|decision| decision.reason() == "config_in_flux")
    };
    ensure!(
        exchanges.iter().all(|exchange| open(&exchange.id)),
        "{}",
        observed.summary
    );
    Ok(())
}
