//! Messages that are more than a request and its answer: announced bodies, early answers, upgrades.

use crate::{Plane, both, shop};
use anyhow::{Context as _, Result, ensure};
use std::io;
use std::sync::{Mutex, PoisonError};
use xtask::testbed::client::{Client, Exchange, body, head, wire};
use xtask::testbed::http::Connection;
use xtask::testbed::traffic::{Body, Case, Request, get, mixed, post};
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed};

xtask::on_every_plane!(
    bodies_announced_with_100_continue,
    answers_before_the_request_has_ended,
    upgraded_connections,
);

/// Clients at once that drive their connections by hand.
const CLIENTS: usize = 4;
/// Requests that each of them sends.
const EACH: usize = 10;

/// Sends the case often, each time by `drive`, among ordinary traffic through a wrongly configured data plane; every
/// decision must be right. Returns what became of the case.
fn among_others(
    plane: Plane,
    case: &Case,
    drive: impl Fn(&Client, &Case) -> Result<Exchange> + Sync,
) -> Result<Vec<Exchange>> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::wrong(plane, &configured, &specified))?;
    let gwobs = bed.observe().start()?;
    let special = Mutex::new(Vec::new());
    let client = bed.client();
    let often = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..EACH {
                            let exchange = drive(&client, case)?;
                            special.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
                        }
                        Ok(())
                    })
                })
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    };
    let mut exchanges = both(often, || client.concurrency(4).run(&mixed(&shop::requests(), 200)))?;
    let special = special.into_inner().unwrap_or_else(PoisonError::into_inner);
    exchanges.extend(special.iter().cloned());
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.misrouted > CLIENTS * EACH, "the case is misrouted, and others are");
    Ok(special)
}

/// The body follows when the data plane, or the backend behind it, has said that it may.
fn bodies_announced_with_100_continue(plane: Plane) -> Result<()> {
    let request = post("/api/v2", Body::Length(20_000)).header("expect", "100-continue");
    let exchanges = among_others(plane, &request.due("v2"), |client, case| {
        let send = |connection: &mut Connection, request: &Request| {
            connection.write(head(request).as_bytes())?;
            let interim = connection.read_head()?;
            if interim.start[1] != "100" {
                return Err(io::Error::other(format!("{:?} instead of 100", interim.start)));
            }
            connection.write(&body(request.body))
        };
        Ok(client.by_hand(case, send)?.0)
    })?;
    for exchange in exchanges {
        let answer = exchange.answer.map_err(anyhow::Error::msg)?;
        let echo = answer.echo.context("no echo")?;
        assert_eq!(echo.get("body_bytes"), Some(&20_000.into()), "{echo}");
    }
    Ok(())
}

/// The backend answers as soon as it has the head; the rest of the body comes later or never.
fn answers_before_the_request_has_ended(plane: Plane) -> Result<()> {
    let request = post("/api/v2", Body::Length(1 << 20)).asking("early");
    let exchanges = among_others(plane, &request.due("v2"), |client, case| {
        Ok(client
            .by_hand(case, |connection, request| connection.write(&wire(request)))?
            .0)
    })?;
    let answered = exchanges.iter().filter(|exchange| exchange.answer.is_ok()).count();
    ensure!(answered > 0, "{:?}", exchanges.first());
    Ok(())
}

/// After 101 the bytes are no HTTP, even if they look like it.
fn upgraded_connections(plane: Plane) -> Result<()> {
    let request = get("/api/v2/socket").websocket();
    let exchanges = among_others(plane, &request.due("v2"), |client, case| {
        let (exchange, mut connection) =
            client.by_hand(case, |connection, request| connection.write(&wire(request)))?;
        for message in [
            "hello",
            "GET /api HTTP/1.1\r\nhost: trap\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
        ] {
            connection.write(message.as_bytes())?;
            assert_eq!(connection.read_exactly(message.len())?, message.as_bytes());
        }
        Ok(exchange)
    })?;
    for exchange in exchanges {
        assert_eq!(exchange.answer.map(|answer| answer.status), Ok(101));
    }
    Ok(())
}
