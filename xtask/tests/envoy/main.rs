//! gwobs end to end: real Envoy, real eBPF, real sockets. Clients know which backend answered every request; each test
//! compares that, request by request, with what `gwobs observe` said.
//!
//! These tests need root and fail without it.

mod changes;
mod connections;
mod correct;
mod output;
mod replies;
mod rewrites;
mod shop;
mod wrong;

use anyhow::{Result, ensure};
use std::collections::HashMap;
use xtask::testbed::client::{Client, Exchange};
use xtask::testbed::gwobs::Observed;
use xtask::testbed::truth::{Comparison, compare};
use xtask::testbed::{Plan, Testbed};

/// Starts everything, drives traffic while gwobs observes, stops gwobs.
fn observe(
    plan: &Plan<'_>,
    traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>,
) -> Result<(Vec<Exchange>, Observed)> {
    let bed = Testbed::start(plan)?;
    let gwobs = bed.observe().start()?;
    let exchanges = traffic(Client::new(bed.address()))?;
    Ok((exchanges, gwobs.stop()?))
}

/// The same, and every decision must be right.
fn observe_exactly(plan: &Plan<'_>, traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>) -> Result<Comparison> {
    let (exchanges, observed) = observe(plan, traffic)?;
    let comparison = compare(&exchanges, &observed.decisions);
    comparison.assert_exact()?;
    assert_summary_counts_its_lines(&observed)?;
    ensure!(comparison.requests == exchanges.len(), "every request was answered");
    Ok(comparison)
}

/// The summary says the same as the lines above it.
fn assert_summary_counts_its_lines(observed: &Observed) -> Result<()> {
    for verdict in ["match", "mismatch", "inconclusive"] {
        let lines = observed
            .decisions
            .iter()
            .filter(|decision| decision.verdict() == verdict)
            .count();
        let counted = observed
            .summary
            .pointer(&format!("/verdicts/{verdict}"))
            .and_then(serde_json::Value::as_u64);
        ensure!(
            counted == u64::try_from(lines).ok(),
            "{lines} lines say {verdict}; the summary: {}",
            observed.summary
        );
    }
    Ok(())
}

/// How often each text occurs.
fn tally<'a>(texts: impl IntoIterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    for text in texts {
        *counts.entry(text).or_insert(0) += 1;
    }
    counts
}
