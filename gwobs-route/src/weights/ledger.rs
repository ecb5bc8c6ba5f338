//! The monitors of all rules, bounded.

use std::collections::BTreeMap;

use super::monitor::{Monitor, Outcome, Settings, SettingsError};
use super::shares::Shares;
use crate::{Action, BackendChoice, Decision, ObjectName, RouteKind};

#[cfg(test)]
mod tests;

/// Rules watched at most: at about 2 KiB each, 20 MiB. Further rules are counted and not watched.
pub const MAX_RULES: usize = 10_000;

/// A rule of a route, at one Gateway: each Gateway has a data plane of its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleKey {
    /// The Gateway.
    pub gateway: ObjectName,
    /// Kind of the route.
    pub kind: RouteKind,
    /// The route.
    pub route: ObjectName,
    /// Index of the rule, from 0.
    pub rule: u16,
}

/// The monitors of all rules that were seen to forward to more than one backend.
#[derive(Debug, Default)]
pub struct Ledger {
    settings: Settings,
    rules: BTreeMap<RuleKey, Entry>,
    not_watched: u64,
}

#[derive(Debug)]
struct Entry {
    /// The newest snapshot that was heard of.
    generation: u64,
    monitor: Monitor,
    /// False while the rule's shares cannot be tested or are not known. The monitor is kept: its promise is for the rule's
    /// whole life.
    active: bool,
}

impl Ledger {
    /// # Errors
    /// If the settings make no test.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: settings.check()?,
            rules: BTreeMap::new(),
            not_watched: 0,
        })
    }

    /// The default test, for callers that leave out the time around a change of weights themselves.
    #[must_use]
    pub fn of_settled() -> Self {
        let settings = Settings {
            settle: 0,
            ..Settings::default()
        };
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Counts a request: what was due, and where it went. `now` is in nanoseconds, of the request; some may come a little
    /// late. Rules with session persistence must not be passed: their requests are not independent. Nor must requests be
    /// passed or left out by where they went, which would shift the shares.
    pub fn observe(&mut self, decision: &Decision, outcome: Outcome<'_>, now: u64) {
        let (Some(key), Action::Forward { backends, .. }) = (RuleKey::of(decision), &decision.action) else {
            return;
        };
        match self.rules.get_mut(&key) {
            None => self.begin(key, decision.generation, Shares::of(backends).ok(), outcome, now),
            Some(entry) => entry.take(decision.generation, backends, outcome, now),
        }
    }

    fn begin(&mut self, key: RuleKey, generation: u64, shares: Option<Shares>, outcome: Outcome<'_>, now: u64) {
        let Some(shares) = shares else {
            return;
        };
        if self.rules.len() >= MAX_RULES {
            self.not_watched = self.not_watched.saturating_add(1);
            return;
        }
        let Ok(monitor) = Monitor::new(self.settings, shares, now) else {
            return;
        };
        let mut entry = Entry {
            generation,
            monitor,
            active: true,
        };
        entry.observe(outcome, now);
        self.rules.insert(key, entry);
    }

    /// Forgets rules that are no longer in the specs.
    pub fn retain(&mut self, is_live: impl Fn(&RuleKey) -> bool) {
        self.rules.retain(|key, _| is_live(key));
    }

    /// The weights of these rules have changed: they are not tested until a decision tells the new ones.
    pub fn rest(&mut self, changed: impl Fn(&RuleKey) -> bool) {
        for (_, entry) in self.rules.iter_mut().filter(|(key, _)| changed(key)) {
            entry.active = false;
        }
    }

    /// The monitors, by rule.
    pub fn monitors(&self) -> impl Iterator<Item = (&RuleKey, &Monitor)> {
        self.rules
            .iter()
            .filter(|(_, entry)| entry.active)
            .map(|(key, entry)| (key, &entry.monitor))
    }

    /// Requests of rules beyond [`MAX_RULES`].
    #[must_use]
    pub fn not_watched(&self) -> u64 {
        self.not_watched
    }
}

impl RuleKey {
    /// The rule that decided, if one did, at a Gateway.
    #[must_use]
    pub fn of(decision: &Decision) -> Option<Self> {
        let route = decision.route.as_ref()?;
        Some(Self {
            gateway: decision.arrival.gateway()?.clone(),
            kind: route.kind,
            route: route.route.clone(),
            rule: route.rule,
        })
    }
}

impl Entry {
    /// Takes a decision with its weights. An older one by other weights says nothing about those in force; one by the same
    /// weights counts like all others, for what made it old may depend on the backend (an endpoint that moved).
    fn take(&mut self, generation: u64, backends: &[BackendChoice], outcome: Outcome<'_>, now: u64) {
        if generation > self.generation {
            self.renew(generation, Shares::of(backends).ok(), now);
        }
        let same = || Shares::of(backends).is_ok_and(|shares| shares == *self.monitor.shares());
        if generation == self.generation || same() {
            self.observe(outcome, now);
        }
    }

    fn observe(&mut self, outcome: Outcome<'_>, now: u64) {
        if self.active {
            self.monitor.observe(outcome, now);
        }
    }

    fn renew(&mut self, generation: u64, shares: Option<Shares>, now: u64) {
        self.generation = generation;
        let was_active = self.active;
        self.active = shares.is_some();
        match shares {
            Some(shares) if was_active => self.monitor.set_shares(shares, now),
            Some(shares) => self.monitor.begin(shares, now),
            None => {}
        }
    }
}
