//! A gateway's reload starts new processes, which are probed when they are there: what they do before that is counted, and
//! never misjudged.

use crate::{Plane, both};
use anyhow::{Result, bail, ensure};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::gwobs::{Gwobs, Observed};
use xtask::testbed::plane::{Reload, Supervisor};
use xtask::testbed::tls::Tls;
use xtask::testbed::traffic::{Case, get, mixed, over_tls};
use xtask::testbed::truth::{Comparison, compare};
use xtask::testbed::{Plan, Testbed, shop};

xtask::on_plane!(envoy, misrouted_around_a_reload);
xtask::on_plane!(nginx, misrouted_around_a_reload);
xtask::on_plane!(haproxy, misrouted_around_a_reload);
xtask::on_plane!(nginx_debian, misrouted_around_a_reload);
xtask::on_plane!(haproxy_debian, misrouted_around_a_reload);

/// A new process is a copy of a program that was searched already: its probes are there at once, unless the machine is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Requests before, while and after the new processes come.
const BEFORE: usize = 200;
const DURING: usize = 300;
const AFTER: usize = 400;

/// Of requests that look alike one in ten is misrouted, by old processes and new ones (NGINX's and HAProxy's reload, Envoy's
/// hot restart).
fn misrouted_around_a_reload(plane: Plane) -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let plan = Plan {
        tls: Tls::BOTH,
        supervisor: match plane.reload() {
            Reload::HotRestart => Supervisor::HotRestarts,
            Reload::Signal(_) | Reload::Watched => Supervisor::None,
        },
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = Testbed::start(&plan)?;
    let mut gwobs = bed.observe().start()?;
    let client = bed.client().concurrency(8).per_connection(20);
    let before = client.run(&cases(BEFORE))?;
    let old = processes(&mut gwobs)?;
    let mut during = both(|| bed.configure(&configured), || client.run(&cases(DURING)))?;
    during.extend(until_read(&client, &mut gwobs, &old)?);
    let after = client.run(&cases(AFTER))?;
    let observed = gwobs.stop()?;
    let (before, during, after) = (
        seen(&before, &observed)?,
        seen(&during, &observed)?,
        seen(&after, &observed)?,
    );
    ensure!(before.decided() == BEFORE, "{:?}", before.doubtful);
    ensure!(after.decided() == AFTER, "{:?} {:?}", after.doubtful, after.absent);
    ensure!(before.misrouted.min(after.misrouted) > 5, "too few were misrouted");
    // Whoever was not seen is in the numbers.
    let (unseen, told) = (during.absent.len(), observed.summary.pointer("/lost/encrypted"));
    ensure!(unseen == 0 || told.is_some(), "{unseen} unseen: {}", observed.summary);
    Ok(())
}

fn cases(count: usize) -> Vec<Case> {
    let mut cases = over_tls(mixed(&shop::requests(), count));
    shop::misroute_some(&mut cases, 10);
    cases
}

/// What was said of these requests, nothing of which is wrong.
fn seen(exchanges: &[Exchange], observed: &Observed) -> Result<Comparison> {
    let all = compare(exchanges, &observed.decisions);
    let wrong = [&all.false_mismatches, &all.missed, &all.wrong_upstream, &all.beyond];
    ensure!(wrong.iter().all(|cases| cases.is_empty()), "{wrong:?}");
    Ok(all)
}

/// The processes that decisions were about so far.
fn processes(gwobs: &mut Gwobs) -> Result<HashSet<u64>> {
    let mut processes = HashSet::new();
    while let Some(decision) = gwobs.next_decision(Duration::from_millis(300))? {
        processes.extend(process(decision));
    }
    Ok(processes)
}

fn process(decision: &Decision) -> Option<u64> {
    decision.number("/process/pid")
}

/// Asks on new connections until there are decisions about as many new processes as there were old ones.
fn until_read(client: &Client, gwobs: &mut Gwobs, old: &HashSet<u64>) -> Result<Vec<Exchange>> {
    let deadline = Instant::now() + PATIENCE;
    // One that goes where it should: a mismatch would be held for a while.
    let cases = vec![get("/exact").due("exact"); 16];
    let (mut new, mut asked) = (HashSet::new(), Vec::new());
    while Instant::now() < deadline {
        asked.extend(client.per_connection(1).run(&cases)?);
        new.extend(processes(gwobs)?.into_iter().filter(|pid| !old.contains(pid)));
        if new.len() >= old.len() {
            return Ok(asked);
        }
    }
    bail!("the new processes are not read: {new:?} for {old:?}")
}
