//! Two rules that turn different requests into the same one: what the backend gets no longer tells which rule was due.
//! With equal headers and no ids, no single request can be known by what it carries; the counts can.

use super::client::Exchange;
use super::gwobs::decision::Decision;
use super::rule::{Filter, Match, Route, Rule, prefix, route};
use super::traffic::{Case, get};
use super::truth::is_misrouted;
use std::collections::HashMap;

/// Both rules forward `/same`.
fn same(condition: Match, backends: &[(&str, u32)]) -> Rule {
    condition
        .split(backends)
        .filter(Filter::ReplacePath("/same".to_owned()))
}

/// `/a` goes left, `/b` goes right.
pub fn specified() -> Vec<Route> {
    vec![route(
        "twins",
        vec![same(prefix("/a"), &[("left", 1)]), same(prefix("/b"), &[("right", 1)])],
    )]
}

/// The data plane sends each request to either backend, as chance has it.
pub fn random() -> Vec<Route> {
    let both = [("left", 1), ("right", 1)];
    vec![route(
        "twins",
        vec![same(prefix("/a"), &both), same(prefix("/b"), &both)],
    )]
}

/// Requests that nothing but their path tells apart.
pub fn cases() -> Vec<Case> {
    vec![get("/a").due("left"), get("/b").due("right")]
}

/// How often each outcome happened.
pub fn truth(exchanges: &[Exchange]) -> HashMap<&'static str, usize> {
    tally(exchanges.iter().map(true_outcome))
}

/// How often each outcome was claimed.
pub fn claims(decisions: &[Decision]) -> HashMap<&'static str, usize> {
    tally(decisions.iter().map(claimed_outcome))
}

/// Verdicts that were claimed more often than they were true.
pub fn excess(exchanges: &[Exchange], decisions: &[Decision]) -> Vec<String> {
    let truth = truth(exchanges);
    let claims = claims(decisions);
    let verdicts = claims
        .into_iter()
        .filter(|(outcome, _)| !outcome.ends_with("inconclusive"));
    let compared = verdicts.map(|(outcome, claimed)| (outcome, claimed, truth.get(outcome).copied().unwrap_or(0)));
    compared
        .filter(|(_, claimed, real)| claimed > real)
        .map(|(outcome, claimed, real)| format!("{claimed} times {outcome} was claimed; it happened {real} times"))
        .collect()
}

fn tally(outcomes: impl Iterator<Item = &'static str>) -> HashMap<&'static str, usize> {
    let mut counts = HashMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
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
