//! A ring buffer far too small for the traffic: what is lost is counted and costs coverage, and nothing else.

use super::exact::{lost, percent};
use super::{Figures, Size, traffic};
use crate::testbed::plane::DataPlane;
use crate::testbed::truth::{Comparison, compare};
use crate::testbed::{Plan, Testbed, shop};
use anyhow::Result;
use serde_json::Value;
use std::fmt;

/// The smallest that gwobs takes.
const RING_BUFFER_KIB: &str = "64";
/// Connections at once.
const CONCURRENCY: usize = 64;
/// The data plane misroutes one request in so many.
const ONE_IN: usize = 50;

/// The figures' names.
pub const COLUMNS: &str = "requests misrouted  false missed  twice     lost  decided  coverage told";

/// What the part is about.
pub fn title(requests: usize) -> String {
    format!("{requests} requests with a ring buffer of {RING_BUFFER_KIB} KiB")
}

/// What was seen.
pub struct Overload {
    comparison: Comparison,
    lost: u64,
    coverage: f64,
}

/// Runs the part on one data plane.
pub fn measure(plane: &'static dyn DataPlane, requests: usize) -> Result<Overload> {
    let (specified, configured) = (shop::routes(), shop::misrouted_by_header());
    let bed = Testbed::start(&Plan::wrong(plane, &configured, &specified))?;
    let gwobs = bed.observe().arg("--ring-buffer").arg(RING_BUFFER_KIB).start()?;
    let mut cases = traffic::cases(requests);
    shop::misroute_some(&mut cases, ONE_IN);
    let size = Size {
        requests,
        concurrency: CONCURRENCY,
        one_in: ONE_IN,
    };
    let exchanges = traffic::drive(&bed.client(), &cases, size)?;
    let observed = gwobs.stop()?;
    Ok(Overload {
        comparison: compare(&exchanges, &observed.decisions),
        lost: lost(&observed),
        coverage: observed
            .summary
            .get("coverage")
            .and_then(Value::as_f64)
            .unwrap_or(f64::NAN),
    })
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = &self.comparison;
        write!(
            f,
            "{:>8} {:>9} {:>6} {:>6} {:>6} {:>8} {:>7.2}% {:>13.2}%",
            seen.requests,
            seen.misrouted,
            seen.false_mismatches.len(),
            seen.missed.len(),
            seen.duplicates.len(),
            self.lost,
            percent(seen.decided(), seen.requests),
            self.coverage * 100.0,
        )
    }
}

impl Figures for Overload {
    fn faults(&self) -> Vec<String> {
        let seen = &self.comparison;
        let mut faults: Vec<String> = [
            ("false mismatch", &seen.false_mismatches),
            ("missed", &seen.missed),
            ("wrong upstream", &seen.wrong_upstream),
            ("decided twice", &seen.duplicates),
            ("counts beyond the truth", &seen.beyond),
        ]
        .into_iter()
        .flat_map(|(kind, cases)| cases.iter().map(move |case| format!("{kind}: {case}")))
        .collect();
        if self.lost == 0 {
            faults.push("nothing was lost, so nothing was tested".to_owned());
        }
        // What nobody saw at all can be in no coverage; what was seen and not decided must be.
        let seen_at_all = seen.requests - seen.absent.len();
        if self.coverage * 100.0 > percent(seen.decided(), seen_at_all) + 1.0 {
            faults.push("coverage does not tell what was left open".to_owned());
        }
        faults
    }
}
