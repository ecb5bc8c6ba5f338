//! `gwobs observe`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gwobs_common::limits;
use gwobs_route::ObjectName;

use super::cluster::ClusterArgs;
use super::value::{PortPair, object_name, ring_buffer, seconds};
use crate::metrics::MAX_ROUTES;

const LONG_ABOUT: &str = "\
Watches gateway processes on this host, in the foreground, until Ctrl-C or --duration.

With --gateway, every request that the gateway finishes with is judged by the Gateway API objects in --manifests, or of \
a cluster (--kubeconfig, --context): match, mismatch or inconclusive, with the reason. Without --gateway, requests and upstreams are recorded without a verdict.

Needs root, or CAP_BPF and CAP_PERFMON. `gwobs check` says what this host lacks.";

const EXAMPLES: &str = "\
Examples:
  gwobs observe --manifests routes.yaml --gateway infra/web --process envoy
      Watch all processes named envoy and their children; one line a request.
  gwobs observe --manifests manifests/ --gateway infra/web --pid 4711 -o jsonl | jq 'select(.verdict == \"mismatch\")'
      Everything as JSON; show the misroutes.
  gwobs observe --manifests routes.yaml --gateway infra/web --port-map 80=10080 --process envoy
      The listener says port 80, the data plane binds 10080.
  gwobs observe --manifests routes.yaml --gateway infra/web --pid 4711 --duration 60 --fail-on-mismatch
      For scripts: exit code 3 if there was a misroute within a minute.";

/// Watch gateway processes on this host and print what they do with each request
#[derive(Debug, Clone, Args)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct ObserveArgs {
    /// File or directory of Gateway API objects, YAML or JSON; read again when it changes; repeatable
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Specs")]
    pub manifests: Vec<PathBuf>,

    /// The cluster whose objects to judge by, in place of manifests.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Gateway to judge by, as NAMESPACE/NAME; repeatable
    #[arg(
        long, value_name = "NS/NAME", num_args = 1.., value_parser = object_name,
        help_heading = "Specs"
    )]
    pub gateway: Vec<ObjectName>,

    /// The listener's port and the port that the data plane binds for it; without it they are the same; repeatable
    #[arg(long, value_name = "LISTENER_PORT=LOCAL_PORT", num_args = 1.., help_heading = "Specs")]
    pub port_map: Vec<PortPair>,

    /// How long a mismatch is held in case specs that are newer than ours explain it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "2", help_heading = "Specs")]
    pub hold: Duration,

    /// How long a gateway may follow specs that were replaced
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", help_heading = "Specs")]
    pub convergence_window: Duration,

    /// Watch the processes of this command or executable name, also those started later, with their children; repeatable
    #[arg(long, value_name = "NAME", num_args = 1.., help_heading = "Processes")]
    pub process: Vec<String>,

    /// Watch this process, with its children; repeatable
    #[arg(
        long, value_name = "PID", num_args = 1.., value_parser = clap::value_parser!(u32).range(1..),
        help_heading = "Processes"
    )]
    pub pid: Vec<u32>,

    /// Watch the processes of this control group, or of the container of this id, with their children; repeatable
    #[arg(long, value_name = "PATH", num_args = 1.., help_heading = "Processes")]
    pub cgroup: Vec<PathBuf>,

    /// Judge a recording instead of watching: gives the same output again
    #[arg(
        long, value_name = "FILE", hide = true,
        conflicts_with_all = [
            "process", "pid", "cgroup", "manifests", "kubeconfig", "context", "gateway", "record", "duration", "metrics_addr"
        ]
    )]
    pub replay: Option<PathBuf>,

    /// End after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub duration: Option<Duration>,

    /// Exit with 3 if a request was provably misrouted
    #[arg(long)]
    pub fail_on_mismatch: bool,

    /// Write all header and query values, also those that no route matches (they may be personal data)
    #[arg(long)]
    pub no_redact: bool,

    /// Serve OpenMetrics on http://ADDR:PORT/metrics
    #[arg(long, value_name = "ADDR:PORT", help_heading = "Further outputs")]
    pub metrics_addr: Option<SocketAddr>,

    /// Routes that get labels of their own in the metrics; those beyond become `other`
    #[arg(long, value_name = "N", default_value_t = MAX_ROUTES, help_heading = "Further outputs")]
    pub metrics_max_routes: usize,

    /// Buffer between kernel and gwobs, in KiB, a power of two; raise it if events are lost
    #[arg(
        long, value_name = "KIB", value_parser = ring_buffer, default_value_t = limits::RING_BUFFER / 1024,
        help_heading = "Processes"
    )]
    pub ring_buffer: u32,

    /// Append every mismatch to this file, as JSONL; renamed to FILE.1 at 64 MiB
    #[arg(long, value_name = "FILE", help_heading = "Further outputs")]
    pub journal: Option<PathBuf>,

    /// Record all that is read from the kernel, for a bug report or a test; holds the heads of messages unredacted
    #[arg(long, value_name = "FILE", help_heading = "Further outputs")]
    pub record: Option<PathBuf>,
}
