//! Connections in all the ways that clients use them.

use crate::{Plane, both, observe, observe_exactly, shop};
use anyhow::{Result, ensure};
use std::time::Duration;
use xtask::testbed::client::{Client, Pace, wire};
use xtask::testbed::http::Connection;
use xtask::testbed::traffic::{Body, get, mixed, post};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

xtask::on_every_plane!(
    a_connection_for_each_request,
    one_connection_carries_requests_of_all_routes,
    pipelined_requests,
    heads_that_arrive_byte_by_byte,
    connections_opened_before_gwobs_started,
    large_chunked_bodies_in_both_directions,
    clients_that_go_away,
);

fn a_connection_for_each_request(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let seen = observe_exactly(&Plan::wrong(plane, &configured, &specified), |client| {
        client
            .concurrency(8)
            .per_connection(1)
            .run(&mixed(&shop::requests(), 600))
    })?;
    assert!(seen.misrouted > 30);
    Ok(())
}

fn one_connection_carries_requests_of_all_routes(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let plan = Plan {
        workers: 1,
        ..Plan::wrong(plane, &configured, &specified)
    };
    let seen = observe_exactly(&plan, |client| client.run(&mixed(&shop::requests(), 600)))?;
    assert!(seen.misrouted > 30);
    Ok(())
}

fn pipelined_requests(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    // Only forwarded requests: Envoy closes after an answer of its own when more requests are waiting.
    let forwarded: Vec<_> = shop::requests().drain(2..10).collect();
    let seen = observe_exactly(&Plan::wrong(plane, &configured, &specified), |client| {
        client.concurrency(4).pipeline(4).run(&mixed(&forwarded, 400))
    })?;
    assert!(seen.misrouted > 30);
    Ok(())
}

fn heads_that_arrive_byte_by_byte(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let seen = observe_exactly(&Plan::wrong(plane, &configured, &specified), |client| {
        let slow = client
            .concurrency(16)
            .pace(Pace::ByteByByte(Duration::from_micros(100)));
        slow.run(&mixed(&shop::requests(), 160))
    })?;
    assert!(seen.misrouted > 5);
    Ok(())
}

/// Both sides were open and used before the probes came: gwobs finds them and knows which side each is.
fn connections_opened_before_gwobs_started(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::wrong(plane, &configured, &specified))?;
    let client = Client::new(bed.address());
    // Fills the pools towards all backends.
    client.concurrency(16).run(&mixed(&shop::requests(), 200))?;
    let open = (0..16)
        .map(|_| Connection::open(bed.address()).map(Some))
        .collect::<Result<Vec<_>, _>>()?;
    let gwobs = bed.observe().start()?;
    let exchanges = client.run_over(open, &mixed(&shop::requests(), 600))?;
    let seen = compare(&exchanges, &gwobs.stop()?.decisions);
    seen.assert_exact()?;
    assert_eq!(seen.requests, 600);
    assert!(seen.misrouted > 30);
    Ok(())
}

/// Bodies in chunks that come faster than gwobs can say what it needs of them, in both directions, on connections that
/// carry other requests before and after.
fn large_chunked_bodies_in_both_directions(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let large = [
        post("/api/v2", Body::Chunked(6 << 20)).due("v2"),
        post("/api", Body::Chunked(300_000)).due("v1"),
        get("/api").asking("length=6291456 pieces=50").due("v1"),
        get("/api/v2").asking("length=3000000 pieces=3").due("v2"),
        get("/api/v2").asking("length=200000 pieces=400").due("v2"),
        post("/api", Body::Chunked(2 << 20))
            .asking("length=2097152 pieces=9")
            .due("v1"),
    ];
    let requests = [&large[..], &shop::requests()].concat();
    let seen = observe_exactly(&Plan::wrong(plane, &configured, &specified), |client| {
        client.concurrency(8).run(&mixed(&requests, 300))
    })?;
    assert!(seen.misrouted > 10);
    assert_eq!(seen.undecided.len(), 0, "{:?}", seen.undecided);
    Ok(())
}

/// Clients that go away, at whatever moment, are never a misroute, and disturb no other request.
fn clients_that_go_away(plane: Plane) -> Result<()> {
    let routes = shop::routes();
    let (exchanges, observed) = observe(&Plan::correct(plane, &routes), |client| {
        both(
            || go_away(&client),
            || client.concurrency(8).run(&mixed(&shop::requests(), 500)),
        )
    })?;
    let (abandoned, other): (Vec<_>, Vec<_>) = observed
        .decisions
        .into_iter()
        // Of half a head nothing can be told.
        .partition(|decision| decision.header("x-goes-away").is_some() || decision.has_no_request());
    compare(&exchanges, &other).assert_exact()?;
    ensure!(
        abandoned.len() <= GOING.len() * TIMES,
        "{} decisions about {} requests",
        abandoned.len(),
        GOING.len() * TIMES
    );
    for decision in abandoned {
        assert_ne!(decision.verdict(), "mismatch", "{}", decision.0);
    }
    Ok(())
}

/// When a client goes away.
#[derive(Debug, Clone, Copy)]
enum Going {
    WithoutAWord,
    InTheMiddleOfTheHead,
    RightAfterTheRequest,
    WhileTheBackendWorks,
    AfterItHasClosedItsSide,
}

const GOING: [Going; 5] = [
    Going::WithoutAWord,
    Going::InTheMiddleOfTheHead,
    Going::RightAfterTheRequest,
    Going::WhileTheBackendWorks,
    Going::AfterItHasClosedItsSide,
];

/// How often each way is tried.
const TIMES: usize = 10;

/// Sends requests whose answers take a while, and closes before they come.
fn go_away(client: &Client) -> Result<()> {
    let request = get("/api/slow").asking("delay-ms=100").header("x-goes-away", "yes");
    let bytes = wire(&request);
    for going in GOING.iter().cycle().take(GOING.len() * TIMES) {
        let mut connection = client.connect()?;
        match going {
            Going::WithoutAWord => {}
            Going::InTheMiddleOfTheHead => connection.write(bytes.split_at(bytes.len() / 2).0)?,
            Going::RightAfterTheRequest => connection.write(&bytes)?,
            Going::WhileTheBackendWorks => {
                connection.write(&bytes)?;
                std::thread::sleep(Duration::from_millis(20));
            }
            Going::AfterItHasClosedItsSide => {
                connection.write(&bytes)?;
                connection.finish_writing()?;
                // Some gateways take this for an abort, others answer.
                let _ = connection.read_head();
            }
        }
    }
    Ok(())
}
