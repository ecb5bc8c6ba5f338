//! Backends that are slow, hang up or refuse connections.

use crate::{Plane, observe, observe_exactly, shop};
use anyhow::{Result, ensure};
use xtask::testbed::Plan;
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

/// One of two endpoints refuses: what is tried there goes to the other one then.
fn failed_connects_are_attempts(plane: Plane) -> Result<()> {
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
        client.concurrency(8).run(&mixed(&cases, 400))
    })?;
    // Some may find only the dead one however often they try, and get an answer of the gateway's own.
    exchanges.retain(|exchange| exchange.answer.as_ref().is_ok_and(|answer| answer.backend.is_some()));
    assert!(exchanges.len() > 300, "only {} were answered", exchanges.len());
    observed
        .decisions
        .retain(|decision| exchanges.iter().any(|exchange| decision.id() == Some(&exchange.id)));
    compare(&exchanges, &observed.decisions).assert_exact()?;
    let retried = observed
        .decisions
        .iter()
        .filter(|decision| decision.upstreams().len() > 1);
    ensure!(
        retried.clone().count() > 50,
        "only {} were tried twice",
        retried.count()
    );
    Ok(())
}
