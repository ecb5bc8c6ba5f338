//! Connections that were there before gwobs: what it does not know, and what it can tell all the same.

use anyhow::Result;
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::truth::compare;

use super::client::Connection;
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
        get("/cart/1").host("shop.test").due("cart"),
        get("/cart").host("blog.test").due("blog"),
    ]
}

/// The h2 crate writes paths in full and names authorities by reference, as nghttp2 does: they are recovered from what
/// Envoy sends to the backend.
#[tokio::test]
async fn by_clients_that_name_the_authority_by_reference() -> Result<()> {
    let configured = [row("shop.test", "/cart", "blog"), ROWS[1], ROWS[2]];
    for (configured, misrouted) in [(ROWS, false), (configured, true)] {
        let gateway = Gateway::start(&configured, &ROWS).await?;
        let connection = Connection::open(gateway.network.gateway()).await?;
        connection.run(&mixed(&cases(), 100), 1).await;
        let gwobs = gateway.observe().start()?;
        let exchanges = connection.run(&mixed(&cases(), 1000), 1).await;
        let observed = gwobs.stop()?;
        let comparison = compare(&exchanges, &observed.decisions);
        println!("misrouted: {misrouted}, undecided: {:?}", comparison.undecided);
        assert_eq!(comparison.misrouted > 0, misrouted);
        assert!(
            comparison.false_mismatches.is_empty() && comparison.missed.is_empty(),
            "{comparison:?}"
        );
        let undecided: usize = comparison.undecided.values().sum();
        assert!(
            undecided <= 100,
            "{:?} {:?}",
            comparison.undecided,
            comparison.doubtful.first()
        );
    }
    Ok(())
}
