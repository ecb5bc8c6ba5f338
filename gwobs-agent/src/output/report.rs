//! What `observe` has to say, before it takes the form of JSON or of a table.

use std::collections::BTreeMap;

use gwobs_route::{Inconclusive, Mismatch};

use crate::connections::HandshakeFailure;
use crate::event::Timestamp;
use crate::finished::Finished;
use crate::weighed::Weighed;

/// One thing to say.
#[derive(Debug)]
pub enum Report<'a> {
    /// Probes are attached.
    Ready(&'a Ready),
    /// The gateway finished with a request.
    Decision(&'a Finished),
    /// The weights of a rule are not honoured, or are honoured again.
    WeightSkew(&'a Weighed),
    /// Something could not be seen.
    Lost(&'a LostReport),
    /// The end.
    Summary(&'a Summary),
}

/// Probes are attached: every request whose first byte is read from now on is observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// When.
    pub time: Timestamp,
    /// The processes that are followed.
    pub processes: Vec<ObservedProcess>,
    /// The probes that are attached.
    pub probes: Vec<String>,
}

/// A process that is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedProcess {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub name: String,
    /// What it is.
    pub data_plane: DataPlane,
}

/// The data planes that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataPlane {
    /// Envoy
    Envoy,
    /// NGINX
    Nginx,
    /// HAProxy
    Haproxy,
    /// Traefik
    Traefik,
    /// Something else.
    Unknown,
}

impl DataPlane {
    /// The public name, as in JSONL and metric labels.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
            Self::Unknown => "unknown",
        }
    }

    /// What a command of this name is: distributions add prefixes and suffixes (`envoy-static`, `nginx-debug`).
    #[must_use]
    pub fn of_command(name: &str) -> Self {
        [Self::Envoy, Self::Nginx, Self::Haproxy, Self::Traefik]
            .into_iter()
            .find(|plane| name.contains(plane.as_str()))
            .unwrap_or(Self::Unknown)
    }
}

/// Counts of what could not be seen, by reason.
pub type LostCounts = BTreeMap<&'static str, u64>;

/// What could not be seen in an interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostReport {
    /// Begin of the interval.
    pub since: Timestamp,
    /// End of the interval.
    pub time: Timestamp,
    /// How much, by reason.
    pub counts: LostCounts,
}

/// The whole run in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub time: Timestamp,
    /// Requests that the gateway finished with.
    pub finished: u64,
    /// Requests still open at the end.
    pub open: u64,
    /// Requests that were finished without specs to judge them by.
    pub unjudged: u64,
    /// Verdicts `match`.
    pub matched: u64,
    /// Verdicts `mismatch` by reason.
    pub mismatched: BTreeMap<Mismatch, u64>,
    /// Verdicts `inconclusive` by reason.
    pub inconclusive: BTreeMap<Inconclusive, u64>,
    /// Kernel events.
    pub events: u64,
    /// What could not be seen, by reason.
    pub lost: LostCounts,
    /// TLS handshakes that failed.
    pub handshake_failures: BTreeMap<HandshakeFailure, u64>,
}

impl Summary {
    /// Number of mismatches.
    #[must_use]
    pub fn mismatches(&self) -> u64 {
        self.mismatched.values().sum()
    }

    /// Number of inconclusive verdicts.
    #[must_use]
    pub fn undecided(&self) -> u64 {
        self.inconclusive.values().sum()
    }

    /// Share of the finished requests that were decided, 0 to 1; `None` if nothing was to be judged.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio; counts beyond 2^53 do not occur")]
    pub fn coverage(&self) -> Option<f64> {
        let decided = self.matched + self.mismatches();
        let judged = decided + self.undecided();
        (judged > 0).then(|| decided as f64 / judged as f64)
    }
}
