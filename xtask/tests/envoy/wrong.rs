//! A wrongly configured data plane: every misrouted request is found, and no other.

use crate::{observe, observe_exactly, shop};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{Route, prefix};
use xtask::testbed::traffic::{Case, mixed};

/// Requests with `x-misroute: yes` go to a backend that no rule gives them.
fn misroute_by_header() -> Vec<Route> {
    let mut routes = shop::routes();
    for route in &mut routes {
        route
            .rules
            .insert(0, prefix("/").header("x-misroute", "yes").to("stranger"));
    }
    routes
}

/// One case in `one_in` gets the header that misroutes it.
fn some_misrouted(cases: &[Case], count: usize, one_in: usize) -> Vec<Case> {
    let mut cases = mixed(cases, count);
    for case in cases.iter_mut().step_by(one_in) {
        case.request = case.request.clone().header("x-misroute", "yes");
    }
    cases
}

fn assert_exact(configured: &[Route], drive: impl FnOnce(Client) -> Result<Vec<Exchange>>) -> Result<usize> {
    let specified = shop::routes();
    Ok(observe_exactly(&Plan::wrong(&Envoy, configured, &specified), drive)?.misrouted)
}

#[test]
fn wrong_order_one_request_at_a_time() -> Result<()> {
    let misrouted = assert_exact(&shop::wrong_order(), |client| {
        client.run(&mixed(&shop::all_requests(), 800))
    })?;
    assert!(misrouted > 100, "only {misrouted} were misrouted");
    Ok(())
}

#[test]
fn wrong_order_at_concurrency_64() -> Result<()> {
    let misrouted = assert_exact(&shop::wrong_order(), |client| {
        client.concurrency(64).run(&mixed(&shop::all_requests(), 3_000))
    })?;
    assert!(misrouted > 400, "only {misrouted} were misrouted");
    Ok(())
}

#[test]
fn forgotten_headers_at_concurrency_64() -> Result<()> {
    let misrouted = assert_exact(&shop::forgotten_headers(), |client| {
        client.concurrency(64).run(&mixed(&shop::all_requests(), 3_000))
    })?;
    assert!(misrouted > 400, "only {misrouted} were misrouted");
    Ok(())
}

#[test]
fn one_in_fifty_misrouted_is_found_among_the_others() -> Result<()> {
    let misrouted = assert_exact(&misroute_by_header(), |client| {
        client
            .concurrency(64)
            .run(&some_misrouted(&shop::requests(), 4_000, 50))
    })?;
    assert_eq!(misrouted, 80);
    Ok(())
}

/// What a decision says about a misroute, beyond that it is one.
#[test]
fn a_misroute_is_explained() -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let case = shop::requests().remove(3);
    let (exchanges, observed) = observe(&Plan::wrong(&Envoy, &configured, &specified), |client| {
        client.run(&[case])
    })?;
    let answer = exchanges[0].answer.clone().map_err(anyhow::Error::msg)?;
    let [decision] = observed.decisions.as_slice() else {
        anyhow::bail!("{:?}", observed.decisions)
    };

    assert_eq!((decision.verdict(), decision.reason()), ("mismatch", "wrong_backend"));
    assert_eq!(decision.text("/gateway"), "shop/gateway");
    assert_eq!(decision.text("/listener"), "http");
    assert_eq!(decision.text("/request/method"), "GET");
    assert!(decision.path().starts_with("/api/v2/items?x=1"));
    assert_eq!(decision.text("/request/authority"), "shop.example.com");
    assert_eq!(decision.text("/expected/action"), "forward");
    assert_eq!(decision.text("/expected/route/name"), "shop");
    assert_eq!(decision.number("/expected/route/rule"), Some(1));
    assert_eq!(decision.text("/expected/backends/0/backend"), "shop/v2:80");
    assert_eq!(
        decision.number("/observed_route/rule"),
        Some(5),
        "rule 5 is the one that leads to v1"
    );
    assert_eq!(decision.text("/upstreams/0/backend"), "shop/v1:80");
    assert_eq!(decision.chosen(), answer.endpoint.as_deref());
    assert_eq!(decision.number("/upstreams/0/status"), Some(200));
    assert_eq!(decision.number("/response/status"), Some(200));
    assert_eq!(decision.text("/response/origin"), "upstream");
    assert_eq!(decision.text("/downstream/protocol"), "http/1.1");
    Ok(())
}
