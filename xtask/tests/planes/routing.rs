//! A correctly configured data plane never gets a mismatch; of a wrongly configured one every misrouted request is found,
//! and no other.

use crate::{Plane, observe_exactly, shop};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::{Client, Exchange, Mark};
use xtask::testbed::rule::Route;
use xtask::testbed::traffic::mixed;

xtask::on_every_plane!(
    no_mismatch_one_request_at_a_time,
    no_mismatch_at_concurrency_64,
    no_mismatch_with_large_bodies_and_heads_at_concurrency_64,
    no_mismatch_without_request_ids,
    several_endpoints_of_a_service_are_all_right,
    wrong_order_one_request_at_a_time,
    wrong_order_at_concurrency_64,
    forgotten_headers_at_concurrency_64,
    one_in_fifty_misrouted_is_found_among_the_others,
);

xtask::on_plane!(nginx_debian, wrong_order_at_concurrency_64);
xtask::on_plane!(haproxy_debian, wrong_order_at_concurrency_64);

/// Traffic through a data plane that does what is specified.
fn correct(plan: &Plan<'_>, traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>) -> Result<()> {
    let seen = observe_exactly(plan, traffic)?;
    assert_eq!(seen.misrouted, 0);
    Ok(())
}

/// Traffic through one that does something else; how much of it was misrouted.
fn wrong(plane: Plane, configured: &[Route], traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>) -> Result<usize> {
    let specified = shop::routes();
    Ok(observe_exactly(&Plan::wrong(plane, configured, &specified), traffic)?.misrouted)
}

fn no_mismatch_one_request_at_a_time(plane: Plane) -> Result<()> {
    correct(&Plan::correct(plane, &shop::routes()), |client| {
        client.run(&mixed(&shop::all_requests(), 500))
    })
}

fn no_mismatch_at_concurrency_64(plane: Plane) -> Result<()> {
    correct(&Plan::correct(plane, &shop::routes()), |client| {
        client.concurrency(64).run(&mixed(&shop::requests(), 4_000))
    })
}

fn no_mismatch_with_large_bodies_and_heads_at_concurrency_64(plane: Plane) -> Result<()> {
    correct(&Plan::correct(plane, &shop::routes()), |client| {
        client.concurrency(64).run(&mixed(&shop::bulky_requests(), 1_500))
    })
}

/// Nothing but their bytes' way through the data plane ties the two sides together.
fn no_mismatch_without_request_ids(plane: Plane) -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        request_ids: false,
        ..Plan::correct(plane, &routes)
    };
    correct(&plan, |client| {
        let client = client.concurrency(16).mark(Mark::Query);
        client.run(&mixed(&shop::requests(), 2_000))
    })
}

fn several_endpoints_of_a_service_are_all_right(plane: Plane) -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        endpoints: 3,
        ..Plan::correct(plane, &routes)
    };
    correct(&plan, |client| {
        client.concurrency(8).run(&mixed(&shop::requests(), 1_000))
    })
}

fn wrong_order_one_request_at_a_time(plane: Plane) -> Result<()> {
    let misrouted = wrong(plane, &shop::wrong_order(), |client| {
        client.run(&mixed(&shop::all_requests(), 500))
    })?;
    assert!(misrouted > 60, "only {misrouted} were misrouted");
    Ok(())
}

fn wrong_order_at_concurrency_64(plane: Plane) -> Result<()> {
    let misrouted = wrong(plane, &shop::wrong_order(), |client| {
        client.concurrency(64).run(&mixed(&shop::all_requests(), 3_000))
    })?;
    assert!(misrouted > 400, "only {misrouted} were misrouted");
    Ok(())
}

fn forgotten_headers_at_concurrency_64(plane: Plane) -> Result<()> {
    let misrouted = wrong(plane, &shop::forgotten_headers(), |client| {
        client.concurrency(64).run(&mixed(&shop::all_requests(), 3_000))
    })?;
    assert!(misrouted > 400, "only {misrouted} were misrouted");
    Ok(())
}

fn one_in_fifty_misrouted_is_found_among_the_others(plane: Plane) -> Result<()> {
    let misrouted = wrong(plane, &shop::misrouted_by_header(), |client| {
        let mut cases = mixed(&shop::requests(), 4_000);
        shop::misroute_some(&mut cases, 50);
        client.concurrency(64).run(&cases)
    })?;
    assert!((40..160).contains(&misrouted), "{misrouted} were misrouted");
    Ok(())
}
