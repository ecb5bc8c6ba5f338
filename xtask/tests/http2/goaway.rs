//! Gateways that say GOAWAY to their clients, as they do at a limit of requests on a connection and before they end: what
//! was sent by then is answered, and the rest goes over a new connection.

use std::collections::HashSet;

use anyhow::{Result, ensure};
use xtask::testbed::http2::Http2;
use xtask::testbed::plane::DataPlane;
use xtask::testbed::traffic::mixed;
use xtask::testbed::trial::exact;
use xtask::testbed::{Plan, Testbed, shop};

use super::planes::send;

// The other one sets no limit.
xtask::on_plane!(envoy, at_a_limit_of_requests);
xtask::on_plane!(nginx, at_a_limit_of_requests);
xtask::on_plane!(haproxy, at_a_limit_of_requests);

const REQUESTS: usize = 600;
/// Many connections in turn, on each of which it is said while requests are on their way.
const PER_CONNECTION: usize = 50;

fn at_a_limit_of_requests(plane: &'static dyn DataPlane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let bed = Testbed::start(&Plan {
        http2: Http2::DOWNSTREAM,
        per_connection: Some(u32::try_from(PER_CONNECTION)?),
        ..Plan::wrong(plane, &configured, &specified)
    })?;
    let gwobs = bed.observe().start()?;
    let mut cases = mixed(&shop::requests(), REQUESTS);
    shop::misroute_some(&mut cases, 10);
    let exchanges = send(&bed, &cases)?;
    let observed = gwobs.stop()?;
    let seen = exact(&exchanges, &observed)?;
    let peers: HashSet<&str> = observed
        .decisions
        .iter()
        .map(|decision| decision.text("/downstream/peer"))
        .collect();
    ensure!(peers.len() >= REQUESTS / PER_CONNECTION, "{} connections", peers.len());
    ensure!(seen.requests > REQUESTS / 2 && seen.misrouted > 20, "{seen:?}");
    // A gateway may leave unanswered what comes behind the GOAWAY, and forwards none of it.
    let unanswered = exchanges.iter().filter(|exchange| exchange.answer.is_err());
    let unanswered: HashSet<&str> = unanswered.map(|exchange| &*exchange.id).collect();
    for decision in &observed.decisions {
        let is_about_one = decision.id().is_some_and(|id| unanswered.contains(id));
        ensure!(!is_about_one || decision.verdict() == "inconclusive", "{}", decision.0);
    }
    Ok(())
}
