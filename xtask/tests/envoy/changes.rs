//! Specs that change while the data plane runs.

use crate::shop;
use anyhow::{Context as _, Result};
use std::time::{Duration, Instant};
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::gwobs::Gwobs;
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{prefix, route};
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

/// A change of a file is seen at once or at the next look; this is plenty.
const NOTICED: Duration = Duration::from_secs(20);

/// The gateway may lag behind its specs for the window; what it still does by the old ones afterwards is a misroute.
#[test]
fn a_gateway_that_never_follows_is_found_after_the_window() -> Result<()> {
    let before = [route("api", vec![prefix("/api").to("v1"), prefix("/other").to("v2")])];
    let after = [route("api", vec![prefix("/api").to("v2"), prefix("/other").to("v2")])];
    let bed = Testbed::start(&Plan::correct(&Envoy, &before))?;
    let mut gwobs = bed.observe().arg("--convergence-window").arg("1").start()?;
    let client = Client::new(bed.address()).concurrency(4);

    let mut exchanges = client.run(&mixed(&[get("/api").due("v1"), get("/other").due("v2")], 200))?;
    bed.specify(&after)?;
    let probe = get("/api").due("v2");
    let probes = wait_for_mismatch(&mut gwobs, &client, &probe)?;
    exchanges.extend(client.run(&mixed(&[probe, get("/other").due("v2")], 200))?);

    let mut observed = gwobs.stop()?;
    // The probes were sent while the window was open: either verdict is right for them.
    observed
        .decisions
        .retain(|decision| probes.iter().all(|probe| decision.id() != Some(&probe.id)));
    let seen = compare(&exchanges, &observed.decisions);
    seen.assert_exact()?;
    assert!(seen.misrouted > 50);
    Ok(())
}

/// Sends the same request until gwobs no longer excuses it; returns all that were sent.
fn wait_for_mismatch(gwobs: &mut Gwobs, client: &Client, probe: &Case) -> Result<Vec<Exchange>> {
    let deadline = Instant::now() + NOTICED;
    let mut probes = Vec::new();
    while Instant::now() < deadline {
        probes.extend(client.run(std::slice::from_ref(probe))?);
        while let Some(decision) = gwobs.next_decision(Duration::from_millis(200))? {
            if decision.verdict() == "mismatch" {
                return Ok(probes);
            }
        }
    }
    None.context("the change of the manifests never had an effect")
}

/// A file that cannot be read for a while does not take the specs away.
#[test]
fn broken_manifests_leave_the_last_good_ones_in_force() -> Result<()> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let gwobs = bed.observe().start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let mut exchanges = client.run(&mixed(&shop::requests(), 100))?;
    std::fs::write(bed.manifests(), "kind: [unfinished\n")?;
    std::thread::sleep(Duration::from_secs(2));
    exchanges.extend(client.run(&mixed(&shop::requests(), 100))?);
    bed.specify(&routes)?;
    let observed = gwobs.stop()?;
    compare(&exchanges, &observed.decisions).assert_exact()?;
    assert!(
        observed.log.contains("manifests.yaml"),
        "the log names the broken file:\n{}",
        observed.log
    );
    Ok(())
}
