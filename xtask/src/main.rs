//! `cargo xtask`: the project's only build script.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::{bench, demo, dist, say, setup, test};

/// Builds, tests, shows and measures gwobs.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring this machine to where everything builds and runs
    Setup,
    /// Run all tests: pure, privileged and end to end (needs root)
    Test {
        /// Passed to the test runner
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// See gwobs find misrouted requests in a real data plane that was given the wrong routes (needs root)
    Demo {
        /// Which data plane
        #[arg(long, value_name = "NAME", default_value = "envoy")]
        plane: String,
    },
    /// Compare a data plane alone, with gwobs, and with its own JSON access log (needs root, and a quiet machine)
    Bench {
        /// Rounds; each runs every variant once
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Seconds of load in a run
        #[arg(long, default_value_t = 4)]
        seconds: u32,
    },
    /// Build the binary that the container image holds, linked statically: target/dist/gwobs
    Dist,
    /// What CI checks: formatting, lints, tests, and licences and advisories where cargo-deny is installed
    Ci,
    /// Run the Gateway API conformance cases and print a table per test
    Conformance {
        /// Directory that holds the cases
        #[arg(long, value_name = "PATH")]
        suite: PathBuf,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Setup => setup::run(),
        Task::Test { args } => test::run(&args),
        Task::Demo { plane } => demo::run(&plane),
        Task::Bench { rounds, seconds } => bench::run(rounds, seconds),
        Task::Dist => dist::run(),
        Task::Ci => test::ci(),
        Task::Conformance { suite } => test::conformance(&suite),
    }
}
