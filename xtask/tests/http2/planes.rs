//! Every data plane, with clients that speak HTTP/2 without TLS.

use anyhow::Result;
use xtask::testbed::client::Exchange;
use xtask::testbed::http2::{Http2, Load, connect, drive};
use xtask::testbed::plane::DataPlane;
use xtask::testbed::traffic::{Body, Case, get, mixed, post};
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_every_plane!(many_requests_of_which_some_are_misrouted, long_bodies);

/// Many requests at a time on few connections.
const LOAD: Load = Load {
    connections: 4,
    streams: 16,
};

pub(crate) fn send(bed: &Testbed, cases: &[Case]) -> Result<Vec<Exchange>> {
    let address = bed.address();
    drive(LOAD, "http", cases, move || connect(address))
}

pub(crate) fn some_misrouted(plane: &'static dyn DataPlane, http2: Http2) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let bed = Testbed::start(&Plan {
        http2,
        ..Plan::wrong(plane, &configured, &specified)
    })?;
    let gwobs = bed.observe().start()?;
    let mut cases = mixed(&shop::requests(), 1000);
    shop::misroute_some(&mut cases, 20);
    let exchanges = send(&bed, &cases)?;
    let observed = gwobs.stop()?;
    let is_http2 =
        |decision: &&xtask::testbed::gwobs::decision::Decision| decision.text("/downstream/protocol") == "h2";
    assert_eq!(observed.decisions.iter().filter(is_http2).count(), 1000);
    let seen = exact(&exchanges, &observed)?;
    assert_eq!(seen.requests, 1000);
    assert!(seen.misrouted > 20, "{seen:?}");
    Ok(())
}

fn many_requests_of_which_some_are_misrouted(plane: &'static dyn DataPlane) -> Result<()> {
    some_misrouted(plane, Http2::DOWNSTREAM)
}

/// Both ways, and far beyond what is copied of one direction.
pub(crate) fn bodies() -> Vec<Case> {
    vec![
        get("/api").due("v1"),
        get("/exact").due("exact"),
        post("/api", Body::Length(40_000)).due("v1"),
        post("/api/v2", Body::Length(1 << 20)).due("v2"),
        get("/api/v2").asking("length=40000").due("v2"),
        get("/api").asking("length=1048576").due("v1"),
        post("/exact", Body::Length(200_000))
            .asking("length=200000 pieces=7")
            .due("exact"),
    ]
}

pub(crate) fn with_long_bodies(plane: &'static dyn DataPlane, http2: Http2) -> Result<()> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan {
        http2,
        ..Plan::correct(plane, &routes)
    })?;
    let gwobs = bed.observe().start()?;
    let exchanges = send(&bed, &mixed(&bodies(), 400))?;
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert_eq!(seen.requests, 400);
    Ok(())
}

fn long_bodies(plane: &'static dyn DataPlane) -> Result<()> {
    with_long_bodies(plane, Http2::DOWNSTREAM)
}
