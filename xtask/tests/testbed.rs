//! The testbed itself, without gwobs: real data planes do what their table says, and clients and backends agree on it.

#![expect(clippy::indexing_slicing, reason = "a test may panic")]

use anyhow::Result;
use std::time::Duration;
use xtask::testbed::client::{Client, Exchange, Mark, Pace};
use xtask::testbed::plane::DataPlane;
use xtask::testbed::rule::{Filter, Route, exact, prefix, route};
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{Body, Case, get, mixed, over_tls, post};
use xtask::testbed::truth::is_misrouted;
use xtask::testbed::{Plan, Testbed};

xtask::on_every_plane!(
    every_kind_of_request_goes_where_the_table_says,
    a_wrong_table_misroutes_and_the_client_knows,
    manifests_are_rendered_as_they_were,
    tls_on_both_sides
);

xtask::on_plane!(nginx_debian, tls_on_both_sides);
xtask::on_plane!(haproxy_debian, tls_on_both_sides);

fn routes() -> Vec<Route> {
    vec![
        route(
            "shop",
            vec![
                exact("/exact").to("exact"),
                prefix("/api/v2").to("v2"),
                prefix("/api").header("x-env", "canary").to("canary"),
                prefix("/api").to("v1"),
                prefix("/old").redirect(301, "new.example.com"),
                prefix("/shop").to("v1").filter(Filter::ReplacePrefix("/".to_owned())),
                prefix("/split").split(&[("v1", 1), ("v2", 1)]),
                prefix("/again").to("v2").retry(2),
            ],
        ),
        route("admin", vec![prefix("/").to("admin")]).host("admin.example.com"),
    ]
}

fn cases() -> Vec<Case> {
    vec![
        get("/exact").due("exact"),
        get("/exact/not").due_status(404),
        get("/api/v2/items?x=1").due("v2"),
        get("/api/v2example").due("v1"),
        get("/api/items").header("x-env", "canary").due("canary"),
        get("/api/items").padded(8 * 1024).due("v1"),
        get("/old/page").due_redirect(301, "http://new.example.com/old/page"),
        get("/shop//cart").due("v1"),
        get("/split").due_any(&["v1", "v2"]),
        get("/again").asking("fail-first=2").due("v2"),
        get("/anything").host("admin.example.com").due("admin"),
        post("/api/v2", Body::Length(1)).due("v2"),
        post("/api", Body::Length(1 << 20)).due("v1"),
        post("/api", Body::Chunked(70_000)).due("v1"),
        get("/api").asking("length=1048576").due("v1"),
        get("/api").asking("length=0").due("v1"),
        get("/api").asking("length=4000 pieces=5 pause-ms=1").due("v1"),
        get("/api").asking("close").due("v1"),
    ]
}

/// Everything went where the table sends it, as the client sees it, and a backend received what it was sent.
fn assert_all_right(exchanges: &[Exchange]) -> Result<()> {
    for exchange in exchanges {
        let answer = exchange
            .answer
            .as_ref()
            .map_err(|error| anyhow::anyhow!("{exchange:?}: {error}"))?;
        anyhow::ensure!(!is_misrouted(&exchange.due, answer), "{exchange:?}");
        if let (Some(echo), Body::Length(length)) = (&answer.echo, exchange.request.body) {
            anyhow::ensure!(echo["body_bytes"] == length, "{exchange:?}");
        }
    }
    Ok(())
}

fn every_kind_of_request_goes_where_the_table_says(plane: &'static dyn DataPlane) -> Result<()> {
    let routes = routes();
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    let client = Client::new(bed.address());
    let slow = client.pace(Pace::ByteByByte(Duration::from_micros(50)));
    let ways = [
        client.run(&mixed(&cases(), 100))?,
        client.concurrency(64).run(&mixed(&cases(), 1000))?,
        client
            .concurrency(4)
            .per_connection(1)
            .mark(Mark::Query)
            .run(&mixed(&cases()[..9], 100))?,
        // Only forwarded requests: Envoy closes after an answer of its own when more requests are waiting.
        client.pipeline(3).mark(Mark::None).run(&mixed(&cases()[2..6], 9))?,
        slow.run(&cases()[..5])?,
    ];
    let exchanges = ways.concat();
    assert_eq!(exchanges.len(), 1214);
    assert_all_right(&exchanges)?;
    assert_eq!(
        bed.backends.received().values().sum::<u64>(),
        attempts(&exchanges),
        "clients and backends count alike"
    );
    Ok(())
}

/// What the backends must have received: one request for each answer of theirs, and the attempts told to fail.
fn attempts(exchanges: &[Exchange]) -> u64 {
    let answered = exchanges
        .iter()
        .filter(|exchange| exchange.answer.as_ref().is_ok_and(|a| a.backend.is_some()));
    answered
        .map(|exchange| if exchange.request.target == "/again" { 3 } else { 1 })
        .sum()
}

fn tls_on_both_sides(plane: &'static dyn DataPlane) -> Result<()> {
    let routes = routes();
    let plan = Plan {
        tls: Tls::BOTH,
        ..Plan::correct(plane, &routes)
    };
    let bed = Testbed::start(&plan)?;
    let cases = over_tls(cases());
    let client = bed.client();
    let ways = [
        client.concurrency(16).run(&mixed(&cases, 300))?,
        client.concurrency(4).per_connection(1).run(&mixed(&cases, 40))?,
    ];
    assert_all_right(&ways.concat())?;
    let text = std::fs::read_to_string(bed.manifests())?;
    assert_eq!(text.matches("protocol: HTTPS").count(), 1);
    assert_eq!(
        text.matches("kind: BackendTLSPolicy").count(),
        bed.backends.iter().count()
    );
    Ok(())
}

fn a_wrong_table_misroutes_and_the_client_knows(plane: &'static dyn DataPlane) -> Result<()> {
    let (specified, mut configured) = (routes(), routes());
    configured[0].rules.swap(1, 3);
    let bed = Testbed::start(&Plan::wrong(plane, &configured, &specified))?;
    let exchanges = Client::new(bed.address()).run(&cases()[..5])?;
    let misrouted = exchanges.iter().filter(|exchange| {
        exchange
            .answer
            .as_ref()
            .is_ok_and(|answer| is_misrouted(&exchange.due, answer))
    });
    let misrouted: Vec<&str> = misrouted.map(|exchange| exchange.request.target.as_str()).collect();
    assert_eq!(misrouted, ["/api/v2/items?x=1", "/api/items"]);
    Ok(())
}

fn manifests_are_rendered_as_they_were(plane: &'static dyn DataPlane) -> Result<()> {
    let routes = routes();
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    let text = std::fs::read_to_string(bed.manifests())?;
    assert_eq!(text.matches("kind: HTTPRoute").count(), 2);
    assert_eq!(text.matches("kind: EndpointSlice").count(), bed.backends.iter().count());
    assert!(
        text.contains(&format!("port: {}", bed.address().port())),
        "the listener has the data plane's port:\n{text}"
    );
    Ok(())
}
