//! Are the weights of rules honoured? Finished requests go into the test of `gwobs_route::weights`; what it finds goes
//! to the sinks.
//!
//! **Which requests count must not depend on where they went**, or the shares would shift by themselves. So a request
//! counts if all snapshots that it may have been routed by give it the same rule with the same weights, which depends on
//! the request alone. That leaves out the time around a change. Where the backend is not certain the request counts as
//! of unknown backend, which the test takes as whatever speaks most for the gateway.
//!
//! **A skew is held** like a mismatch: the gateway may follow newer weights already, which the agent has not seen.

use std::collections::BTreeMap;

use gwobs_route::weights::{Ledger, Monitor, Outcome, RuleKey};
use gwobs_route::{Action, BackendChoice, BackendName, Decision, Endpoints, Origin, Purpose, RouteRef, Snapshot};

use super::finish::Report;
use super::sink::Sink;
use crate::event::Timestamp;
use crate::finished::Finished;
use crate::weighed::{Weighed, WeightNews};

/// How often the tests are looked at, in nanoseconds: people and dashboards need no more.
const LOOK_INTERVAL: u64 = 1_000_000_000;

/// The tests of all rules, and what was told of them.
#[derive(Debug)]
pub(super) struct Weighing {
    ledger: Ledger,
    hold: u64,
    /// The rules under test that were told of, and whether as skewed.
    told: BTreeMap<RuleKey, bool>,
    looked: Timestamp,
}

impl Weighing {
    /// `hold`: how long a skew is kept back, in nanoseconds.
    pub(super) fn new(hold: u64) -> Self {
        Self {
            // Requests that may have been routed by other weights are left out, for as long as the convergence window is.
            ledger: Ledger::of_settled(),
            hold,
            told: BTreeMap::new(),
            looked: Timestamp::default(),
        }
    }

    /// Counts a finished request. `newest`: the snapshot in force.
    pub(super) fn take(&mut self, report: &Report, newest: &Snapshot) {
        let Some(decision) = report.finished.decision.as_deref().filter(|_| report.steady) else {
            return;
        };
        let Action::Forward { backends, .. } = &decision.action else {
            return;
        };
        if is_tested(decision, newest) {
            let outcome = outcome(report, backends);
            self.ledger.observe(decision, outcome, report.decided.0);
        }
    }

    /// Other specs are in force: rules that are gone are forgotten, and those with other backends begin anew.
    pub(super) fn renew(&mut self, before: Option<&Snapshot>, now: &Snapshot) {
        self.ledger.retain(|key| now.rule(&reference(key)).is_some());
        self.ledger.rest(|key| {
            let backends = |snapshot: &Snapshot| snapshot.rule(&reference(key)).map(|rule| rule.backends.clone());
            before.and_then(backends) != backends(now)
        });
    }

    /// Tells what is new, once a second.
    pub(super) fn look(&mut self, now: Timestamp, newest: Option<&Snapshot>, sink: &mut impl Sink) {
        if now.0.saturating_sub(self.looked.0) >= LOOK_INTERVAL {
            self.tell(now, self.hold, newest, sink);
        }
    }

    /// Tells what is new for the last time, what is held too.
    pub(super) fn finish(&mut self, now: Timestamp, newest: Option<&Snapshot>, sink: &mut impl Sink) {
        self.tell(now, 0, newest, sink);
    }

    fn tell(&mut self, now: Timestamp, hold: u64, newest: Option<&Snapshot>, sink: &mut impl Sink) {
        self.looked = now;
        let mut before = std::mem::take(&mut self.told);
        for (key, monitor) in self.ledger.monitors() {
            let known = before.remove(key);
            let (skewed, news) = compare(known, monitor, now.0.saturating_sub(hold));
            for news in news {
                sink.weighed(&weighed(now, key, newest, news));
            }
            self.told.insert(key.clone(), skewed);
        }
        for key in before.into_keys() {
            sink.weighed(&weighed(now, &key, newest, WeightNews::Ended));
        }
    }
}

/// Whether a rule counts as skewed, and what is new about it. `known`: what it was told as; `until`: skews proven later
/// are still held.
fn compare(known: Option<bool>, monitor: &Monitor, until: u64) -> (bool, Vec<WeightNews>) {
    let mut news = Vec::new();
    if known.is_none() {
        news.push(WeightNews::Watched);
    }
    let was_skewed = known.unwrap_or(false);
    let is_skewed = monitor.is_skewed();
    if !is_skewed && was_skewed {
        news.push(WeightNews::Honoured(monitor.report()));
    }
    if !is_skewed || was_skewed {
        return (is_skewed, news);
    }
    let report = monitor.report();
    let is_due = report.skew.is_some_and(|skew| skew.at <= until);
    if is_due {
        news.push(WeightNews::Skewed(report));
    }
    (is_due, news)
}

fn weighed(time: Timestamp, key: &RuleKey, newest: Option<&Snapshot>, news: WeightNews) -> Weighed {
    let rule = newest.and_then(|snapshot| snapshot.rule(&reference(key)));
    Weighed {
        time,
        rule: key.clone(),
        rule_name: rule.and_then(|rule| rule.name.clone()),
        news,
    }
}

/// The rule as snapshots know it.
fn reference(key: &RuleKey) -> RouteRef {
    RouteRef {
        kind: key.kind,
        route: key.route.clone(),
        rule: key.rule,
        matched: 0,
        rule_name: None,
    }
}

/// Sessions stay with their backend, so their requests are not drawn by weight.
fn is_tested(decision: &Decision, newest: &Snapshot) -> bool {
    let rule = decision.route.as_ref().and_then(|route| newest.rule(route));
    rule.is_some_and(|rule| rule.session.is_none())
}

/// Where the gateway's draw fell: the first attempt tells, for a retry may leave out what failed.
fn outcome<'a>(report: &'a Report, backends: &[BackendChoice]) -> Outcome<'a> {
    let weighted = || backends.iter().filter(|choice| choice.weight > 0);
    // A gateway may share out what a backend without endpoints would get, or answer 503.
    let lacks_endpoints = weighted().any(|choice| choice.endpoints == Endpoints::NoneReady);
    if !report.certain || lacks_endpoints {
        return Outcome::Unknown;
    }
    let finished = &report.finished;
    match finished.upstreams.iter().find(|call| call.purpose == Purpose::Forward) {
        Some(first) => {
            let is_due =
                |name: &&BackendName| weighted().any(|choice| choice.invalid.is_none() && choice.backend == **name);
            let mut due = first.backend_candidates.iter().filter(is_due);
            match (due.next(), due.next()) {
                (Some(only), None) => Outcome::Backend(only),
                (Some(_), Some(_)) => Outcome::Unknown,
                (None, _) => first.backend.as_ref().map_or(Outcome::Unknown, Outcome::Backend),
            }
        }
        None if weighted().any(|choice| choice.invalid.is_some()) && is_own_500(finished) => Outcome::Invalid,
        None => Outcome::Unknown,
    }
}

fn is_own_500(finished: &Finished) -> bool {
    let own = finished
        .response
        .as_ref()
        .filter(|response| response.origin == Origin::Gateway);
    own.is_some_and(|response| response.head.status == 500) && finished.upstreams.is_empty()
}
