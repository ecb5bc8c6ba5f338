//! Bodies that HAProxy moves from socket to socket inside the kernel. What is spliced out of a socket is not told, so where
//! the next message begins is known only by the length that the head said.

use crate::edited::edited;
use crate::{Plane, shop};
use anyhow::{Result, ensure};
use std::fs;
use xtask::testbed::process::descendants;
use xtask::testbed::traffic::{Body, Case, get, mixed, post};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

xtask::on_plane!(haproxy, misrouted_around_spliced_bodies);

/// Requests, of which one in [`ONE_IN`] is misrouted.
const REQUESTS: usize = 600;
const ONE_IN: usize = 10;
/// Requests of a hundred that may stay undecided; as a rule none does.
const UNDECIDED_PERCENT: usize = 5;

/// Small requests, and bodies of up to 500 kB in either direction.
fn cases() -> Vec<Case> {
    let mut cases = vec![
        post("/api/v2", Body::Length(500_000)).due("v2"),
        post("/api", Body::Length(70_000)).due("v1"),
        post("/api", Body::Length(200_000)).asking("length=200000").due("v1"),
        get("/api").asking("length=500000").due("v1"),
        get("/api/v2").asking("length=100000").due("v2"),
        get("/api").asking("length=30000").due("v1"),
        post("/api", Body::Chunked(300_000)).due("v1"),
        get("/api/v2").asking("length=400000 pieces=5 pause-ms=1").due("v2"),
    ];
    cases.extend(shop::requests());
    cases
}

/// Pipes of the data plane, which it splices through.
fn pipes(bed: &Testbed) -> Result<usize> {
    let mut pipes = 0;
    for pid in descendants(bed.plane.pid()) {
        let open = fs::read_dir(format!("/proc/{pid}/fd"))?.filter_map(Result::ok);
        let open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
        pipes += open.filter(|to| to.to_string_lossy().starts_with("pipe:")).count();
    }
    Ok(pipes)
}

fn misrouted_around_spliced_bodies(plane: Plane) -> Result<()> {
    let splicing = edited(plane, |text, _, _| {
        let options = "  option splice-request\n  option splice-response\n";
        Ok(text.replace("  http-reuse always\n", &format!("  http-reuse always\n{options}")))
    });
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let bed = Testbed::start(&Plan::wrong(splicing, &configured, &specified))?;
    let before = pipes(&bed)?;
    let gwobs = bed.observe().start()?;
    let mut cases = mixed(&cases(), REQUESTS);
    shop::misroute_some(&mut cases, ONE_IN);
    let exchanges = bed.client().concurrency(32).run(&cases)?;
    let observed = gwobs.stop()?;
    let pipes = pipes(&bed)? - before;
    let seen = compare(&exchanges, &observed.decisions);
    seen.assert_right(seen.requests * UNDECIDED_PERCENT / 100)?;
    ensure!(seen.misrouted > 30, "only {} were misrouted", seen.misrouted);
    ensure!(pipes > 0, "nothing was spliced");
    Ok(())
}
