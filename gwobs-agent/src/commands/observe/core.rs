//! The run without its surroundings: inputs in, lines and metrics out; nothing here reads a clock or a file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use gwobs_common::counter::Counter;
use gwobs_route::profile::Profile;
use gwobs_route::{ObjectName, Snapshot, Verdict};

use super::config::{Form, Shown, Told, settings};
use super::losses::{Losses, lost_by};
use super::manifests;
use super::outlets::Out;
use crate::connections::{HandshakeFailure, Skip};
use crate::event::{KernelEvent, Timestamp};
use crate::finished::Finished;
use crate::metrics::Metrics;
use crate::misroutes::Misroutes;
use crate::notice::First;
use crate::output::{Jsonl, Ready, Redaction, Renderer, Report, Summary, WallClock};
use crate::pipeline::{Pipeline, Scope, Sink};
use crate::recording::Parameters;
use crate::specs::{InForce, Loaded, UnknownGateway};
use crate::weighed::{Weighed, WeightNews};

/// A run.
#[derive(Debug)]
pub(super) struct Core<O> {
    pipeline: Pipeline,
    specs: InForce,
    gateways: Vec<ObjectName>,
    /// Those of them that are not in the specs of a cluster.
    missing: Vec<ObjectName>,
    redact: bool,
    started: Timestamp,
    now: Timestamp,
    /// TLS handshakes that failed; as many kinds as there are names for.
    handshake_failures: BTreeMap<HandshakeFailure, u64>,
    teller: Teller<O>,
}

/// Tells what the pipeline has to say.
#[derive(Debug)]
struct Teller<O> {
    out: O,
    form: Form,
    shown: Shown,
    /// Finds what is worth a notice.
    first: Option<First>,
    renderer: Renderer,
    /// The journal is JSONL, whatever standard output is.
    journal: Jsonl,
    clock: WallClock,
    metrics: Metrics,
    misroutes: Misroutes,
    losses: Losses,
}

impl<O: Out> Core<O> {
    /// # Errors
    /// If the parameters make no sense, as those of a recording may.
    pub(super) fn new(parameters: &Parameters, told: Told, metrics: Metrics, out: O) -> anyhow::Result<Self> {
        let Told { form, shown, notices } = told;
        let settings = settings(parameters)?;
        let redaction = if parameters.redact {
            manifests::redaction(&[])
        } else {
            Redaction::off()
        };
        Ok(Self {
            gateways: settings.gateways.clone(),
            missing: Vec::new(),
            pipeline: Pipeline::new(settings),
            specs: InForce::new(profile(parameters.profile.as_deref())?),
            redact: parameters.redact,
            started: Timestamp::default(),
            now: Timestamp::default(),
            handshake_failures: BTreeMap::new(),
            teller: Teller {
                out,
                form,
                shown,
                first: notices.then(First::default),
                renderer: form.renderer(redaction.clone()),
                journal: Jsonl::new(redaction),
                clock: WallClock::from_offset(parameters.clock_offset),
                metrics,
                misroutes: Misroutes::default(),
                losses: Losses::default(),
            },
        })
    }

    /// These manifests are the specs now.
    ///
    /// # Errors
    /// If a Gateway that was named is not among them; they are in force all the same.
    pub(super) fn specs(&mut self, now: Timestamp, loaded: Loaded) -> Result<(), UnknownGateway> {
        let redaction = manifests::redaction(&loaded.objects);
        let report = self.specs.take(loaded, now.0);
        manifests::tell(&report);
        self.in_force(now, Arc::clone(self.specs.snapshot()), redaction);
        self.specs.require(&self.gateways)
    }

    /// These specs are in force from now on.
    pub(super) fn in_force(&mut self, now: Timestamp, snapshot: Arc<Snapshot>, redaction: Redaction) {
        let redaction = if self.redact { redaction } else { Redaction::off() };
        self.teller.redact_by(redaction);
        self.teller.metrics.decisions.specs(&snapshot);
        self.teller.misroutes.specs(now, &snapshot);
        self.pipeline.set_snapshot(now, snapshot);
    }

    /// Says which of the Gateways that were named are not in the specs, when that changes.
    pub(super) fn warn_of_missing_gateways(&mut self, snapshot: &Snapshot) {
        let missing = self.gateways.iter().filter(|name| snapshot.listeners(name).is_none());
        let missing: Vec<ObjectName> = missing.cloned().collect();
        for name in missing.iter().filter(|name| !self.missing.contains(name)) {
            tracing::warn!("Gateway {name} is not in the specs: its requests have no verdict");
        }
        self.missing = missing;
    }

    /// The specs may have changed since then without being seen.
    pub(super) fn lose_specs(&mut self, since: Timestamp) {
        self.pipeline.lose_specs(since);
    }

    /// The specs are seen again.
    pub(super) fn regain_specs(&mut self, now: Timestamp) {
        self.pipeline.regain_specs(now);
    }

    /// A process and those that it starts serve this.
    pub(super) fn assign(&mut self, pid: u32, name: &str, scope: &Arc<Scope>) {
        self.pipeline.name_process(pid, name);
        self.pipeline.assign(pid, scope);
    }

    pub(super) fn ready(&mut self, ready: &Ready) {
        (self.started, self.now) = (ready.time, ready.time);
        for process in &ready.processes {
            self.pipeline.name_process(process.pid, &process.name);
        }
        self.teller.losses.start(ready.time);
        self.teller.misroutes.begin(ready.time, &self.teller.clock);
        self.teller.essential(&Report::Ready(ready));
    }

    /// It is `now` for the events that follow.
    pub(super) fn now(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(super) fn event(&mut self, event: &KernelEvent) {
        self.teller.metrics.events.taken(event);
        if let Some((reason, count)) = lost_by(event) {
            self.teller.lost(reason, count);
        }
        let encrypted = self.pipeline.connection_counts().encrypted;
        self.pipeline.on_event(self.now, event, &mut self.teller);
        let encrypted = self.pipeline.connection_counts().encrypted - encrypted;
        if encrypted > 0 {
            self.teller.lost("encrypted", encrypted);
        }
        for failure in self.pipeline.drain_handshake_failures() {
            self.teller.metrics.handshakes.failed(&failure);
            *self.handshake_failures.entry(failure).or_default() += 1;
        }
    }

    /// A program in the kernel gave up so many times.
    pub(super) fn kernel_error(&mut self, counter: Counter, count: u64) {
        let (_, reason) = counter.describe();
        self.teller.lost(reason, count);
    }

    /// What is remembered of mismatches.
    pub(super) fn misroutes(&self) -> Misroutes {
        self.teller.misroutes.clone()
    }

    /// The local ports on which a process has listeners.
    pub(super) fn local_ports(&self, pid: u32) -> BTreeSet<u16> {
        self.pipeline.local_ports(pid)
    }

    /// A process listens on a listener's port by UDP too, where requests come in unseen.
    pub(super) fn unseen_listener(&mut self, pid: u32, port: u16) {
        self.teller.lost("quic_listener", 1);
        self.pipeline.unseen_listener(pid, port);
    }

    pub(super) fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.pipeline.on_tick(now, &mut self.teller);
        self.teller.metrics.pairing.sync(self.pipeline.counts());
        if let Some(report) = self.teller.losses.due(now) {
            self.teller.line(&Report::Lost(&report));
        }
    }

    /// What the kernel need not send.
    pub(super) fn skips(&mut self) -> impl Iterator<Item = Skip> {
        self.pipeline.drain_skips()
    }

    /// Ends the run; gives the number of mismatches.
    pub(super) fn end(&mut self, now: Timestamp) -> u64 {
        self.pipeline.finish(now, &mut self.teller);
        self.teller.metrics.pairing.sync(self.pipeline.counts());
        if let Some(report) = self.teller.losses.report(now) {
            self.teller.line(&Report::Lost(&report));
        }
        let summary = self.summary(now);
        self.teller.essential(&Report::Summary(&summary));
        summary.mismatches()
    }

    fn summary(&self, now: Timestamp) -> Summary {
        let counts = self.pipeline.counts();
        Summary {
            started: self.started,
            time: now,
            finished: counts.finished,
            open: counts.open,
            unjudged: counts.unjudged,
            matched: counts.matched,
            mismatched: counts.mismatched.clone(),
            inconclusive: counts.inconclusive.clone(),
            events: counts.events,
            lost: self.teller.losses.total().clone(),
            handshake_failures: self.handshake_failures.clone(),
        }
    }

    pub(super) fn out(&mut self) -> &mut O {
        &mut self.teller.out
    }

    pub(super) fn into_out(self) -> O {
        self.teller.out
    }
}

fn profile(name: Option<&str>) -> anyhow::Result<Option<Profile>> {
    let known = |name| Profile::from_name(name).ok_or_else(|| anyhow::anyhow!("there is no profile `{name}`"));
    name.map(known).transpose()
}

impl<O: Out> Teller<O> {
    fn redact_by(&mut self, redaction: Redaction) {
        self.renderer = self.form.renderer(redaction.clone());
        self.journal = Jsonl::new(redaction);
    }

    fn essential(&mut self, report: &Report<'_>) {
        let bytes = self.renderer.render(report, &self.clock);
        self.out.essential(bytes);
    }

    fn line(&mut self, report: &Report<'_>) {
        let bytes = self.renderer.render(report, &self.clock);
        if self.out.line(bytes).is_err() {
            self.lost("output_queue_full", 1);
        }
    }

    fn keep(&mut self, finished: &Finished) {
        let bytes = self.journal.render(&Report::Decision(finished), &self.clock);
        if self.out.mismatch(bytes).is_err() {
            self.lost("journal_queue_full", 1);
        }
    }

    fn notice(&mut self, finished: &Finished) {
        let Some(notice) = self.first.as_mut().and_then(|first| first.finished(finished)) else {
            return;
        };
        tracing::warn!("{}: {}", notice.regarding, notice.text);
        if self.out.notice(notice).is_err() {
            self.lost("notice_queue_full", 1);
        }
    }

    fn lost(&mut self, reason: &'static str, count: u64) {
        self.losses.add(reason, count);
        self.metrics.events.lost(reason, count);
    }
}

impl<O: Out> Sink for Teller<O> {
    fn finished(&mut self, finished: &Finished) {
        self.metrics.finished(finished);
        self.misroutes.finished(finished, &self.journal, &self.clock);
        self.notice(finished);
        let is_mismatch = |verdict| matches!(verdict, Verdict::Mismatch(_));
        let wrong = finished
            .judgement
            .as_ref()
            .is_some_and(|judgement| is_mismatch(judgement.verdict));
        if self.shown == Shown::All || wrong && self.shown == Shown::Mismatches {
            self.line(&Report::Decision(finished));
        }
        if wrong && self.out.keeps_mismatches() {
            self.keep(finished);
        }
    }

    fn converged(&mut self, gateway: &ObjectName, lag: Duration) {
        self.metrics.convergence.converged(gateway, lag);
    }

    fn weighed(&mut self, weighed: &Weighed) {
        self.metrics.decisions.weighed(weighed);
        match &weighed.news {
            WeightNews::Skewed(report) => tracing::warn!("weights of {} are not honoured: {report}", title(weighed)),
            WeightNews::Honoured(report) => {
                tracing::info!("weights of {} are honoured again: {report}", title(weighed));
            }
            WeightNews::Watched | WeightNews::Ended => return,
        }
        self.line(&Report::WeightSkew(weighed));
    }
}

/// The rule of a piece of news, for a log line.
fn title(weighed: &Weighed) -> String {
    let rule = &weighed.rule;
    format!(
        "{} {} rule {} at {}",
        rule.kind.as_str(),
        rule.route,
        rule.rule,
        rule.gateway
    )
}
