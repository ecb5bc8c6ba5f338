//! The command line as it is typed. What it means is worked out in [`crate::commands`]: options that contradict each
//! other are usage errors there too, with the same exit code 2.

use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueEnum};

use gwobs_route::profile::Profile;

use crate::commands::check::CheckArgs;
use crate::commands::explain::ExplainArgs;
use crate::commands::lint::LintArgs;
use crate::commands::misroutes::MisroutesArgs;
use crate::commands::replay::ReplayArgs;
use crate::commands::status::StatusArgs;
use crate::commands::top::TopArgs;
use crate::metrics::Build;

mod agent;
mod cluster;
mod observe;
mod specs;
#[cfg(test)]
mod tests;
mod value;

pub use agent::AgentArgs;
pub use cluster::ClusterArgs;
pub use observe::ObserveArgs;
pub use specs::SpecsArgs;
pub use value::PortPair;
pub(crate) use value::{object_name, seconds};

const LONG_ABOUT: &str = "\
gwobs watches what Kubernetes gateways really do with requests.

A gateway answers 200, and nobody sees that the wrong backend answered. gwobs watches the gateway's own sockets with \
eBPF, learns for every request which backend the gateway chose, computes from the Gateway API objects which one it \
should have chosen, and says so when they differ, with proof.";

const EXAMPLES: &str = "\
Examples:
  gwobs check
      What this host lacks for watching.
  gwobs observe --manifests routes.yaml --gateway infra/web --process envoy
      Watch all processes named envoy, judge their requests by routes.yaml.
  gwobs observe --process nginx
      Record which upstreams requests go to, without judging them.
  gwobs explain --manifests routes.yaml --gateway infra/web http://shop.example/cart
      Who must get this request, and why not another.

Exit codes: 0 done, nothing wrong; 1 the command failed; 2 usage; 3 done, and it found misroutes or findings.
Logs go to standard error; GWOBS_LOG sets what is logged (for example GWOBS_LOG=debug).";

/// Watches what Kubernetes gateways really do with requests
#[derive(Debug, Parser)]
#[command(name = "gwobs", version = version(), long_about = LONG_ABOUT, after_help = EXAMPLES)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Options of all commands.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of all commands.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// Form of what is written to standard output
    #[arg(short, long, global = true, value_enum)]
    pub output: Option<Output>,

    /// Form of the logs on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Data-plane profile: what this gateway does where the Gateway API leaves a choice
    #[arg(long, global = true, value_name = "NAME", value_parser = value::profile())]
    pub profile: Option<Profile>,
}

/// Form of what is written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Jsonl,
}

/// Form of the logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch gateway processes on this host and print what they do with each request
    Observe(Box<ObserveArgs>),
    /// Watch the gateways of this node of a cluster, as a DaemonSet does, and serve what they do
    Agent(Box<AgentArgs>),
    /// Say what the specs want to happen to a request, and why
    Explain(Box<ExplainArgs>),
    /// Predict the conditions of each object, next to those it has
    Status(StatusArgs),
    /// Say what this host lacks for watching: kernel, type information, hooks, capabilities
    Check(CheckArgs),
    /// Say what is wrong with the specs themselves: shadowed rules, missing grants, features that are not supported …
    Lint(LintArgs),
    /// List what agents have seen go wrong, in groups, and prove each
    Misroutes(MisroutesArgs),
    /// Judge recorded decisions against other specs: which real requests would go elsewhere
    Replay(ReplayArgs),
    /// Show rates and verdicts of every rule, live
    Top(TopArgs),
}

/// Version and revision.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| format!("{} (revision {})", Build::VERSION, Build::REVISION));
    &VERSION
}
