//! A trial: everything started, traffic driven while gwobs observes, gwobs stopped, and what it said compared with what
//! the clients know.

use super::client::{Client, Exchange};
use super::gwobs::Observed;
use super::truth::{Comparison, compare};
use super::{Plan, Testbed};
use anyhow::{Context as _, Result, ensure};

/// Starts everything, drives traffic while gwobs observes, stops gwobs.
pub fn observe(
    plan: &Plan<'_>,
    traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>,
) -> Result<(Vec<Exchange>, Observed)> {
    let bed = Testbed::start(plan)?;
    let gwobs = bed.observe().start()?;
    let exchanges = traffic(bed.client())?;
    Ok((exchanges, gwobs.stop()?))
}

/// The same, and every decision must be right.
pub fn observe_exactly(plan: &Plan<'_>, traffic: impl FnOnce(Client) -> Result<Vec<Exchange>>) -> Result<Comparison> {
    let (exchanges, observed) = observe(plan, traffic)?;
    let comparison = exact(&exchanges, &observed)?;
    ensure!(comparison.requests == exchanges.len(), "every request was answered");
    Ok(comparison)
}

/// Compares, and fails unless every decision is right and the summary counts them all.
pub fn exact(exchanges: &[Exchange], observed: &Observed) -> Result<Comparison> {
    let comparison = compare(exchanges, &observed.decisions);
    comparison
        .assert_exact()
        .with_context(|| format!("lost: {:?}\nsummary: {}", observed.lost, observed.summary))?;
    assert_summary_counts_its_lines(observed)?;
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
