//! Objects that change under traffic.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;
use xtask::testbed::client::Exchange;
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{grant, prefix, route};
use xtask::testbed::traffic::{Case, get};

use crate::{assert_exact, assert_no_mismatch_but, decisions};

/// Sends the case again and again for some time.
fn traffic(cluster: &Cluster, case: &Case, count: usize) -> Result<Vec<Exchange>> {
    let mut exchanges = Vec::new();
    for _ in 0..count {
        exchanges.extend(cluster.client().run(std::slice::from_ref(case))?);
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(exchanges)
}

#[test]
fn traffic_as_specified_is_matched() -> Result<()> {
    let cluster = Cluster::start(&["cart", "catalog"])?;
    cluster.api.apply(route(
        "shop",
        &[],
        &json!([prefix("/cart", "cart"), prefix("/", "catalog")]),
    ))?;
    cluster.wait_until(&get("/cart").due("cart"))?;
    let agent = cluster.agent()?;
    let cases: Vec<Case> = (0..300)
        .map(|index| match index % 3 {
            0 => get("/cart/1").due("cart"),
            1 => get("/x").due("catalog"),
            _ => get("/cartoon").due("catalog"),
        })
        .collect();
    let exchanges = cluster.client().concurrency(4).run(&cases)?;
    let observed = agent.stop()?;
    assert_exact(&exchanges, &observed)?;
    Ok(())
}

/// A grant deleted under traffic: 200 becomes 500, which by the specs is right; it comes back with the grant.
#[test]
fn a_grant_is_deleted_and_comes_back() -> Result<()> {
    let cluster = Cluster::start(&["other/pay"])?;
    cluster.api.apply(grant("other"))?;
    cluster
        .api
        .apply(route("pay", &[], &json!([prefix("/", "other/pay")])))?;
    let (granted, refused) = (get("/").due("other/pay"), get("/").due_status(500));
    cluster.wait_until(&granted)?;
    let agent = cluster.agent()?;

    let mut exchanges = traffic(&cluster, &granted, 50)?;
    cluster.api.delete("ReferenceGrant", "other", "routes")?;
    cluster.wait_until(&refused)?;
    exchanges.extend(traffic(&cluster, &refused, 100)?);
    cluster.api.apply(grant("other"))?;
    cluster.wait_until(&granted)?;
    exchanges.extend(traffic(&cluster, &granted, 50)?);

    let observed = agent.stop()?;
    assert_no_mismatch_but(&observed, &[])?;
    let comparison = assert_exact(&exchanges, &observed)?;
    ensure!(comparison.misrouted == 0 && comparison.requests == 200);
    Ok(())
}

/// A route changed under traffic: the gateway follows within a second or two, and nobody calls that a misroute.
#[test]
fn a_route_is_changed() -> Result<()> {
    let cluster = Cluster::start(&["blue", "green"])?;
    let to = |backend: &str| route("app", &[], &json!([prefix("/", backend)]));
    cluster.api.apply(to("blue"))?;
    cluster.wait_until(&get("/").due("blue"))?;
    let agent = cluster.agent()?;
    for turn in 0..6 {
        let backend = if turn % 2 == 0 { "green" } else { "blue" };
        cluster.api.apply(to(backend))?;
        traffic(&cluster, &get("/").due_any(&["blue", "green"]), 60)?;
        cluster.wait_until(&get("/").due(backend))?;
    }
    let observed = agent.stop()?;
    assert_no_mismatch_but(&observed, &[])?;
    let verdicts = decisions(&observed);
    let matched = verdicts.iter().filter(|decision| decision.verdict() == "match").count();
    ensure!(
        matched * 100 >= verdicts.len() * 95,
        "{matched} of {} matched",
        verdicts.len()
    );
    Ok(())
}
