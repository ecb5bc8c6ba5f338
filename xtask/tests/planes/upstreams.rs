//! Backends that are slow, hang up or refuse connections.

use crate::{Plane, observe, observe_exactly, shop};
use anyhow::{Result, ensure};
use xtask::testbed::Plan;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::rule::{prefix, route};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;

xtask::on_every_plane!(
    hundreds_of_requests_pending_on_slow_backends,
    backends_that_hang_up,
    failed_connects_are_attempts,
);

fn hundreds_of_requests_pending_on_slow_backends(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let mut cases = mixed(&shop::requests(), 1_000);
    for case in &mut cases {
        case.request = case.request.clone().asking("delay-ms=300");
    }
    let seen = observe_exactly(&Plan::wrong(plane, &configured, &specified), |client| {
        client.concurrency(300).run(&cases)
    })?;
    assert!(seen.misrouted > 50);
    Ok(())
}

/// The data plane answers by itself then: that is not routing, so it is left open, and disturbs no other request.
fn backends_that_hang_up(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let hanging = get("/api/v2").asking("hang-up").due("v2");
    let cases = [shop::requests(), vec![hanging; 2]].concat();
    let (exchanges, observed) = observe(&Plan::wrong(plane, &configured, &specified), |client| {
        client.concurrency(8).run(&mixed(&cases, 600))
    })?;
    let hangs = |request: &[(String, String)]| request.iter().any(|(_, value)| value == "hang-up");
    let (hung, answered): (Vec<_>, Vec<_>) = exchanges
        .into_iter()
        .partition(|exchange| hangs(&exchange.request.headers));
    let (open, decided): (Vec<_>, Vec<_>) = observed
        .decisions
        .into_iter()
        .partition(|decision| decision.header("x-backend-do") == Some("hang-up"));
    compare(&answered, &decided).assert_exact()?;
    assert_eq!(open.len(), hung.len(), "one decision for each");
    for decision in open {
        let said = (decision.verdict(), decision.reason());
        // To send such a request to the wrong backend first is a misroute, whatever comes of it.
        let right = [("inconclusive", "gateway_reply"), ("mismatch", "wrong_backend")];
        ensure!(right.contains(&said), "{}", decision.0);
    }
    Ok(())
}

/// One of two endpoints refuses: what is tried there goes to the other one then. Of requests that are under way together
/// nobody can tell whose connect it was that failed; it must not cost them their verdict.
fn failed_connects_are_attempts(plane: Plane) -> Result<()> {
    let one_by_one = with_a_dead_endpoint(plane, 1, 100)?;
    let retried = one_by_one
        .iter()
        .filter(|decision| decision.upstreams().len() > 1)
        .count();
    ensure!(retried > 10, "only {retried} of {} were tried twice", one_by_one.len());
    with_a_dead_endpoint(plane, 8, 400).map(drop)
}

/// The decisions about the requests that a backend answered, all of them right.
fn with_a_dead_endpoint(plane: Plane, concurrency: usize, count: usize) -> Result<Vec<Decision>> {
    let routes = [route(
        "api",
        vec![prefix("/api").to("v1").retry(4), prefix("/other").to("v2").retry(4)],
    )];
    let plan = Plan {
        dead_endpoints: 1,
        ..Plan::correct(plane, &routes)
    };
    let (mut exchanges, mut observed) = observe(&plan, |client| {
        let cases = [get("/api/items").due("v1"), get("/other").due("v2")];
        client.concurrency(concurrency).run(&mixed(&cases, count))
    })?;
    // Some may find only the dead one however often they try, and get an answer of the gateway's own.
    exchanges.retain(|exchange| exchange.answer.as_ref().is_ok_and(|answer| answer.backend.is_some()));
    ensure!(
        exchanges.len() > count * 3 / 4,
        "only {} were answered",
        exchanges.len()
    );
    observed
        .decisions
        .retain(|decision| exchanges.iter().any(|exchange| decision.id() == Some(&exchange.id)));
    compare(&exchanges, &observed.decisions).assert_exact()?;
    Ok(observed.decisions)
}
