//! A backend that answers before the request's body has ended, inside TLS: the rest of the body comes later or never, and
//! the message behind it is not missed.

use crate::{Plane, both};
use anyhow::{Result, ensure};
use xtask::testbed::client::wire;
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{Body, mixed, over_tls, post};
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_every_plane!(answers_before_the_request_has_ended);

/// Requests with a body that is far longer than what is copied of one, each on a connection of its own.
const LONG: usize = 20;

fn answers_before_the_request_has_ended(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let plan = Plan {
        tls: Tls::BOTH,
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    let long = post("/api/v2", Body::Length(1 << 20)).asking("early").due("v2");
    let client = bed.client();
    let mut early = Vec::new();
    let send = || {
        for _ in 0..LONG {
            early.push(
                client
                    .by_hand(&long, |connection, request| connection.write(&wire(request)))?
                    .0,
            );
        }
        Ok(())
    };
    let others = over_tls(mixed(&shop::requests(), 200));
    let mut exchanges = both(send, || client.concurrency(4).run(&others))?;
    ensure!(
        early.iter().any(|exchange| exchange.answer.is_ok()),
        "{:?}",
        early.first()
    );
    exchanges.extend(early);
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    ensure!(
        seen.misrouted > LONG,
        "the long ones are misrouted, and others are: {}",
        seen.misrouted
    );
    Ok(())
}
