//! From options as typed to what a run can use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gwobs_route::ObjectName;

use crate::cli::{Global, ObserveArgs, Output};
use crate::commands::Failure;
use crate::output::{Jsonl, Redaction, Renderer, Style, Table, WallClock};
use crate::pipeline::{PortMap, Settings};
use crate::processes::Target;
use crate::recording::Parameters;

/// What a run is asked to do.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) parameters: Parameters,
    pub(super) form: Form,
    pub(super) manifests: Vec<PathBuf>,
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
            form: Form::new(global)?,
            parameters: parameters(&args, global)?,
            manifests: args.manifests,
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

fn targets(args: &ObserveArgs) -> Vec<Target> {
    let pids = args.pid.iter().map(|pid| Target::Pid(*pid));
    let names = args.process.iter().map(|name| Target::Name(name.clone()));
    let groups = args.cgroup.iter().map(|path| Target::Cgroup(path.clone()));
    pids.chain(names).chain(groups).collect()
}

fn parameters(args: &ObserveArgs, global: &Global) -> Result<Parameters, Failure> {
    let clock = WallClock::now();
    let mut parameters = Parameters {
        run: run_name(&clock),
        gateways: args.gateway.iter().map(ToString::to_string).collect(),
        ports: std::collections::BTreeMap::new(),
        hold: nanoseconds(args.hold),
        convergence_window: nanoseconds(args.convergence_window),
        redact: !args.no_redact,
        profile: global.profile.map(|profile| profile.as_str().to_owned()),
        clock_offset: clock.offset(),
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
