//! HTTP/2 on both sides, with the data planes that speak it to backends without TLS.

use anyhow::Result;
use xtask::testbed::http2::Http2;
use xtask::testbed::plane::DataPlane;
use xtask::testbed::traffic::mixed;
use xtask::testbed::trial::observe_exactly;
use xtask::testbed::{Plan, shop};

use super::planes::{some_misrouted, with_long_bodies};

xtask::on_plane!(
    envoy,
    many_requests_of_which_some_are_misrouted,
    long_bodies,
    from_http1
);
xtask::on_plane!(
    haproxy,
    many_requests_of_which_some_are_misrouted,
    long_bodies,
    from_http1
);
xtask::on_plane!(
    traefik,
    many_requests_of_which_some_are_misrouted,
    long_bodies,
    from_http1
);

fn many_requests_of_which_some_are_misrouted(plane: &'static dyn DataPlane) -> Result<()> {
    some_misrouted(plane, Http2::BOTH)
}

fn long_bodies(plane: &'static dyn DataPlane) -> Result<()> {
    with_long_bodies(plane, Http2::BOTH)
}

/// Clients speak HTTP/1.1, backends HTTP/2.
fn from_http1(plane: &'static dyn DataPlane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let plan = Plan {
        http2: Http2 {
            from_clients: false,
            to_backends: true,
        },
        ..Plan::wrong(plane, &configured, &specified)
    };
    let mut cases = mixed(&shop::requests(), 500);
    shop::misroute_some(&mut cases, 10);
    let seen = observe_exactly(&plan, |client| client.concurrency(16).run(&cases))?;
    assert!(seen.misrouted > 20, "{seen:?}");
    Ok(())
}
