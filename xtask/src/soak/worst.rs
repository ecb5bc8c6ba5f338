//! The worst case for pairing: hundreds of requests at once with identical headers, no ids, and rules that rewrite them to
//! the same path, each misrouted or not as chance has it. The counts for each path must never exceed the truth.

use super::Figures;
use super::exact::percent;
use crate::testbed::client::Mark;
use crate::testbed::plane::DataPlane;
use crate::testbed::traffic::mixed;
use crate::testbed::{Plan, trial, twins};
use anyhow::Result;
use std::fmt;

/// Requests at once.
const CONCURRENCY: usize = 300;

/// The figures' names.
pub const COLUMNS: &str = "requests decisions  decided  claimed beyond the truth";

/// What the part is about.
pub fn title(requests: usize) -> String {
    format!("{requests} requests that nothing tells apart, {CONCURRENCY} at once")
}

/// What was seen.
pub struct Worst {
    requests: usize,
    decisions: usize,
    decided: usize,
    excess: Vec<String>,
}

/// Runs the part on one data plane.
pub fn measure(plane: &'static dyn DataPlane, requests: usize) -> Result<Worst> {
    let (specified, random) = (twins::specified(), twins::random());
    let plan = Plan {
        request_ids: false,
        ..Plan::wrong(plane, &random, &specified)
    };
    let cases: Vec<_> = mixed(&twins::cases(), requests)
        .into_iter()
        .map(|mut case| {
            case.request = case.request.asking("plain");
            case
        })
        .collect();
    let (exchanges, observed) = trial::observe(&plan, |client| {
        client.concurrency(CONCURRENCY).mark(Mark::None).run(&cases)
    })?;
    let open = observed
        .decisions
        .iter()
        .filter(|decision| decision.verdict() == "inconclusive");
    Ok(Worst {
        requests: exchanges.iter().filter(|exchange| exchange.answer.is_ok()).count(),
        decisions: observed.decisions.len(),
        decided: observed.decisions.len() - open.count(),
        excess: twins::excess(&exchanges, &observed.decisions),
    })
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} {:>9} {:>7.2}% {:>25}",
            self.requests,
            self.decisions,
            percent(self.decided, self.requests),
            self.excess.len()
        )
    }
}

impl Figures for Worst {
    fn faults(&self) -> Vec<String> {
        let mut faults = self.excess.clone();
        if self.decisions != self.requests {
            faults.push(format!("{} decisions about {} requests", self.decisions, self.requests));
        }
        faults
    }
}
