//! Many mixed requests, a few of them misrouted as chance has it: exactly those must be reported.

use super::{Figures, Size, traffic};
use crate::testbed::gwobs::Observed;
use crate::testbed::plane::DataPlane;
use crate::testbed::tls::Tls;
use crate::testbed::traffic::over_tls;
use crate::testbed::truth::{Comparison, compare};
use crate::testbed::{Plan, Testbed, shop, usage};
use anyhow::Result;
use std::fmt;

/// The figures' names.
pub const COLUMNS: &str = "requests misrouted  found  false missed  twice absent  decided     lost   agent CPU";

/// What the part is about.
pub fn title(size: Size) -> String {
    format!(
        "{} requests at concurrency {}, one in {} misrouted",
        size.requests, size.concurrency, size.one_in
    )
}

/// What was seen.
pub struct Exactness {
    comparison: Comparison,
    found: usize,
    lost: u64,
    cpu_per_request: f64,
}

/// What requests travel in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// HTTP/1.1 without TLS.
    Clear,
    /// HTTP/1.1 in TLS; on the other side of the data plane too.
    TlsHttp1,
    /// HTTP/2 in TLS; on the other side of the data plane HTTP/1.1 in TLS.
    TlsHttp2,
}

/// Runs the part on one data plane.
pub fn measure(plane: &'static dyn DataPlane, size: Size) -> Result<Exactness> {
    measure_in(plane, size, Wire::Clear)
}

/// The same with requests that travel so.
pub fn measure_in(plane: &'static dyn DataPlane, size: Size, wire: Wire) -> Result<Exactness> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let plan = Plan {
        tls: if wire == Wire::Clear { Tls::default() } else { Tls::BOTH },
        ..Plan::wrong(plane, &configured, &specified)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    let mut cases = traffic::cases(size.requests);
    if wire != Wire::Clear {
        cases = over_tls(cases);
    }
    shop::misroute_some(&mut cases, size.one_in);
    let before = usage::cpu(gwobs.pid())?;
    let exchanges = match wire {
        Wire::Clear | Wire::TlsHttp1 => traffic::drive(&bed.client(), &cases, size)?,
        Wire::TlsHttp2 => traffic::drive_http2(&bed, &cases, size)?,
    };
    usage::wait_until_idle(gwobs.pid())?;
    let cpu = usage::cpu(gwobs.pid())? - before;
    let observed = gwobs.stop()?;
    let comparison = compare(&exchanges, &observed.decisions);
    let mismatches = observed
        .decisions
        .iter()
        .filter(|decision| decision.verdict() == "mismatch");
    Ok(Exactness {
        found: mismatches.count() - comparison.false_mismatches.len(),
        lost: lost(&observed),
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        cpu_per_request: cpu * 1e6 / comparison.requests.max(1) as f64,
        comparison,
    })
}

/// Events that gwobs says it has lost.
pub(super) fn lost(observed: &Observed) -> u64 {
    let counts = observed.summary.get("lost").and_then(serde_json::Value::as_object);
    counts
        .into_iter()
        .flat_map(|counts| counts.values())
        .filter_map(serde_json::Value::as_u64)
        .sum()
}

/// In percent.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
pub(super) fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

impl fmt::Display for Exactness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = &self.comparison;
        write!(
            f,
            "{:>8} {:>9} {:>6} {:>6} {:>6} {:>6} {:>6} {:>7.3}% {:>8} {:>8.1} µs",
            seen.requests,
            seen.misrouted,
            self.found,
            seen.false_mismatches.len(),
            seen.missed.len(),
            seen.duplicates.len(),
            seen.absent.len(),
            percent(seen.decided(), seen.requests),
            self.lost,
            self.cpu_per_request,
        )
    }
}

impl Figures for Exactness {
    fn faults(&self) -> Vec<String> {
        let disagreement = self.comparison.assert_exact().err();
        disagreement.map(|error| error.to_string()).into_iter().collect()
    }
}
