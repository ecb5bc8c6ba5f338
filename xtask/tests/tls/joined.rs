//! Connections that were shaken hands on before the probes came are read all the same.

use crate::Plane;
use anyhow::{Result, ensure};
use xtask::testbed::http::Connection;
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{mixed, over_tls};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_every_plane!(connections_that_were_open_before);

/// Connections of clients, and at most about as many to each backend.
const CLIENTS: usize = 16;
/// A hundred requests for each connection.
const FIRST: usize = 100 * CLIENTS;
/// What is expected to be decided after those.
const THEN: usize = 400;

/// Both sides were shaken hands on and used before the probes came.
fn connections_that_were_open_before(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let plan = Plan {
        tls: Tls::BOTH,
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = Testbed::start(&plan)?;
    let client = bed.client().concurrency(CLIENTS);
    let cases = |count| over_tls(mixed(&shop::requests(), count));
    client.run(&cases(200))?;
    let open = (0..CLIENTS)
        .map(|_| client.connect().map(Some))
        .collect::<Result<Vec<Option<Connection>>, _>>()?;
    let gwobs = bed.observe().start()?;
    let exchanges = client.run_over(open, &cases(FIRST + THEN))?;
    let observed = gwobs.stop()?;
    let all = compare(&exchanges, &observed.decisions);
    let wrong = [&all.false_mismatches, &all.missed, &all.wrong_upstream, &all.beyond];
    ensure!(wrong.iter().all(|cases| cases.is_empty()), "{wrong:?}");
    let then = compare(exchanges.get(FIRST..).unwrap_or_default(), &observed.decisions);
    ensure!(then.decided() * 1000 >= THEN * per_mille(plane), "{:?}", then.undecided);
    ensure!(then.misrouted > 30, "{} were misrouted", then.misrouted);
    Ok(())
}

/// A goroutine waits in a read for whatever comes on its connection, and the read that waited when the probes came ends
/// unseen: a response is missing on every connection to a backend that was open, which is noticed when it is used. Other
/// libraries are called when there is something to read.
fn per_mille(plane: Plane) -> usize {
    if plane.name() == "traefik" { 900 } else { 995 }
}
