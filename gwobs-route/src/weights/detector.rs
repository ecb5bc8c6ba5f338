//! One test that runs again and again, and the alarm that stands while the skew lasts.

use super::evidence::Evidence;

#[cfg(test)]
mod tests;

/// Requests before a run may alarm. The mathematics does not need it; gateways with several workers do, whose first
/// round-robin turns all fall on the heaviest backend.
pub(super) const WARM_UP: u64 = 50;

/// An alarm is withdrawn after this many times the requests it took, without a new one: a fresh run of a lasting skew
/// may well need more requests than the first, and the alarm should not flicker.
const CALM_FACTOR: u64 = 4;

/// Runs one after the other that share a false-alarm rate.
#[derive(Debug, Clone)]
pub(super) struct Detector {
    /// Chance of any false alarm in the whole life of the detector.
    rate: f64,
    /// Runs begun so far, this one included.
    runs: u64,
    run: Evidence,
    began: u64,
    alarm: Option<Alarm>,
}

/// A skew that was found and has not gone away.
#[derive(Debug, Clone)]
pub(super) struct Alarm {
    /// The evidence that raised it.
    pub(super) evidence: Evidence,
    /// When, nanoseconds.
    pub(super) at: u64,
    /// Requests since then.
    since: u64,
}

impl Alarm {
    /// Counts a request without a new alarm; true if there were enough of them.
    fn calms_down(&mut self) -> bool {
        self.since += 1;
        self.since >= self.evidence.requests().saturating_mul(CALM_FACTOR)
    }
}

impl Detector {
    pub(super) fn new(rate: f64, expected: Vec<f64>, now: u64) -> Self {
        Self {
            rate,
            runs: 1,
            run: Evidence::new(expected),
            began: now,
            alarm: None,
        }
    }

    /// Begins anew with other expected shares; what was found about the old ones no longer holds.
    pub(super) fn reset(&mut self, expected: Vec<f64>, now: u64) {
        self.begin(Evidence::new(expected), now);
        self.alarm = None;
    }

    /// Begins anew with the same expected shares; a standing alarm stands on.
    pub(super) fn restart(&mut self, now: u64) {
        self.begin(self.run.afresh(), now);
    }

    fn begin(&mut self, run: Evidence, now: u64) {
        self.run = run;
        self.runs = self.runs.saturating_add(1);
        self.began = now;
    }

    /// Counts a request; `None` if its backend is not known.
    pub(super) fn add(&mut self, position: Option<usize>, now: u64) {
        match position {
            Some(position) => self.run.add(position),
            None => self.run.add_unknown(),
        }
        if self.is_due() {
            self.raise(now);
        } else if self.alarm.as_mut().is_some_and(Alarm::calms_down) {
            self.alarm = None;
        }
    }

    fn raise(&mut self, now: u64) {
        let alarm = Alarm {
            evidence: self.run.clone(),
            at: now,
            since: 0,
        };
        self.alarm = Some(alarm);
        self.restart(now);
    }

    fn is_due(&self) -> bool {
        self.run.requests() >= WARM_UP && self.run.against_expected() >= self.threshold()
    }

    /// `-ln` of this run's part of the rate: `rate / (k (k + 1))` for the k-th run. They sum to `rate`.
    #[expect(clippy::cast_precision_loss, reason = "a threshold needs no exact count of runs")]
    fn threshold(&self) -> f64 {
        let runs = self.runs as f64;
        runs.ln() + (runs + 1.0).ln() - self.rate.ln()
    }

    pub(super) fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }

    /// The run that is going on.
    pub(super) fn run(&self) -> &Evidence {
        &self.run
    }

    /// When the run began, nanoseconds.
    pub(super) fn began(&self) -> u64 {
        self.began
    }
}
