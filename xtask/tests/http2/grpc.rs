//! gRPC through Envoy, unary and streaming.

use anyhow::Result;
use xtask::testbed::http2::Connection;
use xtask::testbed::traffic::{Body, Case, mixed, post};
use xtask::testbed::trial::exact;

use super::backend::{MESSAGE, UNKNOWN_METHOD};
use super::gateway::{Gateway, Row};

const fn row(prefix: &'static str, backend: &'static str) -> Row {
    Row {
        kind: "GRPCRoute",
        host: "shop.test",
        prefix,
        backend,
    }
}

const ROWS: [Row; 3] = [
    row("/shop.Cart/Watch", "watch"),
    row("/shop.Cart/", "cart"),
    row("/shop.Items/", "items"),
];

fn call(method: &str, messages: usize) -> xtask::testbed::traffic::Request {
    post(method, Body::Length(messages * MESSAGE.len()))
        .host("shop.test")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
}

fn cases() -> Vec<Case> {
    vec![
        call("/shop.Cart/Add", 1).due("cart"),
        call("/shop.Cart/Watch", 1).due("watch"),
        call("/shop.Items/List", 20).due("items"),
        call(UNKNOWN_METHOD, 1).due("cart"),
        // Envoy tells its own 404 to gRPC clients by a gRPC status.
        call("/shop.Nothing/There", 1).due_status(200),
    ]
}

#[tokio::test]
async fn calls_are_decided() -> Result<()> {
    let gateway = Gateway::start(&ROWS, &ROWS).await?;
    let gwobs = gateway.observe().start()?;
    let connection = Connection::open(gateway.network.gateway()).await?;
    let exchanges = connection.run(&mixed(&cases(), 1000), 4).await;
    let observed = gwobs.stop()?;
    let comparison = exact(&exchanges, &observed)?;
    assert_eq!(comparison.requests, 1000);
    let grpc_status = |status: u64| {
        let has = |decision: &&xtask::testbed::gwobs::decision::Decision| {
            decision.number("/response/grpc_status") == Some(status)
        };
        observed.decisions.iter().filter(has).count()
    };
    assert!(grpc_status(0) > 500, "of trailers");
    assert!(
        grpc_status(12) > 300,
        "of answers that are nothing but a head, the gateway's own among them"
    );
    Ok(())
}

#[tokio::test]
async fn misrouted_calls_are_found() -> Result<()> {
    let configured = [row("/shop.Cart/Watch", "cart"), ROWS[1], ROWS[2]];
    let gateway = Gateway::start(&configured, &ROWS).await?;
    let gwobs = gateway.observe().start()?;
    let connection = Connection::open(gateway.network.gateway()).await?;
    let exchanges = connection.run(&mixed(&cases(), 500), 4).await;
    let comparison = exact(&exchanges, &gwobs.stop()?)?;
    assert!(comparison.misrouted > 50, "{comparison:?}");
    Ok(())
}
