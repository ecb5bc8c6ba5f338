//! Connections that were used once and are kept: what each costs the agent.

use super::Figures;
use crate::testbed::client::Session;
use crate::testbed::plane::DataPlane;
use crate::testbed::traffic::{get, mixed};
use crate::testbed::{Plan, Testbed, shop, usage};
use anyhow::{Context as _, Result};
use std::fmt;

/// What a thousand of them may take beyond the agent's base.
const MOST_PER_THOUSAND: f64 = 1024.0 * 1024.0;

/// Free memory that the allocator keeps, in bytes (mallopt(3)).
const KEPT: &str = "65536";

/// The figures' names.
pub const COLUMNS: &str = "connections  agent's base  with them  for a thousand";

/// What the part is about.
pub fn title(connections: usize) -> String {
    format!("{connections} idle connections")
}

/// What was seen; memory in bytes.
pub struct Idle {
    connections: usize,
    base: u64,
    with_them: u64,
}

/// Runs the part on one data plane.
pub fn measure(plane: &'static dyn DataPlane, connections: usize) -> Result<Idle> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan::correct(plane, &routes))?;
    // What was needed to start must not stay as free memory that hides what is measured: it is given back at once.
    let observe = bed
        .observe()
        .variable("MALLOC_MMAP_THRESHOLD_", KEPT)
        .variable("MALLOC_TRIM_THRESHOLD_", KEPT);
    let gwobs = observe.start()?;
    bed.client().run(&mixed(&shop::requests(), 200))?;
    usage::wait_until_idle(gwobs.pid())?;
    let base = usage::memory(gwobs.pid())?;
    let kept = open(&bed, connections)?;
    usage::wait_until_idle(gwobs.pid())?;
    let with_them = usage::memory(gwobs.pid())?;
    drop(kept);
    gwobs.stop()?;
    Ok(Idle {
        connections,
        base,
        with_them,
    })
}

/// Each has sent a request and got its answer.
fn open(bed: &Testbed, connections: usize) -> Result<Vec<Session>> {
    let case = get("/exact").due("exact");
    let session = || -> Result<Session> {
        let mut session = bed.client().open().context("no further connection")?;
        session.send(&case).map_err(anyhow::Error::msg)?;
        Ok(session)
    };
    (0..connections).map(|_| session()).collect()
}

impl Idle {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
    fn per_thousand(&self) -> f64 {
        (self.with_them as f64 - self.base as f64) * 1000.0 / self.connections.max(1) as f64
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>11} {:>9} KiB {:>6} KiB {:>11.0} KiB",
            self.connections,
            self.base / 1024,
            self.with_them / 1024,
            self.per_thousand() / 1024.0
        )
    }
}

impl Figures for Idle {
    fn faults(&self) -> Vec<String> {
        let per_thousand = self.per_thousand();
        if per_thousand <= MOST_PER_THOUSAND {
            return Vec::new();
        }
        vec![format!("a thousand idle connections take {per_thousand:.0} bytes")]
    }
}
