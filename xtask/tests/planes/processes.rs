//! Processes that come and go under traffic.

use crate::{Plane, both, shop};
use anyhow::{Result, ensure};
use std::collections::HashSet;
use std::time::Duration;
use xtask::testbed::client::Exchange;
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::plane::Supervisor;
use xtask::testbed::traffic::mixed;
use xtask::testbed::trial::exact;
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

/// Between two changes.
const STEP: Duration = Duration::from_millis(400);

/// Exactly the requests that met the wrong configuration are misroutes, to the very request.
fn a_wrong_configuration_comes_and_goes(plane: Plane) -> Result<()> {
    let (right, wrong) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::correct(plane, &right))?;
    let gwobs = bed.observe().start()?;
    let reload = || {
        [&wrong, &right, &wrong, &right].into_iter().try_for_each(|routes| {
            std::thread::sleep(STEP);
            bed.configure(routes)
        })
    };
    let exchanges = both(reload, || steady_traffic(&bed))?;
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.misrouted > 5, "only {} were misrouted", seen.misrouted);
    assert!(seen.misrouted * 2 < seen.requests, "{} were misrouted", seen.misrouted);
    Ok(())
}

/// The new process listens on the same socket; the old one finishes what it has and ends.
fn a_wrong_process_takes_over(plane: Plane) -> Result<()> {
    let (right, wrong) = (shop::routes(), shop::wrong_order());
    let plan = Plan {
        supervisor: Supervisor::HotRestarts,
        ..Plan::correct(plane, &right)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    let take_over = || {
        std::thread::sleep(STEP);
        bed.configure(&wrong)
    };
    let exchanges = both(take_over, || {
        // New connections find the new process.
        bed.client().concurrency(16).per_connection(20).run(&slow(3_000))
    })?;
    let seen = exact(&exchanges, &gwobs.stop()?)?;
    assert!(seen.misrouted > 50, "only {} were misrouted", seen.misrouted);
    assert!(seen.misrouted * 2 < seen.requests, "{} were misrouted", seen.misrouted);
    Ok(())
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
    let crash = || {
        std::thread::sleep(STEP);
        bed.plane.crash()
    };
    let exchanges = both(crash, || steady_traffic(&bed))?;
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

/// Some two seconds of it.
fn steady_traffic(bed: &Testbed) -> Result<Vec<Exchange>> {
    bed.client().concurrency(16).run(&slow(1_600))
}

/// Requests whose answers take a while, so that some are always on their way.
fn slow(count: usize) -> Vec<xtask::testbed::traffic::Case> {
    let mut cases = mixed(&shop::requests(), count);
    for case in &mut cases {
        case.request = case.request.clone().asking("delay-ms=20");
    }
    cases
}
