//! `gwobs agent`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use gwobs_common::limits;

use super::cluster::ClusterArgs;
use super::value::{ring_buffer, seconds};
use crate::commands::observe::Shown;
use crate::dataplanes::Extra;
use crate::metrics::MAX_ROUTES;

const LONG_ABOUT: &str = "\
Runs on every node of a cluster, as a DaemonSet does it: watches the Gateway API objects, finds the data planes among the \
pods of this node by their labels, judges what they do with every request, and serves the numbers.

Finds the pods of Envoy Gateway, Istio, Contour, NGINX Gateway Fabric, HAProxy, Traefik, Cilium and kgateway, and all that \
are labelled gateway.networking.k8s.io/gateway-name; --gateway-pods names others.

Looks at the certificates that these gateways serve, with a TLS handshake now and then, and compares them with the Secrets \
that listeners name. Tells of grants that were revoked, of traffic without one and of the first misroute of a rule in \
Kubernetes Events.

Serves /metrics (OpenMetrics), /livez (also as /healthz) and /readyz. Needs the host's process ids, root or CAP_BPF and CAP_PERFMON, and \
leave to list and watch what it reads (`gwobs check` asks for it). SIGTERM drains: what is open is judged, then it ends.";

const EXAMPLES: &str = "\
Examples:
  gwobs agent
      In a pod of a DaemonSet, with its service account; NODE_NAME is set from spec.nodeName.
  gwobs agent --kubeconfig ~/.kube/config --node-name worker-1 --decisions all
      By hand on a node, with every decision on standard output.
  gwobs agent --gateway-pods app=edge:infra/web
      Pods labelled app=edge are data planes of the Gateway infra/web too.";

/// Watch the gateways of this node of a cluster, and serve what they do
#[derive(Debug, Clone, Args)]
#[command(long_about = LONG_ABOUT, after_help = EXAMPLES)]
pub struct AgentArgs {
    /// The cluster; without it that of the pod we are in, else the one that kubectl would use.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// The node whose pods are watched; without it the environment's NODE_NAME
    #[arg(long, value_name = "NAME")]
    pub node_name: Option<String>,

    /// Pods of this label that are data planes of this Gateway although nothing else says so; repeatable
    #[arg(long, value_name = "LABEL=VALUE:NS/NAME")]
    pub gateway_pods: Vec<Extra>,

    /// Where to serve /metrics, /livez and /readyz
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:9464")]
    pub metrics_addr: SocketAddr,

    /// Routes that get labels of their own in the metrics; those beyond become `other`
    #[arg(long, value_name = "N", default_value_t = MAX_ROUTES)]
    pub metrics_max_routes: usize,

    /// Read no Secrets: the certificates that listeners name are assumed to be there and valid, and those that are served are
    /// compared with none
    #[arg(long)]
    pub no_secrets: bool,

    /// Make no TLS handshakes with this node's gateways: nothing is known of the certificates that they serve
    #[arg(long)]
    pub no_handshakes: bool,

    /// How often to look at each certificate that a gateway of this node serves
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    pub handshake_interval: Duration,

    /// Write no Kubernetes Events: what they would say stands in the log only
    #[arg(long)]
    pub no_events: bool,

    /// Which decisions are written to standard output
    #[arg(long, value_enum, default_value_t = Shown::Mismatches)]
    pub decisions: Shown,

    /// How long a mismatch is held in case specs that are newer than ours explain it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "2")]
    pub hold: Duration,

    /// How long a gateway may follow specs that were replaced
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub convergence_window: Duration,

    /// Write all header and query values, also those that no route matches (they may be personal data)
    #[arg(long)]
    pub no_redact: bool,

    /// Buffer between kernel and gwobs, in KiB, a power of two; raise it if events are lost
    #[arg(long, value_name = "KIB", value_parser = ring_buffer, default_value_t = limits::RING_BUFFER / 1024)]
    pub ring_buffer: u32,

    /// Append every mismatch to this file, as JSONL; renamed to FILE.1 at 64 MiB
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}
