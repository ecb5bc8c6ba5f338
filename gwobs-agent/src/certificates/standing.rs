//! What is served compared with what is due, over time.
//!
//! A gateway takes a moment to follow its Secret, and a pod to start: only what is still so after the grace is a problem.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gwobs_route::model::Certificate;

use super::due::Due;

#[cfg(test)]
mod tests;

/// What a handshake showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// This certificate.
    Served(Arc<Certificate>),
    /// None.
    Failed(Failure),
}

/// Why a handshake showed no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Nobody answers there.
    Unreachable,
    /// It took too long.
    Late,
    /// The gateway refused it with an alert.
    Refused,
    /// What answers does not speak TLS.
    NotTls,
    /// The connection ended, or what came breaks the protocol.
    Broken,
    /// The certificate does not fit its key, or is none.
    BadCertificate,
}

impl Failure {
    /// A name for labels and log lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Late => "late",
            Self::Refused => "refused",
            Self::NotTls => "not_tls",
            Self::Broken => "broken",
            Self::BadCertificate => "bad_certificate",
        }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// What is served is not what the Secret holds.
    Stale,
    /// What is served is no longer valid.
    Expired,
    /// What is served is not valid yet.
    NotYetValid,
    /// What is served is not for the host.
    NameMismatch,
    /// No handshake succeeds.
    HandshakeFailing,
    /// The pod does not answer at the listener's port.
    Unreachable,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Stale,
        Self::Expired,
        Self::NotYetValid,
        Self::NameMismatch,
        Self::HandshakeFailing,
        Self::Unreachable,
    ];

    /// Its name as a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::NameMismatch => "name_mismatch",
            Self::HandshakeFailing => "handshake_failing",
            Self::Unreachable => "unreachable",
        }
    }

    fn of(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => Self::Unreachable,
            _ => Self::HandshakeFailing,
        }
    }
}

/// What is known of a certificate that is due. Times are in seconds since 1970 UTC.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    served: Option<Arc<Certificate>>,
    failure: Option<Failure>,
    /// What seems to be wrong, and since when.
    since: BTreeMap<Problem, i64>,
    confirmed: BTreeSet<Problem>,
}

impl Standing {
    /// The last certificate that was served, if it is not known to be gone.
    #[must_use]
    pub fn served(&self) -> Option<&Arc<Certificate>> {
        self.served.as_ref()
    }

    /// Why the last handshake failed, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    /// What is wrong.
    #[must_use]
    pub fn problems(&self) -> &BTreeSet<Problem> {
        &self.confirmed
    }

    /// Since when something is wrong.
    #[must_use]
    pub fn since(&self, problem: Problem) -> Option<i64> {
        self.since.get(&problem).copied()
    }

    /// True if something seems to be wrong that only another look will settle.
    #[must_use]
    pub fn is_unsettled(&self) -> bool {
        self.since.keys().any(|problem| !self.confirmed.contains(problem))
    }

    /// Something else is due from now on.
    pub fn expect(&mut self, due: &Due, now: i64) {
        self.compare(due, now);
    }

    /// A handshake showed this. `grace`: how long something may be so before it is wrong, in seconds.
    pub fn see(&mut self, due: &Due, sight: &Sight, now: i64, grace: i64) {
        match sight {
            Sight::Served(certificate) => {
                self.served = Some(Arc::clone(certificate));
                self.failure = None;
            }
            Sight::Failed(failure) => self.failure = Some(*failure),
        }
        self.compare(due, now);
        let lasting = self.since.iter().filter(|(_, since)| now - **since >= grace);
        self.confirmed = lasting.map(|(problem, _)| *problem).collect();
        if self
            .failure
            .is_some_and(|failure| self.confirmed.contains(&Problem::of(failure)))
        {
            // What was served before says nothing any more.
            self.served = None;
            self.compare(due, now);
        }
    }

    fn compare(&mut self, due: &Due, now: i64) {
        let mut present = self
            .served
            .as_ref()
            .map(|served| faults(served, due, now))
            .unwrap_or_default();
        present.extend(self.failure.map(Problem::of));
        self.since.retain(|problem, _| present.contains(problem));
        for problem in present {
            self.since.entry(problem).or_insert(now);
        }
        self.confirmed.retain(|problem| self.since.contains_key(problem));
    }
}

/// What is wrong with a certificate that is served.
fn faults(served: &Arc<Certificate>, due: &Due, now: i64) -> BTreeSet<Problem> {
    let is = |other: &Arc<Certificate>| other.fingerprint == served.fingerprint;
    let differs = due.expected.as_ref().is_some_and(|expected| !is(expected)) && !due.others.iter().any(is);
    let foreign = due.server_name.as_ref().is_some_and(|name| !served.is_for(name));
    let faults = [
        (Problem::Stale, differs),
        (Problem::Expired, now > served.not_after),
        (Problem::NotYetValid, now < served.not_before),
        (Problem::NameMismatch, foreign),
    ];
    faults
        .into_iter()
        .filter(|(_, is)| *is)
        .map(|(problem, _)| problem)
        .collect()
}
