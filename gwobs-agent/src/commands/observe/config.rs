//! From options as typed to what a run can use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use gwobs_route::ObjectName;

use crate::certificates;
use crate::cli::{AgentArgs, Global, ObserveArgs, Output};
use crate::cluster;
use crate::commands::Failure;
use crate::output::{Jsonl, Redaction, Renderer, Style, Table, WallClock};
use crate::pipeline::{PortMap, Settings};
use crate::processes::Target;
use crate::recording::Parameters;

/// What a run is asked to do.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) parameters: Parameters,
    pub(super) told: Told,
    pub(super) specs: SpecSource,
    pub(super) targets: Vec<Target>,
    /// Size of the ring buffer in bytes.
    pub(super) ring_buffer: u32,
    pub(super) duration: Option<Duration>,
    pub(super) fail_on_mismatch: bool,
    pub(super) metrics_addr: Option<SocketAddr>,
    pub(super) metrics_max_routes: usize,
    pub(super) journal: Option<PathBuf>,
    pub(super) record: Option<PathBuf>,
}

/// Where specs come from.
#[derive(Debug, Clone)]
pub(super) enum SpecSource {
    /// From nowhere: no verdicts.
    None,
    /// From files, which are read again when they change.
    Manifests(Vec<PathBuf>),
    /// From a cluster, which tells of the data planes of this node too if a node is named.
    Cluster(cluster::Settings),
}

/// Which decisions are written to standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shown {
    /// All of them
    All,
    /// Mismatches
    Mismatches,
    /// None
    None,
}

/// What standard output is told, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) form: Form,
    pub(super) shown: Shown,
    /// Whether the first misroute of a rule is told apart: for whoever does not read each decision.
    pub(super) notices: bool,
}

/// Form of standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Table(Style),
    Jsonl,
}

impl Config {
    pub(super) fn new(args: ObserveArgs, global: &Global) -> Result<Self, Failure> {
        let targets = targets(&args);
        if targets.is_empty() {
            let message = "say what to watch: --process NAME, --pid PID or --cgroup PATH";
            return Err(Failure::Usage(message.into()));
        }
        Ok(Self {
            targets,
            told: Told {
                form: Form::new(global)?,
                shown: Shown::All,
                notices: false,
            },
            parameters: parameters(&args, global)?,
            specs: spec_source(&args, global)?,
            ring_buffer: args.ring_buffer.saturating_mul(1024),
            duration: args.duration,
            fail_on_mismatch: args.fail_on_mismatch,
            metrics_addr: args.metrics_addr,
            metrics_max_routes: args.metrics_max_routes,
            journal: args.journal,
            record: args.record,
        })
    }
}

impl Config {
    /// A run of `gwobs agent`: Gateways and processes come from the cluster.
    pub(super) fn of_agent(args: AgentArgs, global: &Global) -> Result<Self, Failure> {
        let node = args.node_name.or_else(|| std::env::var("NODE_NAME").ok());
        let Some(node) = node.filter(|node| !node.is_empty()) else {
            let message = "say which node this is: --node-name NAME, or the environment's NODE_NAME";
            return Err(Failure::Usage(message.into()));
        };
        let form = match global.output {
            // Logs of pods are read by machines.
            None => Form::Jsonl,
            Some(_) => Form::new(global)?,
        };
        Ok(Self {
            parameters: new_parameters(global, args.hold, args.convergence_window, !args.no_redact),
            told: Told {
                form,
                shown: args.decisions,
                notices: true,
            },
            specs: SpecSource::Cluster(cluster::Settings {
                access: args.cluster.access().unwrap_or_default(),
                profile: global.profile,
                node: Some(node),
                extras: args.gateway_pods,
                without_secrets: args.no_secrets,
                handshakes: (!args.no_handshakes).then_some(certificates::Settings {
                    interval: args.handshake_interval,
                    grace: args.convergence_window,
                }),
                events: !args.no_events,
            }),
            targets: Vec::new(),
            ring_buffer: args.ring_buffer.saturating_mul(1024),
            duration: None,
            fail_on_mismatch: false,
            metrics_addr: Some(args.metrics_addr),
            metrics_max_routes: args.metrics_max_routes,
            journal: args.journal,
            record: None,
        })
    }
}

impl Form {
    pub(super) fn new(global: &Global) -> Result<Self, Failure> {
        match global.output {
            None | Some(Output::Table) => Ok(Self::Table(Style::of_stdout())),
            Some(Output::Jsonl) => Ok(Self::Jsonl),
            Some(Output::Json) => Err(Failure::Usage(
                "observe writes table or jsonl, not json: it has no end".into(),
            )),
        }
    }

    pub(super) fn renderer(self, redaction: Redaction) -> Renderer {
        match self {
            Self::Table(style) => Renderer::Table(Table::new(style, redaction)),
            Self::Jsonl => Renderer::Jsonl(Jsonl::new(redaction)),
        }
    }
}

fn spec_source(args: &ObserveArgs, global: &Global) -> Result<SpecSource, Failure> {
    match args.cluster.access() {
        Some(_) if !args.manifests.is_empty() => Err(Failure::Usage(
            "specs come from --manifests or from a cluster (--kubeconfig, --context), not from both".into(),
        )),
        Some(_) if args.record.is_some() => Err(Failure::Usage(
            "--record keeps manifests with what was seen: it needs --manifests, not a cluster".into(),
        )),
        Some(access) => Ok(SpecSource::Cluster(cluster::Settings {
            access,
            profile: global.profile,
            ..cluster::Settings::default()
        })),
        None if args.manifests.is_empty() && !args.gateway.is_empty() => Err(Failure::Usage(
            "--gateway needs specs: --manifests PATH, or a cluster (--kubeconfig, --context)".into(),
        )),
        None if args.manifests.is_empty() => Ok(SpecSource::None),
        None => Ok(SpecSource::Manifests(args.manifests.clone())),
    }
}

fn targets(args: &ObserveArgs) -> Vec<Target> {
    let pids = args.pid.iter().map(|pid| Target::Pid(*pid));
    let names = args.process.iter().map(|name| Target::Name(name.clone()));
    let groups = args.cgroup.iter().map(|path| Target::Cgroup(path.clone()));
    pids.chain(names).chain(groups).collect()
}

fn parameters(args: &ObserveArgs, global: &Global) -> Result<Parameters, Failure> {
    let mut parameters = Parameters {
        gateways: args.gateway.iter().map(ToString::to_string).collect(),
        ..new_parameters(global, args.hold, args.convergence_window, !args.no_redact)
    };
    for pair in &args.port_map {
        let local_taken = parameters.ports.values().any(|local| *local == pair.local);
        if local_taken || parameters.ports.insert(pair.listener, pair.local).is_some() {
            let message = format!("--port-map {}={}: a port is mapped twice", pair.listener, pair.local);
            return Err(Failure::Usage(message));
        }
    }
    Ok(parameters)
}

/// The parameters of a run that begins now, without Gateways.
fn new_parameters(global: &Global, hold: Duration, convergence_window: Duration, redact: bool) -> Parameters {
    let clock = WallClock::now();
    Parameters {
        run: run_name(&clock),
        gateways: Vec::new(),
        ports: std::collections::BTreeMap::new(),
        hold: nanoseconds(hold),
        convergence_window: nanoseconds(convergence_window),
        redact,
        profile: global.profile.map(|profile| profile.as_str().to_owned()),
        clock_offset: clock.offset(),
    }
}

/// A name that no other run has, here or elsewhere: the microsecond in which it began, and the process.
fn run_name(clock: &WallClock) -> String {
    let microsecond = crate::output::boottime().0.wrapping_add_signed(clock.offset()) / 1000;
    format!("{microsecond:x}-{:x}", std::process::id())
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The pipeline's settings of parameters, which may come from a recording.
pub(super) fn settings(parameters: &Parameters) -> anyhow::Result<Settings> {
    let mut ports = PortMap::default();
    for (listener, local) in &parameters.ports {
        ports.insert(*listener, *local);
    }
    Ok(Settings {
        run: parameters.run.clone(),
        gateways: parameters
            .gateways
            .iter()
            .map(|name| gateway(name))
            .collect::<Result<_, _>>()?,
        ports,
        hold: Duration::from_nanos(parameters.hold),
        convergence_window: Duration::from_nanos(parameters.convergence_window),
        ..Settings::default()
    })
}

fn gateway(name: &str) -> anyhow::Result<ObjectName> {
    let (namespace, name) = name
        .split_once('/')
        .ok_or_else(|| anyhow::anyhow!("`{name}` is not NAMESPACE/NAME"))?;
    Ok(ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    })
}
