//! The same traffic inside TLS on both sides, by clients that speak HTTP/1.1 or HTTP/2; and how long it takes to find what
//! to probe.

use super::exact::Wire;
use super::{Figures, Size, Soak, exact};
use crate::testbed::plane::DataPlane;
use crate::testbed::tls::Tls;
use crate::testbed::{Plan, Testbed, gwobs, shop, usage};
use anyhow::{Context as _, Result};
use std::fmt;
use std::time::Duration;

/// A program of 110 MB has to be searched within this time.
const LONGEST_SEARCH: Duration = Duration::from_secs(3);

/// All parts.
pub(super) fn run(planes: &[&'static dyn DataPlane], size: Size) -> Result<()> {
    let mut soak = Soak::default();
    for (wire, protocol) in [(Wire::TlsHttp1, "HTTP/1.1"), (Wire::TlsHttp2, "HTTP/2")] {
        let title = format!("{} by {protocol} in TLS", exact::title(size));
        soak.part(planes, &title, exact::COLUMNS, |plane| {
            exact::measure_in(plane, size, wire)
        });
    }
    soak.part(planes, "What there is to probe", COLUMNS, find);
    soak.conclude()
}

/// The figures' names.
const COLUMNS: &str = "program    CPU time  found";

/// What was found in a program.
struct Found {
    bytes: u64,
    time: Duration,
    library: String,
}

/// Searches a running data plane as `gwobs check` does. Its other checks are work of the kernel, so that its user time is the
/// time of the search, whatever else the machine does.
fn find(plane: &'static dyn DataPlane) -> Result<Found> {
    let routes = shop::routes();
    let plan = Plan {
        tls: Tls::DOWNSTREAM,
        ..Plan::correct(plane, &routes)
    };
    let bed = Testbed::start(&plan)?;
    let pid = bed.plane.pid();
    let before = usage::user_time_of_ended_children()?;
    let (_, output, _) = gwobs::run(&["check", "--pid", &pid.to_string(), "-o", "json"])?;
    let time = usage::user_time_of_ended_children()? - before;
    let needs: serde_json::Value = serde_json::from_str(&output)?;
    let needs = needs.as_array().context("no list")?;
    let mut details = needs.iter().filter_map(|need| need.get("detail")?.as_str());
    let library = details.rfind(|detail| detail.contains(" at 0x"));
    Ok(Found {
        bytes: std::fs::metadata(format!("/proc/{pid}/exe"))?.len(),
        time,
        library: library
            .and_then(|detail| detail.split(" in ").next())
            .unwrap_or_default()
            .to_owned(),
    })
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bytes, time) = (self.bytes / 1_000_000, self.time.as_millis());
        write!(f, "{bytes:>4} MB {time:>8} ms  {}", self.library)
    }
}

impl Figures for Found {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.library.is_empty() {
            faults.push("nothing was found".to_owned());
        }
        if self.time > LONGEST_SEARCH {
            faults.push(format!("it took {:?}", self.time));
        }
        faults
    }
}
