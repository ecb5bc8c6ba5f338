//! `gwobs observe` and `gwobs agent`: where it all meets.
//!
//! ```text
//! live:   probes, manifests, clock ─► Input ─► recorder
//!         cluster ─► News ────────────────┴──► Core ─► Out: standard output, journal; Metrics
//! replay: record file ────────────────► Input ─► Core ─► Out
//! ```
//!
//! **Invariant.** [`core::Core`] sees the world through [`Input`](crate::recording::Input) only: it reads no clock and no
//! file. So a recording of its inputs gives the same output again, byte for byte.

use crate::cli::{AgentArgs, Global, ObserveArgs};

use super::{Failure, Outcome};

mod config;
mod core;
mod journal;
mod live;
mod losses;
mod manifests;
mod outlets;
mod replay;
mod stop;

pub use config::Shown;
pub use replay::replay;

/// `gwobs agent`: the same run, with specs and processes from a cluster.
pub(super) fn agent(args: AgentArgs, global: &Global) -> Result<Outcome, Failure> {
    start(config::Config::of_agent(args, global)?)
}

pub(super) fn run(args: ObserveArgs, global: &Global) -> Result<Outcome, Failure> {
    if let Some(file) = &args.replay {
        return replay::run(file, &args, global);
    }
    start(config::Config::new(args, global)?)
}

fn start(config: config::Config) -> Result<Outcome, Failure> {
    // One thread: events, verdicts and metrics are in order without locks. Writers have threads of their own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live::run(config))
}
