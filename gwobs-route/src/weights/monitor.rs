//! The weights of one rule, watched.

use super::detector::{Alarm, Detector};
use super::report::Report;
use super::shares::Shares;
use crate::BackendName;

#[cfg(test)]
mod tests;

/// Where a request of a rule went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// The gateway chose this backend.
    Backend(&'a BackendName),
    /// The gateway answered 500 without an attempt: the share of invalid references.
    Invalid,
    /// The rule won, but which backend was chosen could not be seen (a reply of the gateway's own, lost events, several
    /// candidates).
    Unknown,
}

/// How the test is run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Chance that a rule whose weights are honoured ever raises an alarm; more than 0, less than 1.
    pub false_alarm_rate: f64,
    /// A window ends when it is at least this old, in nanoseconds, …
    pub window: u64,
    /// … and has at least so many requests: rules with little traffic need longer.
    pub window_requests: u64,
    /// After weights change, requests of so many nanoseconds are left out: gateways follow the specs later.
    pub settle: u64,
}

impl Default for Settings {
    /// One false alarm in a thousand rules, ever; windows of 5 minutes and 1,000 requests; 10 s to settle, as the agent's
    /// convergence window.
    fn default() -> Self {
        const SECOND: u64 = 1_000_000_000;
        Self {
            false_alarm_rate: 0.001,
            window: 300 * SECOND,
            window_requests: 1_000,
            settle: 10 * SECOND,
        }
    }
}

/// Settings that make no test.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// The rate is no probability strictly between 0 and 1.
    #[error("a false-alarm rate of {0} is not between 0 and 1")]
    Rate(f64),
}

impl Settings {
    /// # Errors
    /// If the false-alarm rate is not strictly between 0 and 1.
    pub fn check(self) -> Result<Self, SettingsError> {
        let rate = self.false_alarm_rate;
        if rate > 0.0 && rate < 1.0 {
            Ok(self)
        } else {
            Err(SettingsError::Rate(rate))
        }
    }
}

/// Watches the weights of one rule. Its size does not grow with requests.
#[derive(Debug, Clone)]
pub struct Monitor {
    settings: Settings,
    shares: Shares,
    /// Requests before this time are left out, nanoseconds.
    settled: u64,
    /// Since the weights changed: finds small skews that last.
    lasting: Detector,
    /// In windows: finds quickly what began lately.
    recent: Detector,
    /// Requests that went to backends of weight 0 or of no share, since the weights changed.
    outside: u64,
    /// Requests of unknown backend, since the weights changed.
    unknown: u64,
}

impl Monitor {
    /// Begins to watch at `now`, nanoseconds on any clock that does not go back.
    ///
    /// # Errors
    /// If the settings make no test.
    pub fn new(settings: Settings, shares: Shares, now: u64) -> Result<Self, SettingsError> {
        let rate = settings.check()?.false_alarm_rate / 2.0;
        let expected = shares.probabilities();
        Ok(Self {
            settings,
            shares,
            settled: now,
            lasting: Detector::new(rate, expected.clone(), now),
            recent: Detector::new(rate, expected, now),
            outside: 0,
            unknown: 0,
        })
    }

    /// Takes the weights that are in force from `now` on. Other shares begin a new test after the time to settle; the same
    /// shares change nothing.
    pub fn set_shares(&mut self, shares: Shares, now: u64) {
        if shares != self.shares {
            self.begin(shares, now);
        }
    }

    /// Begins a new test of these shares after the time to settle.
    pub(super) fn begin(&mut self, shares: Shares, now: u64) {
        let expected = shares.probabilities();
        self.shares = shares;
        self.settled = now.saturating_add(self.settings.settle);
        self.lasting.reset(expected.clone(), self.settled);
        self.recent.reset(expected, self.settled);
        self.outside = 0;
        self.unknown = 0;
    }

    /// Counts a request decided at `now`.
    pub fn observe(&mut self, outcome: Outcome<'_>, now: u64) {
        if now < self.settled {
            return;
        }
        let position = match outcome {
            Outcome::Backend(backend) => self.shares.position(backend),
            Outcome::Invalid => self.shares.invalid_position(),
            Outcome::Unknown => {
                self.unknown += 1;
                return self.test(None, now);
            }
        };
        match position {
            Some(position) => self.test(Some(position), now),
            None => self.outside += 1,
        }
    }

    fn test(&mut self, position: Option<usize>, now: u64) {
        if self.window_is_over(now) {
            self.recent.restart(now);
        }
        self.lasting.add(position, now);
        self.recent.add(position, now);
    }

    fn window_is_over(&self, now: u64) -> bool {
        now.saturating_sub(self.recent.began()) >= self.settings.window
            && self.recent.run().requests() >= self.settings.window_requests
    }

    /// True if the observed shares are not the expected ones.
    #[must_use]
    pub fn is_skewed(&self) -> bool {
        self.alarm().is_some()
    }

    /// The expected shares.
    #[must_use]
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// The numbers as they are now.
    #[must_use]
    pub fn report(&self) -> Report {
        let evidence = self.alarm().map_or(self.recent.run(), |alarm| &alarm.evidence);
        Report::new(
            &self.shares,
            evidence,
            self.alarm().map(|alarm| alarm.at),
            self.outside,
            self.unknown,
        )
    }

    fn alarm(&self) -> Option<&Alarm> {
        self.recent.alarm().or_else(|| self.lasting.alarm())
    }
}
