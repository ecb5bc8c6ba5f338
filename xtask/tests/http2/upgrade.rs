//! HTTP/1.1 requests that ask to go on with HTTP/2 (RFC 7540 section 3.2), as curl's `--http2` does.

use anyhow::Result;
use xtask::testbed::client::head;
use xtask::testbed::http2::Http2;
use xtask::testbed::plane::DataPlane;
use xtask::testbed::traffic::{Case, Request, get, mixed};
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_every_plane!(requests_that_ask_for_http2);

/// Settings as curl sends them: 100 streams, a window of 1 GiB, no push.
fn asking(request: Request) -> Request {
    request
        .header("connection", "Upgrade, HTTP2-Settings")
        .header("upgrade", "h2c")
        .header("http2-settings", "AAMAAABkAAQAoAAAAAIAAAAA")
}

/// No data plane switches: each answers with HTTP/1.1, as it may, and the request is judged as any other.
fn requests_that_ask_for_http2(plane: &'static dyn DataPlane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan {
        http2: Http2::DOWNSTREAM,
        ..Plan::wrong(plane, &configured, &specified)
    })?;
    let gwobs = bed.observe().start()?;
    let cases = [
        get("/exact").due("exact"),
        get("/api/v2").due("v2"),
        get("/api").due("v1"),
    ];
    let mut exchanges = Vec::new();
    for case in mixed(&cases, 60) {
        let case = Case {
            request: asking(case.request),
            due: case.due,
        };
        let sent = |connection: &mut xtask::testbed::http::Connection, request: &Request| {
            connection.write(head(request).as_bytes())
        };
        let (exchange, _) = bed.client().by_hand(&case, sent)?;
        let status = exchange.answer.as_ref().map(|answer| answer.status);
        assert_eq!(status, Ok(200), "{}", plane.name());
        exchanges.push(exchange);
    }
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.requests == 60 && seen.misrouted > 10, "{seen:?}");
    Ok(())
}
