//! gRPC through Envoy, unary and streaming, in the clear and in TLS. The client is tonic; it knows how every call ended.

mod client;

use std::collections::BTreeMap;

use anyhow::Result;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::tls::SERVER_NAME;
use xtask::testbed::traffic::{Body, Case, mixed, post};
use xtask::testbed::trial::exact;

use self::client::{Call, Client};
use super::gateway::{Gateway, Row};

/// Messages of a stream, in either direction.
pub(crate) const MESSAGES: usize = 3;

/// What a method does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One message each way.
    Unary,
    /// Several messages come back.
    Watch,
    /// Several messages are sent.
    Upload,
    /// Several messages each way, each answered by one.
    Chat,
    /// A message comes back, and then the call fails.
    Fail,
    /// The backend knows nothing of it: it answers with a head and nothing else.
    Unknown,
}

/// By the name of the method, which the path ends with.
pub(crate) fn kind_of(path: &str) -> Kind {
    match path.rsplit('/').next() {
        Some("Watch") => Kind::Watch,
        Some("Upload") => Kind::Upload,
        Some("Chat") => Kind::Chat,
        Some("Fail") => Kind::Fail,
        Some("Unknown") => Kind::Unknown,
        _ => Kind::Unary,
    }
}

const fn row(prefix: &'static str, backend: &'static str) -> Row {
    Row {
        kind: "GRPCRoute",
        host: SERVER_NAME,
        prefix,
        backend,
    }
}

const ROWS: [Row; 4] = [
    row("/shop.Cart/Watch", "watch"),
    row("/shop.Cart/Chat", "chat"),
    row("/shop.Cart/", "cart"),
    row("/shop.Items/", "items"),
];

fn call(method: &str, message: usize) -> xtask::testbed::traffic::Request {
    post(method, Body::Length(message))
}

fn cases() -> Vec<Case> {
    vec![
        call("/shop.Cart/Add", 5).due("cart"),
        call("/shop.Cart/Add", 100_000).due("cart"),
        call("/shop.Cart/Watch", 2_000).due("watch"),
        call("/shop.Cart/Chat", 20_000).due("chat"),
        call("/shop.Items/Upload", 50_000).due("items"),
        call("/shop.Items/Fail", 100).due("items"),
        call("/shop.Cart/Unknown", 1).due("cart"),
        // Envoy tells its own 404 to gRPC clients by a gRPC status.
        call("/shop.Nothing/There", 1).due_status(200),
    ]
}

/// Everything that was called, and what gwobs made of it.
async fn trial(configured: &[Row], tls: bool, calls: usize) -> Result<(Vec<Call>, Observed)> {
    let gateway = Gateway::start_with(configured, &ROWS, tls).await?;
    let gwobs = gateway.observe().start()?;
    let client = Client::open(gateway.network.gateway(), gateway.trusted().as_deref()).await?;
    let calls = client.run(&mixed(&cases(), calls), 16).await;
    Ok((calls, gwobs.stop()?))
}

fn exchanges(calls: &[Call]) -> Vec<Exchange> {
    calls.iter().map(|call| call.exchange.clone()).collect()
}

/// What gwobs says of how each call ended is what the client says.
fn assert_codes(calls: &[Call], observed: &Observed) {
    let told = observed.decisions.iter().filter_map(|decision| {
        let code = decision.number("/response/grpc_status")?;
        Some((decision.id()?.to_owned(), code))
    });
    let told: BTreeMap<String, u64> = told.collect();
    let known = calls.iter().map(|call| {
        let code = u64::try_from(i32::from(call.code)).unwrap_or(u64::MAX);
        (call.exchange.id.clone(), code)
    });
    let known: BTreeMap<String, u64> = known.collect();
    assert_eq!(told, known);
    for code in [0, 9, 12] {
        assert!(known.values().any(|known| *known == code), "no call ended with {code}");
    }
}

async fn every_call_is_decided(tls: bool) -> Result<()> {
    let (calls, observed) = trial(&ROWS, tls, 800).await?;
    let seen = exact(&exchanges(&calls), &observed)?;
    assert_eq!((seen.requests, seen.misrouted), (800, 0));
    assert_codes(&calls, &observed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_decided() -> Result<()> {
    every_call_is_decided(false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_tls_are_decided() -> Result<()> {
    every_call_is_decided(true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn misrouted_calls_are_found() -> Result<()> {
    for tls in [false, true] {
        let configured = [row("/shop.Cart/Watch", "cart"), ROWS[1], ROWS[2], ROWS[3]];
        let (calls, observed) = trial(&configured, tls, 400).await?;
        let seen = exact(&exchanges(&calls), &observed)?;
        assert!(seen.misrouted > 20, "{seen:?}");
    }
    Ok(())
}
