//! The numbers for people: `expected 90/10, observed 50/50 over 400 requests`.

use std::fmt;

use super::evidence::Evidence;
use super::shares::Shares;
use crate::BackendName;

#[cfg(test)]
mod tests;

/// An equal split is named as the likely cause unless the evidence against it reaches this, as a natural logarithm: 20
/// to 1, the usual 5 % level.
const EQUAL_SPLIT_LIMIT: f64 = 3.0;

/// Expected and observed shares of one rule. Of a skew: over the requests that proved it; else of the window going on.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Each share, in the order of the specs.
    pub shares: Vec<Share>,
    /// Requests whose backend is known.
    pub requests: u64,
    /// Requests whose backend is not known, since the weights changed.
    pub unknown: u64,
    /// Requests that went to backends without a share, since the weights changed.
    pub outside: u64,
    /// Set if the shares differ beyond the false-alarm rate.
    pub skew: Option<Skew>,
}

/// One share.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// The backend; `None` for the share of invalid references, answered with 500.
    pub backend: Option<BackendName>,
    /// Expected, 0 to 1.
    pub expected: f64,
    /// Observed, 0 to 1; `None` before the first request.
    pub observed: Option<f64>,
    /// Requests.
    pub requests: u64,
}

/// A skew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Skew {
    /// When it was proven, nanoseconds on the clock of the observations.
    pub at: u64,
    /// Natural logarithm of how much better other shares explain the requests than the expected ones.
    pub log_evidence: f64,
    /// True if the requests fit equal shares: the gateway probably ignores the weights.
    pub fits_equal_split: bool,
}

impl Report {
    pub(super) fn new(shares: &Shares, evidence: &Evidence, alarm: Option<u64>, outside: u64, unknown: u64) -> Self {
        let requests = evidence.seen().iter().sum::<u64>();
        let skew = alarm.map(|at| Skew {
            at,
            log_evidence: evidence.against_expected(),
            fits_equal_split: evidence.against_equal() < EQUAL_SPLIT_LIMIT,
        });
        let numbers = shares.probabilities().into_iter().zip(evidence.seen());
        let shares = shares
            .names()
            .zip(numbers)
            .map(|(backend, (expected, &seen))| Share {
                backend: backend.cloned(),
                expected,
                observed: ratio(seen, requests),
                requests: seen,
            })
            .collect();
        Self {
            shares,
            requests,
            unknown,
            outside,
            skew,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = self.shares.iter().map(|share| percent(share.expected));
        write!(f, "expected {}", join(expected))?;
        if self.requests == 0 {
            return f.write_str(", no requests yet");
        }
        let observed = self.shares.iter().map(|share| percent(share.observed.unwrap_or(0.0)));
        write!(f, ", observed {} over {} requests", join(observed), self.requests)?;
        if self.skew.is_some_and(|skew| skew.fits_equal_split) {
            f.write_str(", which fits an equal split")?;
        }
        Ok(())
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join("/")
}

/// A share in percent, with a decimal only where a whole number would mislead.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if (percent - percent.round()).abs() < 0.05 {
        format!("{percent:.0}")
    } else {
        format!("{percent:.1}")
    }
}
