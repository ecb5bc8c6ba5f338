//! From kernel events to judged requests: synchronous and deterministic, with time as an argument.
//!
//! ```text
//! KernelEvent ─► Connections ─► halves ─► Pairing ─► settled requests ─► judged by the snapshots ─► Sink
//! ```
//!
//! A mismatch is held for a while: newer specs may explain it, which the agent sees later than the gateway.

mod catalogue;
mod convergence;
mod counts;
mod finish;
mod judging;
mod live;
mod partial;
mod passthrough;
mod rejoined;
mod request;
mod scope;
mod settings;
mod sink;
mod strays;
#[cfg(test)]
mod tests;
mod weighing;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gwobs_route::{Inconclusive, Judgement, Snapshot, Verdict};

pub use counts::{Counts, PairingOutcome};
pub(crate) use request::{Fields, Target};
pub use scope::{Scope, Scopes};
pub use settings::{PortMap, Settings};
pub use sink::Sink;

use crate::connections::{Connections, HandshakeFailure, Skip};
use crate::event::{EventKind, KernelEvent, Timestamp};
use crate::exchange::Half;
use crate::pairing::{Pairing, Settled};
use convergence::Convergence;
use finish::{Identity, Over, Report};
use judging::Judging;
use live::Snapshots;
use passthrough::Passthrough;
use rejoined::Rejoined;
use strays::Strays;
use weighing::Weighing;

/// Mismatches that are held at a time, at most; beyond it the oldest is told early. One takes a few KiB.
const MAX_HELD: usize = 16_384;

/// Names of processes that are remembered, at most; NGINX starts new workers at every reload.
const MAX_PROCESSES: usize = 65_536;

/// How often what is due is looked for while events come, in nanoseconds.
const LOOK_INTERVAL: u64 = 20_000_000;

/// The way of an event to a verdict.
#[derive(Debug)]
pub struct Pipeline {
    settings: Settings,
    connections: Connections,
    pairing: Pairing,
    snapshots: Snapshots,
    names: HashMap<u32, Arc<str>>,
    settled: Vec<Settled>,
    /// Mismatches, by the time when they are told.
    held: VecDeque<(Timestamp, Over)>,
    passthrough: Passthrough,
    strays: Strays,
    rejoined: Rejoined,
    weighing: Weighing,
    convergence: Convergence,
    counts: Counts,
    looked: Timestamp,
}

impl Pipeline {
    /// A pipeline without events and specs.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (hold, window) = (nanoseconds(settings.hold), nanoseconds(settings.convergence_window));
        Self {
            connections: Connections::new(),
            pairing: Pairing::new(settings.hold),
            snapshots: Snapshots::new(window),
            names: HashMap::new(),
            settled: Vec::new(),
            held: VecDeque::new(),
            passthrough: Passthrough::default(),
            strays: Strays::default(),
            rejoined: Rejoined::default(),
            weighing: Weighing::new(hold),
            convergence: Convergence::new(window.saturating_add(hold)),
            counts: Counts::default(),
            looked: Timestamp::default(),
            settings,
        }
    }

    /// New specs are in force; the ones before stay of use for the convergence window, and for the requests that
    /// began while they were.
    pub fn set_snapshot(&mut self, now: Timestamp, snapshot: Arc<Snapshot>) {
        let held = self.held.front().map(|(_, over)| over.decided_at());
        let oldest = [self.pairing.oldest(), held].into_iter().flatten().min().unwrap_or(now);
        self.weighing
            .renew(self.snapshots.newest().map(|live| &*live.snapshot), &snapshot);
        self.snapshots.prune(oldest.min(now));
        self.snapshots.push(now, snapshot, &self.settings.all_gateways());
    }

    /// The specs may have changed since then without being seen: nothing decided since can be judged.
    pub fn lose_specs(&mut self, since: Timestamp) {
        self.snapshots.lose(since);
    }

    /// The specs are seen again, and whatever was missed is in the snapshot that was set last.
    pub fn regain_specs(&mut self, now: Timestamp) {
        self.snapshots.regain(now);
    }

    /// A process and those that it starts from now on serve these Gateways, in place of those of the settings.
    pub fn assign(&mut self, pid: u32, scope: &Arc<Scope>) {
        let before = self.settings.all_gateways();
        if self.settings.scopes.assign(pid, scope) {
            let now = self.settings.all_gateways();
            if before != now {
                self.snapshots.look_up_again(&now);
            }
        }
    }

    /// The local ports on which a process has listeners, by the newest specs.
    #[must_use]
    pub fn local_ports(&self, pid: u32) -> BTreeSet<u16> {
        let gateways = self.settings.gateways_of(pid);
        let ports = self.snapshots.newest().map(|live| live.catalogue.ports(gateways));
        let local = |port: u16| self.settings.local_port(pid, port);
        ports.into_iter().flatten().map(local).collect()
    }

    /// A process listens on a local port by other means than TCP: requests come in there that nobody sees.
    pub fn unseen_listener(&mut self, pid: u32, port: u16) {
        self.pairing.on_unseen_listener(pid, port);
    }

    /// Names a process that was there before any event told of it.
    pub fn name_process(&mut self, pid: u32, name: &str) {
        if self.names.len() < MAX_PROCESSES || self.names.contains_key(&pid) {
            self.names.insert(pid, Arc::from(name));
        }
    }

    /// Takes the next event.
    pub fn on_event(&mut self, now: Timestamp, event: &KernelEvent, sink: &mut impl Sink) {
        self.counts.events += 1;
        let judging = Judging {
            snapshots: &self.snapshots,
            settings: &self.settings,
        };
        let (pairing, settled) = (&mut self.pairing, &mut self.settled);
        self.connections.on_event(event, &mut |exchange| {
            pairing.on_exchange(now, &exchange, &judging, settled);
        });
        self.pass_on(now, sink);
        match &event.kind {
            EventKind::ProcessStarted { name, parent } => {
                self.name_process(event.pid, name);
                self.settings.scopes.inherit(event.pid, *parent);
            }
            EventKind::ProcessExited => {
                self.pairing.on_process_exit(event.pid);
            }
            _ => {}
        }
        if now.0.saturating_sub(self.looked.0) >= LOOK_INTERVAL {
            self.look(now, sink);
        }
    }

    /// Hands out what is due. To be called every 50 ms or so, whether events come or not.
    pub fn on_tick(&mut self, now: Timestamp, sink: &mut impl Sink) {
        let judging = Judging {
            snapshots: &self.snapshots,
            settings: &self.settings,
        };
        let (pairing, settled) = (&mut self.pairing, &mut self.settled);
        self.connections.on_time(now, &mut |exchange| {
            pairing.on_exchange(now, &exchange, &judging, settled);
        });
        self.look(now, sink);
    }

    /// The end: judges everything that is finished or held, with what is known.
    pub fn finish(&mut self, now: Timestamp, sink: &mut impl Sink) {
        self.on_tick(now, sink);
        let judging = Judging {
            snapshots: &self.snapshots,
            settings: &self.settings,
        };
        self.pairing.drain(now, &judging, &mut self.settled);
        self.hand_on(now, sink);
        while let Some((_, over)) = self.held.pop_front() {
            let report = self.report(&over);
            self.tell(&report, sink);
        }
        let newest = self.snapshots.newest().map(|live| &*live.snapshot);
        self.weighing.finish(now, newest, sink);
        self.convergence.finish(sink);
        self.refresh_counts();
    }

    /// What the kernel side need not copy, since this was last asked.
    pub fn drain_skips(&mut self) -> std::vec::Drain<'_, Skip> {
        self.connections.drain_skips()
    }

    /// TLS handshakes that failed, since this was last asked.
    pub fn drain_handshake_failures(&mut self) -> std::vec::Drain<'_, HandshakeFailure> {
        self.connections.drain_handshake_failures()
    }

    /// The numbers so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The connections' own numbers.
    #[must_use]
    pub fn connection_counts(&self) -> &crate::connections::Counts {
        self.connections.counts()
    }

    fn look(&mut self, now: Timestamp, sink: &mut impl Sink) {
        self.looked = now;
        let judging = Judging {
            snapshots: &self.snapshots,
            settings: &self.settings,
        };
        self.pairing.on_tick(now, &judging, &mut self.settled);
        self.hand_on(now, sink);
        while self.held.front().is_some_and(|(until, _)| *until <= now) || self.held.len() > MAX_HELD {
            let Some((_, over)) = self.held.pop_front() else {
                break;
            };
            let report = self.report(&over);
            self.tell(&report, sink);
        }
        self.strays.forget(now, nanoseconds(self.settings.hold));
        let newest = self.snapshots.newest().map(|live| &*live.snapshot);
        self.weighing.look(now, newest, sink);
        self.convergence.look(now, sink);
        self.refresh_counts();
    }

    /// Tells what pairing settled, but holds mismatches.
    fn hand_on(&mut self, now: Timestamp, sink: &mut impl Sink) {
        for settled in std::mem::take(&mut self.settled) {
            match settled {
                Settled::Stray(call) => self.strays.add_mirror(now, call),
                Settled::Unexplained(call) => self.strays.add_unexplained(now, call),
                Settled::Call { call, why, ports } => self.judge(now, Over::Call { call, why, ports }, sink),
                Settled::Request(request) => {
                    self.strays.add_surplus(now, &request);
                    self.judge(now, Over::Request(request), sink);
                }
            }
        }
    }

    /// Judges TLS connections that passed through.
    fn pass_on(&mut self, now: Timestamp, sink: &mut impl Sink) {
        let hellos: Vec<_> = self.connections.drain_hellos().collect();
        for hello in hellos {
            if let Some(passed) = self.passthrough.note(hello) {
                for side in [&passed.downstream, &passed.upstream] {
                    self.connections.passes_on(side.connection.socket);
                }
                self.judge(now, Over::Passed(passed), sink);
            }
        }
    }

    fn judge(&mut self, now: Timestamp, over: Over, sink: &mut impl Sink) {
        if let Over::Request(request) = &over {
            self.rejoined.learn(request);
        }
        let report = self.report(&over);
        if let Over::Call { call, .. } = &over {
            self.rejoined.learn_alone(call);
        }
        if is_mismatch(&report.finished.judgement) && !over.was_held() && !self.settings.hold.is_zero() {
            self.held.push_back((self.end_of_hold(now), over));
        } else {
            self.tell(&report, sink);
        }
    }

    /// Times in the queue never fall, since the hold is the same for all.
    fn end_of_hold(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(nanoseconds(self.settings.hold)))
    }

    fn report(&self, over: &Over) -> Report {
        let judging = self.judging();
        match over {
            Over::Request(request) => {
                let doubt = |reason| {
                    let stray = self.strays.cast_doubt(reason, request, &judging);
                    let stray = stray.then_some(Inconclusive::Unpaired);
                    stray.or_else(|| self.rejoined.doubt(request))
                };
                finish::report(request, doubt, self.identity(&request.downstream), &judging)
            }
            Over::Call { call, why, ports } => {
                let doubt = self.rejoined.doubt_alone(call);
                finish::without_downstream(call, *why, ports.as_deref(), doubt, self.identity(call), &judging)
            }
            Over::Passed(passed) => {
                let pid = passed.downstream.connection.pid;
                let identity = Identity {
                    id: format!("{}-tls{}", self.settings.run, passed.number),
                    process: finish::process(pid, self.names.get(&pid)),
                };
                finish::passed(passed, identity, &judging)
            }
        }
    }

    fn judging(&self) -> Judging<'_> {
        Judging {
            snapshots: &self.snapshots,
            settings: &self.settings,
        }
    }

    /// Unique in this run by the half, across runs and agents by the run's name.
    fn identity(&self, half: &Half) -> Identity {
        let pid = half.connection.pid;
        Identity {
            id: format!("{}-{}", self.settings.run, half.id.0),
            process: finish::process(pid, self.names.get(&pid)),
        }
    }

    fn tell(&mut self, report: &Report, sink: &mut impl Sink) {
        let finished = &report.finished;
        self.counts.add(finished.judgement.as_ref());
        if let (Some(gateway), Some(lag)) = (&finished.gateway, report.lag) {
            self.convergence.take(gateway, lag);
        }
        if let Some(newest) = self.snapshots.newest() {
            self.weighing.take(report, &newest.snapshot);
        }
        sink.finished(finished);
    }

    fn refresh_counts(&mut self) {
        self.counts.open = self.pairing.open() as u64;
        let pairing = self.pairing.counts();
        let outcomes = [
            (PairingOutcome::Paired, pairing.paired),
            (PairingOutcome::Local, pairing.local),
            (PairingOutcome::Interchangeable, pairing.interchangeable),
            (PairingOutcome::Unpaired, pairing.unpaired),
            (PairingOutcome::Unowned, pairing.unowned),
            (PairingOutcome::NoRoute, pairing.no_route),
            (PairingOutcome::Overflow, pairing.overflowed),
        ];
        self.counts.pairing.extend(outcomes);
    }
}

fn is_mismatch(judgement: &Option<Judgement>) -> bool {
    matches!(
        judgement,
        Some(Judgement {
            verdict: Verdict::Mismatch(_),
            ..
        })
    )
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
