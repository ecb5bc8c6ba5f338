//! HTTP/2 without TLS on one side of Envoy or on both.

use anyhow::Result;
use xtask::testbed::http2::Connection;
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::traffic::{Body, Case, get, mixed, post};
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed, shop};

use super::gateway::{Gateway, Row};

const fn row(host: &'static str, prefix: &'static str, backend: &'static str) -> Row {
    Row {
        kind: "HTTPRoute",
        host,
        prefix,
        backend,
    }
}

const ROWS: [Row; 3] = [
    row("shop.test", "/cart", "cart"),
    row("shop.test", "/", "shop"),
    row("blog.test", "/", "blog"),
];

fn cases() -> Vec<Case> {
    vec![
        get("/").host("shop.test").due("shop"),
        get("/cart/1?a=b").host("shop.test").due("cart"),
        post("/cart/2", Body::Length(40_000)).host("shop.test").due("cart"),
        get("/cart").host("blog.test").due("blog"),
        get("/").host("nowhere.test").due_status(404),
    ]
}

/// Clients speak HTTP/2, backends HTTP/1.
#[tokio::test]
async fn to_http1() -> Result<()> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let gwobs = bed.observe().start()?;
    let connection = Connection::open(bed.address()).await?;
    let exchanges = connection.run(&mixed(&shop::requests(), 1000), 1).await;
    let comparison = exact(&exchanges, &gwobs.stop()?)?;
    assert_eq!(comparison.requests, 1000);
    Ok(())
}

/// One connection, several authorities, several requests at a time, HTTP/2 on both sides.
#[tokio::test]
async fn coalesced_and_interleaved() -> Result<()> {
    let gateway = Gateway::start(&ROWS, &ROWS).await?;
    let gwobs = gateway.observe().start()?;
    let connection = Connection::open(gateway.network.gateway()).await?;
    let exchanges = connection.run(&mixed(&cases(), 2000), 8).await;
    let observed = gwobs.stop()?;
    assert!(
        observed
            .decisions
            .iter()
            .all(|decision| decision.text("/downstream/protocol") == "h2")
    );
    let comparison = exact(&exchanges, &observed)?;
    assert_eq!(comparison.requests, 2000);
    Ok(())
}

/// Envoy sends the cart's requests elsewhere.
#[tokio::test]
async fn misrouted() -> Result<()> {
    let configured = [row("shop.test", "/cart", "blog"), ROWS[1], ROWS[2]];
    let gateway = Gateway::start(&configured, &ROWS).await?;
    let gwobs = gateway.observe().start()?;
    let connection = Connection::open(gateway.network.gateway()).await?;
    let exchanges = connection.run(&mixed(&cases(), 500), 4).await;
    let comparison = exact(&exchanges, &gwobs.stop()?)?;
    assert!(comparison.misrouted > 100, "{comparison:?}");
    Ok(())
}
