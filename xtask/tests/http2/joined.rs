//! Connections that were there before gwobs: what it does not know, and what it can tell all the same.

use anyhow::Result;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::http2::Connection;
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::truth::compare;

use super::gateway::{Gateway, Row};
use super::indexing::IndexingClient;

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

/// Envoy sends the cart's requests to the blog.
const WRONG: [Row; 3] = [row("shop.test", "/cart", "blog"), ROWS[1], ROWS[2]];

fn cases() -> Vec<Case> {
    vec![
        get("/").host("shop.test").due("shop"),
        get("/cart/1").host("shop.test").due("cart"),
        get("/cart").host("blog.test").due("blog"),
    ]
}

/// What must hold; how many of the requests were not decided, and of how many a part was unknown.
fn check(exchanges: &[Exchange], observed: &Observed, misrouted: bool) -> (usize, usize) {
    let comparison = compare(exchanges, &observed.decisions);
    assert_eq!(comparison.misrouted > 0, misrouted);
    let wrong = [
        &comparison.false_mismatches,
        &comparison.missed,
        &comparison.wrong_upstream,
    ];
    assert!(wrong.iter().all(|cases| cases.is_empty()), "{comparison:?}");
    let own = |decision: &&Decision| exchanges.iter().any(|exchange| decision.id() == Some(&exchange.id));
    let partial = |decision: &&Decision| own(decision) && decision.0.pointer("/request/unknown").is_some();
    let unseen = comparison.absent.len();
    let undecided = comparison.undecided.values().sum::<usize>() + unseen;
    let partial = observed.decisions.iter().filter(partial).count();
    (undecided, partial)
}

fn decided(exchanges: &[Exchange], observed: &Observed) -> usize {
    let of = |id: &str| observed.decisions.iter().find(|decision| decision.id() == Some(id));
    let verdicts = exchanges
        .iter()
        .filter_map(|exchange| of(&exchange.id))
        .map(Decision::verdict);
    verdicts.filter(|verdict| *verdict != "inconclusive").count()
}

/// The h2 crate writes paths in full and names authorities by reference, as nghttp2 does: they are recovered from what
/// Envoy sends to the backend.
#[tokio::test(flavor = "multi_thread")]
async fn by_clients_that_name_the_authority_by_reference() -> Result<()> {
    for misrouted in [false, true] {
        let gateway = Gateway::start(if misrouted { &WRONG } else { &ROWS }, &ROWS).await?;
        let connection = Connection::open(gateway.network.gateway()).await?;
        connection.run(&mixed(&cases(), 100), 1).await;
        let gwobs = gateway.observe().start()?;
        let exchanges = connection.run(&mixed(&cases(), 1000), 4).await;
        let observed = gwobs.stop()?;
        let (undecided, partial) = check(&exchanges, &observed, misrouted);
        println!(
            "{} requests: {undecided} undecided, {partial} known in part",
            exchanges.len()
        );
        assert!(undecided <= 100, "{undecided}");
        assert_eq!(
            decided(&exchanges[100..], &observed),
            900,
            "Envoy names authorities anew by then"
        );
        assert!(partial >= 990, "authorities are unknown: {partial}");
    }
    Ok(())
}

/// What is added after gwobs joined is known, and what was there before is evicted by it.
#[tokio::test(flavor = "multi_thread")]
async fn by_clients_that_index_paths() -> Result<()> {
    for misrouted in [false, true] {
        let gateway = Gateway::start(if misrouted { &WRONG } else { &ROWS }, &ROWS).await?;
        let mut client = IndexingClient::open(gateway.network.gateway())?;
        let mut run = |cases: &[Case]| tokio::task::block_in_place(|| client.run(cases));
        run(&mixed(&cases(), 100));
        let gwobs = gateway.observe().start()?;
        let exchanges = [run(&mixed(&cases(), 100)), run(&mixed(&cases(), 1000))].concat();
        let observed = gwobs.stop()?;
        let (before, after) = exchanges.split_at(100);
        let (undecided, partial) = check(after, &observed, misrouted);
        assert!(
            undecided <= 10,
            "the table has turned over: {undecided}, {partial} in part"
        );
        println!("of the first 100: {} decided", decided(before, &observed));
    }
    Ok(())
}
