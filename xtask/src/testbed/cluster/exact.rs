//! Whether what an agent said about the requests of clients is what the clients know.

use crate::testbed::client::Exchange;
use crate::testbed::gwobs::Observed;
use crate::testbed::gwobs::decision::Decision;
use crate::testbed::truth::{Comparison, compare};
use anyhow::{Result, ensure};

/// The decisions about requests of clients: those that carry an id.
pub fn decisions(observed: &Observed) -> Vec<Decision> {
    let of_clients = observed.decisions.iter().filter(|decision| decision.id().is_some());
    of_clients.cloned().collect()
}

/// Every decision about these requests is right, each has one, and none else is called a mismatch.
pub fn assert_exact(exchanges: &[Exchange], observed: &Observed) -> Result<Comparison> {
    let ids: Vec<&str> = exchanges.iter().map(|exchange| exchange.id.as_str()).collect();
    let all = decisions(observed);
    let about: Vec<Decision> = all
        .into_iter()
        .filter(|own| own.id().is_some_and(|id| ids.contains(&id)))
        .collect();
    let comparison = compare(exchanges, &about);
    comparison.assert_exact()?;
    assert_no_mismatch_but(observed, &ids)?;
    Ok(comparison)
}

/// No decision about anything else is a mismatch: not the gateway's own calls to the API server either.
pub fn assert_no_mismatch_but(observed: &Observed, ids: &[&str]) -> Result<()> {
    let other = |decision: &&Decision| !decision.id().is_some_and(|id| ids.contains(&id));
    let wrong = observed
        .decisions
        .iter()
        .filter(other)
        .find(|decision| decision.verdict() == "mismatch");
    ensure!(
        wrong.is_none(),
        "{:#}",
        wrong.map(|decision| decision.0.clone()).unwrap_or_default()
    );
    Ok(())
}
