//! A run on this host: probes, manifests or a cluster, clock and signals in; lines and metrics out.

use std::collections::BTreeSet;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use gwobs_common::counter::Counter;
use prometheus_client::registry::Registry;
use rustix::process::setpriority_process;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::config::{Config, SpecSource};
use super::core::Core;
use super::outlets::{Broken, Outlets};
use super::stop::Stop;
use crate::cluster::{self, News};
use crate::commands::{Failure, Outcome};
use crate::event::{EventKind, KernelEvent, Timestamp};
use crate::metrics::{CertificateCollector, Health, Metrics, Server, StateCollector};
use crate::misroutes::Misroutes;
use crate::output::{ObservedProcess, Ready, boottime};
use crate::probes::{self, ProbeError, Probes};
use crate::processes::{self, Target};
use crate::recording::Input;
use crate::specs::{Loaded, Manifests, POLL_INTERVAL, Poll, UnknownGateway};

mod kernel_errors;
mod planes;
mod recorder;
mod tls;
mod udp;

use kernel_errors::KernelErrors;
use planes::{Assigned, Planes};
use recorder::Recorder;
use tls::TlsWatch;
use udp::UdpListeners;

/// How often deadlines are looked at: decisions are due within a second of the response's end.
const TICK: Duration = Duration::from_millis(50);

/// How often the kernel's counters are read.
const COUNT: Duration = Duration::from_secs(1);

/// Nice value of the thread that reads events: ten times the share of others, if it needs that.
const PRIORITY: i32 = -10;

/// Most batches that are read after the end was asked for: what was there by then, not what still comes.
const LAST_BATCHES: usize = 64;

/// Runs to the end.
pub(super) async fn run(config: Config) -> Result<Outcome, Failure> {
    let mut stop = Stop::new(config.duration)?;
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry, config.metrics_max_routes);
    let health = Health::default();
    let mut specs = Specs::None;
    let outlets = Outlets::open(config.journal.as_deref())?;
    let mut live = Live {
        core: Core::new(&config.parameters, config.told, metrics, outlets)?,
        recorder: Recorder::open(config.record.as_deref(), &config.parameters)?,
        errors: KernelErrors::default(),
        tls: TlsWatch::start()?,
        running: BTreeSet::new(),
        udp: UdpListeners::default(),
        planes: Planes::new(health.clone()),
        health: health.clone(),
    };
    match &config.specs {
        SpecSource::None => {}
        SpecSource::Manifests(paths) => {
            let (opened, loaded) = Manifests::open(paths.clone())?;
            live.specs(loaded)??;
            specs = Specs::Manifests(opened);
        }
        SpecSource::Cluster(settings) => {
            health.expect(&[SPECS]);
            if settings.node.is_some() {
                health.expect(&[PLANES]);
            }
            let feed = cluster::watch(settings.clone())?;
            StateCollector::register(&mut registry, feed.state(), config.metrics_max_routes);
            if settings.handshakes.is_some() {
                CertificateCollector::register(&mut registry, feed.certificates());
            }
            live.core.out().send_notices(feed.notices());
            specs = Specs::Cluster(feed);
        }
    }
    let server = serve(config.metrics_addr, registry, health.clone(), live.core.misroutes()).await?;
    hurry();
    health.expect(&[PROBES]);
    let mut probes = live.attach(&config)?;
    health.ready(PROBES, true);
    stop.begin();
    let mut inlets = Inlets {
        probes: &mut probes,
        specs,
        stop,
    };
    let ended = live.watch(&mut inlets, server).await;
    let asked = ended.and_then(|why| live.drain(inlets.probes).map(|()| why));
    live.finish(asked, config.fail_on_mismatch).await
}

/// Where inputs come from.
struct Inlets<'a> {
    probes: &'a mut Probes,
    specs: Specs,
    stop: Stop,
}

/// Where specs come from while it runs.
enum Specs {
    None,
    Manifests(Manifests),
    Cluster(cluster::Feed),
}

impl Specs {
    /// News of a cluster; never any of manifests. Cancel safe.
    async fn next(&mut self) -> Option<News> {
        match self {
            Self::Cluster(feed) => feed.next().await,
            Self::None | Self::Manifests(_) => std::future::pending().await,
        }
    }
}

/// Tasks that readiness is made of.
const PROBES: &str = "probes";
const SPECS: &str = "specs";
const PLANES: &str = "data-planes";

/// Why watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It was asked to.
    Asked,
    /// Nobody reads standard output any more.
    Reader,
}

struct Live {
    core: Core<Outlets>,
    recorder: Recorder,
    errors: KernelErrors,
    tls: TlsWatch,
    /// Processes that are followed and have not ended.
    running: BTreeSet<u32>,
    udp: UdpListeners,
    planes: Planes,
    health: Health,
}

impl Live {
    /// These are the specs now; the inner result tells whether the Gateways are there.
    fn specs(&mut self, loaded: Loaded) -> anyhow::Result<Result<(), UnknownGateway>> {
        let now = boottime();
        self.recorder.specs(&loaded.sources, now)?;
        Ok(self.core.specs(now, loaded))
    }

    /// Finds the processes, attaches the probes, follows, says that it is ready.
    fn attach(&mut self, config: &Config) -> anyhow::Result<Probes> {
        // An error here spares loading the probes.
        processes::find(&config.targets)?;
        let mut probes = Probes::load(&probes::Config {
            ring_buffer: config.ring_buffer,
            ..probes::Config::default()
        })?;
        let mut ready = Ready {
            time: boottime(),
            processes: Vec::new(),
            probes: Vec::new(),
        };
        for target in &config.targets {
            if let Target::Name(name) = target {
                probes.follow_name(name)?;
            }
        }
        for target in processes::find(&config.targets)? {
            let followed = probes.follow(target.pid)?;
            ready.processes.extend(followed.processes.into_iter().map(observed));
        }
        self.running.extend(ready.processes.iter().map(|process| process.pid));
        ready.probes.extend(probes.attached().into_iter().map(str::to_owned));
        let pids: Vec<u32> = self.running.iter().copied().collect();
        let libraries = self.tls.attach_now(&pids, &mut probes);
        ready
            .probes
            .extend(libraries.into_iter().map(|library| library.as_str().to_owned()));
        ready.time = boottime();
        self.recorder.write(|| Input::Ready(ready.clone()))?;
        self.core.ready(&ready);
        self.look_for_udp()?;
        Ok(probes)
    }

    async fn watch(&mut self, inlets: &mut Inlets<'_>, mut server: Serving) -> anyhow::Result<Ended> {
        let (mut ticks, mut looks, mut counts) = (every(TICK), every(POLL_INTERVAL), every(COUNT));
        let mut udp = every(udp::LOOK);
        let mut events = Vec::new();
        loop {
            tokio::select! {
                // In this order: under a flood of events the others still get their turn.
                biased;
                () = inlets.stop.wait() => return Ok(Ended::Asked),
                broken = self.core.out().broken() => return Ended::from_broken(broken),
                error = &mut server => return Err(error.context("the metrics server ended")),
                _ = ticks.tick() => {
                    self.tls.attach_found(inlets.probes);
                    self.tick()?;
                }
                _ = counts.tick() => self.count_errors(inlets.probes)?,
                _ = udp.tick() => self.look_for_udp()?,
                _ = looks.tick() => self.look(&mut inlets.specs)?,
                news = inlets.specs.next() => self.news(news.context("watching the cluster ended")?),
                found = self.planes.found() => self.follow(found, inlets.probes)?,
                read = inlets.probes.next_batch(&mut events) => {
                    read?;
                    self.batch(&mut events, inlets.probes)?;
                }
            }
        }
    }

    fn tick(&mut self) -> anyhow::Result<()> {
        let now = boottime();
        self.recorder.write(|| Input::Tick(now))?;
        self.core.tick(now);
        Ok(())
    }

    fn count_errors(&mut self, probes: &Probes) -> anyhow::Result<()> {
        let withheld = self.tls.take_withheld();
        let candidates = (withheld > 0).then_some((Counter::TlsCandidate, withheld));
        for (counter, count) in self
            .errors
            .since_last(&probes.counters()?)
            .into_iter()
            .chain(candidates)
        {
            self.recorder.write(|| Input::KernelError(counter, count))?;
            self.core.kernel_error(counter, count);
        }
        Ok(())
    }

    /// Looks for listeners by which requests come in unseen.
    fn look_for_udp(&mut self) -> anyhow::Result<()> {
        let core = &self.core;
        for (pid, port) in self.udp.new_among(&self.running, |pid| core.local_ports(pid)) {
            tracing::warn!("process {pid} listens on port {port} by UDP too: HTTP/3 is not read, and costs verdicts");
            self.recorder.write(|| Input::UnseenListener(pid, port))?;
            self.core.unseen_listener(pid, port);
        }
        Ok(())
    }

    /// Looks whether the manifests changed.
    fn look(&mut self, specs: &mut Specs) -> anyhow::Result<()> {
        let Specs::Manifests(manifests) = specs else {
            return Ok(());
        };
        match manifests.poll() {
            Poll::Unchanged => Ok(()),
            Poll::Broken(why) => {
                tracing::warn!("the changed manifests cannot be used, those before stay in force: {why}");
                Ok(())
            }
            Poll::Changed(loaded) => self.changed(*loaded),
        }
    }

    fn changed(&mut self, loaded: Loaded) -> anyhow::Result<()> {
        if let Err(missing) = self.specs(loaded)? {
            tracing::warn!("{missing}: its requests have no verdict");
        }
        tracing::info!("the manifests changed, the new ones are in force");
        Ok(())
    }

    /// Takes what the cluster has to say.
    fn news(&mut self, news: News) {
        let now = boottime();
        match news {
            News::Specs { snapshot, redaction } => {
                self.core.warn_of_missing_gateways(&snapshot);
                self.core.in_force(now, snapshot, redaction);
            }
            News::InFlux(since) => self.lose_specs(since),
            News::InStep => {
                tracing::info!("all of the cluster's objects are known");
                self.core.regain_specs(now);
                self.health.ready(SPECS, true);
            }
            News::Planes(planes) => self.planes.set(planes),
        }
    }

    fn lose_specs(&mut self, since: Timestamp) {
        tracing::warn!("the cluster's objects may have changed unseen: decisions are config_in_flux");
        self.core.lose_specs(since);
        self.health.ready(SPECS, false);
    }

    /// Follows the processes of data planes that were found.
    fn follow(&mut self, found: Vec<Assigned>, probes: &mut Probes) -> anyhow::Result<()> {
        for assigned in found {
            let Assigned { process, scope, pod } = assigned;
            self.core.assign(process.pid, &process.name, &scope);
            match probes.follow(process.pid) {
                Ok(followed) => {
                    for one in followed.processes {
                        self.tls.search(one.pid);
                        tracing::info!("following {} ({}) of pod {pod}", one.name, one.pid);
                        self.core.assign(one.pid, &one.name, &scope);
                        self.running.insert(one.pid);
                    }
                }
                // It ended in the meantime; the next look finds what runs in its place.
                Err(ProbeError::NoSuchProcess { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn batch(&mut self, events: &mut Vec<KernelEvent>, probes: &mut Probes) -> anyhow::Result<()> {
        let now = boottime();
        self.recorder.write(|| Input::Now(now))?;
        self.core.now(now);
        self.tls.attach_found(probes);
        for event in events.drain(..) {
            self.note_life(&event);
            if !self.tls.note(&event, probes) {
                continue;
            }
            self.recorder.write(|| Input::Event(event.clone()))?;
            self.core.event(&event);
        }
        for skip in self.core.skips() {
            match (skip.of_plaintext, skip.framed) {
                (false, false) => probes.skip_until(skip.socket, skip.direction, skip.until)?,
                (false, true) => probes.follow_frames(skip.socket, skip.direction, skip.until)?,
                (true, false) => probes.skip_plaintext_until(skip.socket, skip.direction, skip.until)?,
                (true, true) => probes.follow_plaintext_frames(skip.socket, skip.direction, skip.until)?,
            }
        }
        Ok(())
    }

    /// Warns when there is nothing left to watch.
    fn note_life(&mut self, event: &KernelEvent) {
        match &event.kind {
            EventKind::ProcessStarted { .. } => {
                self.running.insert(event.pid);
            }
            EventKind::ProcessExited if self.running.remove(&event.pid) => {
                self.planes.exited(event.pid);
                if self.running.is_empty() {
                    tracing::warn!("all processes that were watched have ended");
                }
            }
            _ => {}
        }
    }

    /// Reads what happened before the end was asked for.
    fn drain(&mut self, probes: &mut Probes) -> anyhow::Result<()> {
        let mut events = Vec::new();
        for _ in 0..LAST_BATCHES {
            probes.drain(&mut events)?;
            if events.is_empty() {
                break;
            }
            self.batch(&mut events, probes)?;
        }
        self.count_errors(probes)
    }

    /// Judges what is held, says the last word, and waits until it is written.
    async fn finish(mut self, ended: anyhow::Result<Ended>, fail_on_mismatch: bool) -> Result<Outcome, Failure> {
        let ended = ended?;
        let now = boottime();
        self.recorder.write(|| Input::End(now))?;
        self.recorder.flush()?;
        let mismatches = self.core.end(now);
        if ended == Ended::Asked {
            match self.core.into_out().finish().await {
                Ok(()) | Err(Broken::Reader) => {}
                Err(Broken::Failed(error)) => return Err(error.into()),
            }
        }
        Ok(if fail_on_mismatch && mismatches > 0 {
            Outcome::Found
        } else {
            Outcome::Fine
        })
    }
}

impl Ended {
    fn from_broken(broken: Broken) -> anyhow::Result<Self> {
        match broken {
            Broken::Reader => Ok(Self::Reader),
            Broken::Failed(error) => Err(error),
        }
    }
}

/// Lets this thread run soon after it has something to read. The ring buffer holds what comes in a fraction of a second
/// under load, and a loaded host lets a thread of ordinary priority wait for longer. Writers keep theirs.
fn hurry() {
    if let Err(error) = setpriority_process(None, PRIORITY) {
        tracing::debug!("events may be lost while the host is busy: cannot raise the priority: {error}");
    }
}

/// Ticks that are not made up for when they were missed.
fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn observed(process: probes::Process) -> ObservedProcess {
    let data_plane = processes::data_plane(process.pid, &process.name);
    ObservedProcess {
        pid: process.pid,
        name: process.name,
        data_plane,
    }
}

/// Ends with an error only, or never without a server.
type Serving = Pin<Box<dyn Future<Output = anyhow::Error>>>;

async fn serve(
    address: Option<SocketAddr>,
    registry: Registry,
    health: Health,
    misroutes: Misroutes,
) -> anyhow::Result<Serving> {
    let Some(address) = address else {
        return Ok(Box::pin(std::future::pending()));
    };
    let server = Server::bind(address, registry, health, misroutes)
        .await
        .with_context(|| format!("cannot serve metrics on {address}"))?;
    tracing::info!("metrics on http://{}/metrics", server.address()?);
    Ok(Box::pin(async move {
        match server.run().await {
            Ok(()) => anyhow::anyhow!("it stopped"),
            Err(error) => error.into(),
        }
    }))
}
