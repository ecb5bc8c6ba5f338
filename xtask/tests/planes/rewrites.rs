//! Rules that turn different requests into the same one: what the backend gets no longer tells which rule was due.

use crate::{Plane, observe, observe_exactly, tally};
use anyhow::Result;
use xtask::testbed::Plan;
use xtask::testbed::client::{Exchange, Mark};
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::rule::{Filter, Match, Route, Rule, prefix, route};
use xtask::testbed::traffic::{Case, get, mixed};
use xtask::testbed::truth::is_misrouted;

xtask::on_every_plane!(
    told_apart_when_correct,
    told_apart_by_a_header_that_the_client_sends,
    told_apart_by_the_query,
    counts_never_exceed_the_truth_when_nothing_tells_requests_apart,
    nothing_need_tell_requests_apart_that_come_one_at_a_time,
);

/// Both rules forward `/same`.
fn same(condition: Match, backends: &[(&str, u32)]) -> Rule {
    condition
        .split(backends)
        .filter(Filter::ReplacePath("/same".to_owned()))
}

fn specified() -> Vec<Route> {
    vec![route(
        "twins",
        vec![same(prefix("/a"), &[("left", 1)]), same(prefix("/b"), &[("right", 1)])],
    )]
}

/// The data plane sends each request to either backend, as chance has it.
fn random() -> Vec<Route> {
    let both = [("left", 1), ("right", 1)];
    vec![route(
        "twins",
        vec![same(prefix("/a"), &both), same(prefix("/b"), &both)],
    )]
}

fn cases() -> Vec<Case> {
    vec![get("/a").due("left"), get("/b").due("right")]
}

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
    let truth = tally(exchanges.iter().map(true_outcome));
    let claims = tally(observed.decisions.iter().map(claimed_outcome));
    for (outcome, claimed) in claims.iter().filter(|(outcome, _)| !outcome.ends_with("inconclusive")) {
        let real = truth.get(outcome).copied().unwrap_or(0);
        assert!(
            *claimed <= real,
            "{claimed} times {outcome} was claimed; it happened {real} times"
        );
    }
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
    let truth = tally(exchanges.iter().map(true_outcome));
    let claims = tally(observed.decisions.iter().map(claimed_outcome));
    assert_eq!(claims, truth);
    Ok(())
}

fn true_outcome(exchange: &Exchange) -> &'static str {
    let misrouted = exchange
        .answer
        .as_ref()
        .is_ok_and(|answer| is_misrouted(&exchange.due, answer));
    outcome(&exchange.request.target, if misrouted { "mismatch" } else { "match" })
}

fn claimed_outcome(decision: &Decision) -> &'static str {
    outcome(decision.path(), decision.verdict())
}

fn outcome(path: &str, verdict: &str) -> &'static str {
    match (path, verdict) {
        ("/a", "match") => "/a match",
        ("/a", "mismatch") => "/a mismatch",
        ("/b", "match") => "/b match",
        ("/b", "mismatch") => "/b mismatch",
        ("/a", _) => "/a inconclusive",
        ("/b", _) => "/b inconclusive",
        _ => "a request that nobody sent",
    }
}
