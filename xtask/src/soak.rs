//! `cargo xtask soak`: is gwobs exact under load? Real data planes, clients that know who answered, and figures that are
//! checked as they are printed.
//!
//! Four parts for each data plane: many mixed requests of which a few are misrouted; idle connections; a ring buffer that
//! is too small; and hundreds of requests at once that nothing tells apart. With `--tls`, the first part inside TLS, by HTTP/1.1
//! and by HTTP/2. `xtask/tests/soak.rs` is a short version.

pub mod exact;
pub mod idle;
pub mod overload;
mod tls;
mod traffic;
pub mod worst;

use crate::testbed::plane::{self, DataPlane};
use crate::{say, setup, test};
use anyhow::{Result, bail};
use std::fmt::Display;

/// Faults of one part and data plane that are told.
const SHOWN: usize = 3;

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Requests of the first part; the others have fewer.
    pub requests: usize,
    /// Connections at once.
    pub concurrency: usize,
    /// The data plane misroutes one request in so many.
    pub one_in: usize,
}

/// Runs it on the data plane of this name, or on `all`; in TLS, if `tls` is set.
pub fn run(planes: &str, size: Size, tls: bool) -> Result<()> {
    let planes = match planes {
        "all" => plane::ALL.to_vec(),
        name => vec![plane::named(name)?],
    };
    setup::ensure()?;
    test::build_gwobs()?;
    if tls {
        tls::run(&planes, size)
    } else {
        in_the_clear(&planes, size)
    }
}

fn in_the_clear(planes: &[&'static dyn DataPlane], size: Size) -> Result<()> {
    let mut soak = Soak::default();
    soak.part(planes, &exact::title(size), exact::COLUMNS, |plane| {
        exact::measure(plane, size)
    });
    soak.part(planes, &idle::title(size.idle()), idle::COLUMNS, |plane| {
        idle::measure(plane, size.idle())
    });
    soak.part(planes, &overload::title(size.tenth()), overload::COLUMNS, |plane| {
        overload::measure(plane, size.tenth())
    });
    soak.part(planes, &worst::title(size.tenth()), worst::COLUMNS, |plane| {
        worst::measure(plane, size.tenth())
    });
    soak.conclude()
}

impl Size {
    /// Idle connections: few enough for every data plane's own limits.
    fn idle(self) -> usize {
        (self.requests / 10).clamp(100, 8_000)
    }

    fn tenth(self) -> usize {
        self.requests.div_ceil(10)
    }
}

/// A line of figures that can be wrong.
pub trait Figures: Display {
    /// What is wrong with them.
    fn faults(&self) -> Vec<String>;
}

/// Everything that was found wrong so far.
#[derive(Default)]
struct Soak {
    faults: Vec<String>,
}

impl Soak {
    fn part<F: Figures>(
        &mut self,
        planes: &[&'static dyn DataPlane],
        title: &str,
        columns: &str,
        measure: impl Fn(&'static dyn DataPlane) -> Result<F>,
    ) {
        say::heading(title);
        say::line(&format!("  {:<8} {columns}", ""));
        for plane in planes {
            let faults = match measure(*plane) {
                Ok(figures) => {
                    say::line(&format!("  {:<8} {figures}", plane.name()));
                    figures.faults()
                }
                Err(error) => vec![format!("{error:#}")],
            };
            let more = faults.len().saturating_sub(SHOWN);
            let rest = (more > 0).then(|| format!("and {more} more"));
            let shown = faults.into_iter().take(SHOWN).chain(rest);
            let place = format!("{}: {title}", plane.name());
            self.faults.extend(shown.map(|fault| format!("{place}: {fault}")));
        }
    }

    fn conclude(self) -> Result<()> {
        say::heading("Is it exact?");
        if self.faults.is_empty() {
            say::done("yes", "every figure is within its bounds");
            return Ok(());
        }
        bail!("{}", self.faults.join("\n"))
    }
}
