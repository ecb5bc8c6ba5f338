//! `cargo xtask demo --cluster`: a cluster in small, in which everything is green and three things are wrong.
//!
//! The demo checks what it shows: it fails unless `gwobs agent` named exactly the requests that the clients saw go wrong.

mod act;
mod measured;
mod on_call;
mod told;

use crate::testbed::client::Exchange;
use crate::testbed::cluster::incidents::{self, Incident};
use crate::testbed::cluster::{Cluster, assert_exact};
use crate::testbed::gwobs::Gwobs;
use crate::{say, setup, test};
use anyhow::{Context as _, Result, ensure};

/// Runs the demo.
pub fn run() -> Result<()> {
    say::heading("gwobs demo: a cluster in small, with real Traefik as its Gateway API controller and data plane");
    setup::ensure()?;
    say::step("gwobs is built", test::build_gwobs_quietly)?;
    show()
}

/// What there is to see once everything is built.
pub fn show() -> Result<()> {
    let cluster = say::step("an API server, Traefik in a pod's control group, nine Services", || {
        let cluster = Cluster::start(&incidents::BACKENDS)?;
        incidents::prepare(&cluster).map(|()| cluster)
    })?;
    let mut agent = say::step(
        "gwobs agent has found Traefik by its Pod, and the specs in the API",
        || cluster.agent_with(&incidents::AGENT),
    )?;
    let mut exchanges = Vec::new();
    for (number, incident) in (1..).zip(Incident::ALL) {
        exchanges.extend(act::show(number, incident, &cluster, &mut agent)?);
    }
    on_call::show(&cluster)?;
    conclude(agent, &exchanges)
}

/// Checks every claim against what the clients know.
fn conclude(agent: Gwobs, exchanges: &[Exchange]) -> Result<()> {
    say::heading("Is it true?");
    let comparison = assert_exact(exchanges, &agent.stop()?).context("gwobs and the clients disagree")?;
    ensure!(
        comparison.misrouted > 0,
        "nothing was misrouted, so there was nothing to see"
    );
    let (wrong, all) = (comparison.misrouted, comparison.requests);
    say::done(
        "clients agree",
        &format!("{wrong} of {all} requests went wrong; gwobs named exactly those"),
    );
    Ok(())
}
