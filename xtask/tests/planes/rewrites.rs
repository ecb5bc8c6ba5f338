//! Rules that turn different requests into the same one: what the backend gets no longer tells which rule was due.

use crate::{Plane, observe, observe_exactly};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::Mark;
use xtask::testbed::traffic::mixed;
use xtask::testbed::twins::{self, cases, random, specified};

xtask::on_every_plane!(
    told_apart_when_correct,
    told_apart_by_a_header_that_the_client_sends,
    told_apart_by_the_query,
    counts_never_exceed_the_truth_when_nothing_tells_requests_apart,
    nothing_need_tell_requests_apart_that_come_one_at_a_time,
);

fn told_apart_when_correct(plane: Plane) -> Result<()> {
    let routes = specified();
    let seen = observe_exactly(&Plan::correct(plane, &routes), |client| {
        client.concurrency(64).run(&mixed(&cases(), 2_000))
    })?;
    assert_eq!(seen.misrouted, 0);
    Ok(())
}

fn told_apart_by_a_header_that_the_client_sends(plane: Plane) -> Result<()> {
    let (specified, random) = (specified(), random());
    let plan = Plan {
        request_ids: false,
        ..Plan::wrong(plane, &random, &specified)
    };
    let seen = observe_exactly(&plan, |client| client.concurrency(64).run(&mixed(&cases(), 2_000)))?;
    assert!(seen.misrouted > 800);
    Ok(())
}

fn told_apart_by_the_query(plane: Plane) -> Result<()> {
    let (specified, random) = (specified(), random());
    let plan = Plan {
        request_ids: false,
        ..Plan::wrong(plane, &random, &specified)
    };
    let seen = observe_exactly(&plan, |client| {
        client.concurrency(16).mark(Mark::Query).run(&mixed(&cases(), 1_000))
    })?;
    assert!(seen.misrouted > 400);
    Ok(())
}

/// Equal headers, no ids, one path upstream: no single request can be known by what it carries. Then the counts for each
/// path never exceed the truth, and what is left open says why.
fn counts_never_exceed_the_truth_when_nothing_tells_requests_apart(plane: Plane) -> Result<()> {
    let (specified, random) = (specified(), random());
    let plan = Plan {
        request_ids: false,
        ..Plan::wrong(plane, &random, &specified)
    };
    let (exchanges, observed) = observe(&plan, |client| {
        client.concurrency(64).mark(Mark::None).run(&mixed(&cases(), 2_000))
    })?;
    assert_eq!(
        observed.decisions.len(),
        exchanges.len(),
        "one decision for each request"
    );
    assert_eq!(twins::excess(&exchanges, &observed.decisions), [""; 0]);
    let open = observed
        .decisions
        .iter()
        .filter(|decision| decision.verdict() == "inconclusive");
    assert!(
        open.clone().all(|decision| decision.reason() == "unpaired"),
        "what is left open says why"
    );
    assert!(
        open.count() < exchanges.len(),
        "requests that are alone in their process are settled by time"
    );
    Ok(())
}

/// One at a time nothing is left to confuse them with: equal or not, every one is settled.
fn nothing_need_tell_requests_apart_that_come_one_at_a_time(plane: Plane) -> Result<()> {
    let (specified, random) = (specified(), random());
    let plan = Plan {
        request_ids: false,
        ..Plan::wrong(plane, &random, &specified)
    };
    let (exchanges, observed) = observe(&plan, |client| {
        client.concurrency(1).mark(Mark::None).run(&mixed(&cases(), 300))
    })?;
    assert_eq!(twins::claims(&observed.decisions), twins::truth(&exchanges));
    Ok(())
}
