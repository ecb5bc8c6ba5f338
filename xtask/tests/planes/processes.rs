//! Processes that come and go under traffic.

use crate::{Plane, shop};
use anyhow::{Context as _, Result, ensure};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::plane::Supervisor;
use xtask::testbed::rule::Route;
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::trial::exact;
use xtask::testbed::truth::is_misrouted;
use xtask::testbed::{Plan, Testbed};

xtask::on_every_plane!(a_crash_in_mid_traffic);

/// New workers (NGINX, HAProxy) or new routes in the same process (Traefik).
mod reload {
    use super::a_wrong_configuration_comes_and_goes;

    xtask::on_plane!(nginx, a_wrong_configuration_comes_and_goes);
    xtask::on_plane!(haproxy, a_wrong_configuration_comes_and_goes);
    xtask::on_plane!(traefik, a_wrong_configuration_comes_and_goes);
}

/// A further process that takes over.
mod hot_restart {
    use super::a_wrong_process_takes_over;

    xtask::on_plane!(envoy, a_wrong_process_takes_over);
}

/// How long a new configuration may take until it is in force; the slowest takes two seconds.
const IN_FORCE: Duration = Duration::from_secs(20);
/// Between two looks whether it is.
const LOOK: Duration = Duration::from_millis(20);
/// Traffic before and after what happens to the processes.
const STEADY: Duration = Duration::from_millis(300);

/// Exactly the requests that met the wrong configuration are misroutes, to the very request.
fn a_wrong_configuration_comes_and_goes(plane: Plane) -> Result<()> {
    let (right, wrong) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::correct(plane, &right))?;
    let steps = [(&*wrong, true), (&*right, false), (&*wrong, true), (&*right, false)];
    reconfigured(&bed, &steps)
}

/// The new process listens on the same socket; the old one finishes what it has and ends.
fn a_wrong_process_takes_over(plane: Plane) -> Result<()> {
    let (right, wrong) = (shop::routes(), shop::wrong_order());
    let plan = Plan {
        supervisor: Supervisor::HotRestarts,
        ..Plan::correct(plane, &right)
    };
    let bed = Testbed::start(&plan)?;
    reconfigured(&bed, &[(&wrong, true)])
}

/// Takes these steps under traffic, each with routes and whether they misroute; every decision must be right.
fn reconfigured(bed: &Testbed, steps: &[(&[Route], bool)]) -> Result<()> {
    let gwobs = bed.observe().start()?;
    let mut probes = Vec::new();
    let mut exchanges = under_traffic(bed, || {
        steps.iter().try_for_each(|(routes, misroute)| {
            bed.configure(routes)?;
            probes.extend(wait_until_in_force(bed, *misroute)?);
            std::thread::sleep(STEADY);
            Ok(())
        })
    })?;
    exchanges.extend(probes);
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.misrouted > 5, "only {} were misrouted", seen.misrouted);
    assert!(seen.misrouted < seen.requests - 5, "{} were misrouted", seen.misrouted);
    Ok(())
}

/// Asks on new connections until the answer shows which routes are in force; returns all that was asked.
fn wait_until_in_force(bed: &Testbed, misroute: bool) -> Result<Vec<Exchange>> {
    let probe = get("/api/v2").due("v2");
    let deadline = Instant::now() + IN_FORCE;
    let mut probes = Vec::new();
    while Instant::now() < deadline {
        probes.extend(bed.client().run(std::slice::from_ref(&probe))?);
        let answer = probes.last().and_then(|exchange| exchange.answer.as_ref().ok());
        if answer.is_some_and(|answer| is_misrouted(&probe.due, answer) == misroute) {
            return Ok(probes);
        }
        std::thread::sleep(LOOK);
    }
    None.context("the new configuration never came into force")
}

/// All processes below the observed one die at once and are started again. What comes of the requests that were on their
/// way is never a misroute; Traefik answers 404 to the first ones after it, and those are.
fn a_crash_in_mid_traffic(plane: Plane) -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        supervisor: Supervisor::Restarts,
        ..Plan::correct(plane, &routes)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    let mut probes = Vec::new();
    let mut exchanges = under_traffic(&bed, || {
        bed.plane.crash()?;
        probes.extend(wait_until_in_force(&bed, false)?);
        Ok(())
    })?;
    exchanges.extend(probes);
    let observed = gwobs.stop()?;
    exact(&exchanges, &observed)?;
    let unanswered: HashSet<&str> = exchanges
        .iter()
        .filter(|exchange| exchange.answer.is_err())
        .map(|exchange| exchange.id.as_str())
        .collect();
    ensure!(!unanswered.is_empty(), "nobody noticed the crash");
    let about_them = |decision: &&Decision| decision.id().is_some_and(|id| unanswered.contains(id));
    for decision in observed.decisions.iter().filter(about_them) {
        assert_ne!(decision.verdict(), "mismatch", "{}", decision.0);
    }
    Ok(())
}

/// Lets something happen while requests of all kinds are always on their way, and returns those.
fn under_traffic(bed: &Testbed, happens: impl FnOnce() -> Result<()>) -> Result<Vec<Exchange>> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let traffic = scope.spawn(|| {
            let mut exchanges = Vec::new();
            while !over.load(Ordering::Relaxed) {
                exchanges.extend(bed.client().concurrency(16).run(&slow(200))?);
            }
            Ok(exchanges)
        });
        std::thread::sleep(STEADY);
        let result = happens();
        std::thread::sleep(STEADY);
        over.store(true, Ordering::Relaxed);
        let exchanges = traffic.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.and(exchanges)
    })
}

/// Requests whose answers take a while, so that some are always on their way.
fn slow(count: usize) -> Vec<Case> {
    let mut cases = mixed(&shop::requests(), count);
    for case in &mut cases {
        case.request = case.request.clone().asking("delay-ms=20");
    }
    cases
}
