//! `cargo xtask`: the project's only build script.

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::testbed::plane;
use xtask::{bench, demo, dist, say, setup, soak, test};

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
        #[arg(long, value_name = "NAME", default_value = "envoy", value_parser = names(&[]))]
        plane: String,
        /// A cluster in small: an API server, Traefik as Gateway API controller, gwobs agent, what goes wrong there
        #[arg(long, conflicts_with = "plane")]
        cluster: bool,
        /// Clients and backends speak TLS, which gwobs reads at the data plane's TLS library
        #[arg(long, conflicts_with = "cluster")]
        tls: bool,
    },
    /// See whether gwobs is exact under load: figures per data plane, checked as they are printed (needs root)
    Soak {
        /// Which data plane
        #[arg(long, value_name = "NAME", default_value = "all", value_parser = names(&["all"]))]
        plane: String,
        /// Requests of the first part; the others have fewer
        #[arg(long, default_value_t = 100_000)]
        requests: usize,
        /// Connections at once
        #[arg(long, default_value_t = 64)]
        concurrency: usize,
        /// Share of the requests that the data plane misroutes
        #[arg(long, value_name = "1/N", default_value = "1/1000", value_parser = one_in)]
        misrouted: usize,
        /// The first part inside TLS, by HTTP/1.1 and by HTTP/2, and how long it takes to find what to probe
        #[arg(long)]
        tls: bool,
    },
    /// Compare a data plane alone, with gwobs, and with its own JSON access log (needs root, and a quiet machine)
    Bench {
        /// Rounds; each runs every variant once
        #[arg(long, default_value_t = 7)]
        rounds: usize,
        /// Seconds of load in a run
        #[arg(long, default_value_t = 4)]
        seconds: u32,
        /// In place of that: the memory and the start of an agent in a large cluster
        #[arg(long, conflicts_with_all = ["rounds", "seconds"])]
        cluster: bool,
    },
    /// Build the binary that the container image holds, linked statically: target/dist/gwobs
    Dist {
        /// Then run it in an empty root with the capabilities that deploy/ grants, on real traffic (needs root)
        #[arg(long = "try")]
        tries: bool,
    },
    /// What CI checks: formatting, lints, tests, and licences and advisories where cargo-deny is installed
    Ci,
    /// Run the Gateway API conformance cases and print a table per test
    Conformance {
        /// Directory that holds the cases
        #[arg(long, value_name = "PATH")]
        suite: PathBuf,
    },
}

/// The data planes' names, and these.
fn names(others: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(plane::names().chain(others.iter().copied()))
}

/// `1/N` as `N`.
fn one_in(text: &str) -> Result<usize, &'static str> {
    let count = text.strip_prefix("1/").and_then(|count| count.parse().ok());
    count
        .filter(|count| *count > 0)
        .ok_or("expected a share such as 1/1000")
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
        Task::Demo { cluster: true, .. } => demo::cluster::run(),
        Task::Demo { plane, tls, .. } => demo::run(&plane, tls),
        Task::Soak {
            plane,
            requests,
            concurrency,
            misrouted,
            tls,
        } => {
            let size = soak::Size {
                requests,
                concurrency,
                one_in: misrouted,
            };
            soak::run(&plane, size, tls)
        }
        Task::Bench { cluster: true, .. } => bench::cluster(),
        Task::Bench { rounds, seconds, .. } => bench::run(rounds, seconds),
        Task::Dist { tries } => dist::run(tries),
        Task::Ci => test::ci(),
        Task::Conformance { suite } => test::conformance(&suite),
    }
}
