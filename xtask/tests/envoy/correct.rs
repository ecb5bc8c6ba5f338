//! A correctly configured data plane: thousands of requests, no mismatch.

use crate::{observe_exactly, shop};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::Mark;
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::traffic::mixed;

#[test]
fn no_mismatch_one_request_at_a_time() -> Result<()> {
    let routes = shop::routes();
    let seen = observe_exactly(&Plan::correct(&Envoy, &routes), |client| {
        client.run(&mixed(&shop::all_requests(), 1_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (1_000, 0));
    Ok(())
}

#[test]
fn no_mismatch_at_concurrency_64() -> Result<()> {
    let routes = shop::routes();
    let seen = observe_exactly(&Plan::correct(&Envoy, &routes), |client| {
        client.concurrency(64).run(&mixed(&shop::requests(), 5_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (5_000, 0));
    Ok(())
}

#[test]
fn no_mismatch_with_large_bodies_and_heads_at_concurrency_64() -> Result<()> {
    let routes = shop::routes();
    let seen = observe_exactly(&Plan::correct(&Envoy, &routes), |client| {
        client.concurrency(64).run(&mixed(&shop::bulky_requests(), 2_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (2_000, 0));
    Ok(())
}

/// Nothing but their bytes' way through Envoy ties the two sides together.
#[test]
fn no_mismatch_without_request_ids() -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        request_ids: false,
        ..Plan::correct(&Envoy, &routes)
    };
    let seen = observe_exactly(&plan, |client| {
        client
            .concurrency(16)
            .mark(Mark::Query)
            .run(&mixed(&shop::requests(), 2_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (2_000, 0));
    Ok(())
}

#[test]
fn several_endpoints_of_a_service_are_all_right() -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        endpoints: 3,
        ..Plan::correct(&Envoy, &routes)
    };
    let seen = observe_exactly(&plan, |client| {
        client.concurrency(8).run(&mixed(&shop::requests(), 1_000))
    })?;
    assert_eq!((seen.requests, seen.misrouted), (1_000, 0));
    Ok(())
}
