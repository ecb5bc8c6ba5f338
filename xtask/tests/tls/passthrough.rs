//! TLS that passes through: judged by the name in its hello, and in the way of no other request.

use crate::{Plane, both};
use anyhow::{Context as _, Result, ensure};
use xtask::testbed::client::Client;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::passthrough::Passthrough;
use xtask::testbed::tls::{Handshake, Tls};
use xtask::testbed::traffic::{get, mixed, over_tls};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_every_plane!(passed_on_beside_what_is_decrypted);

const RIGHT: Passthrough = Passthrough::correct("right.example.net", "left");
const WRONG: Passthrough = Passthrough::wrong("wrong.example.net", "left", "right");

/// Connections for each name.
const TIMES: usize = 40;

fn passed_on_beside_what_is_decrypted(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let plan = Plan {
        tls: Tls::BOTH,
        passthrough: &[RIGHT, WRONG],
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    let mut cases = over_tls(mixed(&shop::requests(), 600));
    shop::misroute_some(&mut cases, 20);
    let client = bed.client().concurrency(16);
    let exchanges = both(|| pass(&bed), || client.run(&cases))?;
    let mut observed = gwobs.stop()?;
    check_passed(&mut observed)?;
    compare(&exchanges, &observed.decisions).assert_exact()
}

/// Clients that trust any certificate send requests to both names, and are answered by the backend on the left.
fn pass(bed: &Testbed) -> Result<()> {
    let case = get("/").due("left");
    for route in [RIGHT, WRONG].iter().cycle().take(2 * TIMES) {
        let handshake = Handshake::unchecked()?.server(route.server_name)?;
        let client = Client::new(bed.passthrough_address()).tls(Some(handshake));
        let mut session = client.open()?;
        for _ in 0..3 {
            let answer = session.send(&case).map_err(anyhow::Error::msg)?;
            ensure!(answer.backend.as_deref() == Some("left"), "{answer:?}");
        }
    }
    Ok(())
}

/// One decision for each connection, which is taken out.
fn check_passed(observed: &mut Observed) -> Result<()> {
    let all = std::mem::take(&mut observed.decisions);
    let (passed, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|decision| decision.text("/downstream/protocol") == "tls");
    observed.decisions = others;
    let count = |route: &Passthrough, verdict: &str, reason: &str| {
        let is = |decision: &&xtask::testbed::gwobs::decision::Decision| {
            decision.text("/downstream/sni") == route.server_name
                && decision.verdict() == verdict
                && decision.reason() == reason
        };
        passed.iter().filter(is).count()
    };
    let counts = (
        count(&RIGHT, "match", ""),
        count(&WRONG, "mismatch", "wrong_backend"),
        passed.len(),
    );
    ensure!(counts == (TIMES, TIMES, 2 * TIMES), "{counts:?}");
    let first = passed.first().context("no decision")?;
    ensure!(!first.upstreams().is_empty(), "{}", first.0);
    Ok(())
}
