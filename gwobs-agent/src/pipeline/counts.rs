//! The pipeline in numbers; read by whoever exports them.

use std::collections::BTreeMap;

use gwobs_route::{Inconclusive, Judgement, Mismatch, Verdict};

/// The pipeline in numbers, since its start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kernel events taken.
    pub events: u64,
    /// Requests that the gateway finished with.
    pub finished: u64,
    /// Of them: recorded without a verdict, because no Gateway was named or none listens on the port.
    pub unjudged: u64,
    /// Of them: verdicts `match`.
    pub matched: u64,
    /// Of them: verdicts `mismatch`, by reason.
    pub mismatched: BTreeMap<Mismatch, u64>,
    /// Of them: verdicts `inconclusive`, by reason.
    pub inconclusive: BTreeMap<Inconclusive, u64>,
    /// Requests that are open now.
    pub open: u64,
    /// How upstream calls and requests were tied together (`gwobs_pairing_total`).
    pub pairing: BTreeMap<PairingOutcome, u64>,
}

impl Counts {
    /// Counts a finished request.
    pub(super) fn add(&mut self, judgement: Option<&Judgement>) {
        self.finished += 1;
        match judgement.map(|judgement| judgement.verdict) {
            None => self.unjudged += 1,
            Some(Verdict::Match) => self.matched += 1,
            Some(Verdict::Mismatch(reason)) => *self.mismatched.entry(reason).or_default() += 1,
            Some(Verdict::Inconclusive(reason)) => *self.inconclusive.entry(reason).or_default() += 1,
        }
    }

    /// Requests with a verdict of `match` or `mismatch`.
    #[must_use]
    pub fn decided(&self) -> u64 {
        self.matched + self.mismatched.values().sum::<u64>()
    }
}

/// What became of a request or of an upstream call in pairing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PairingOutcome {
    /// A request whose upstream calls are known.
    Paired,
    /// A request that the gateway answered without any upstream call.
    Local,
    /// Requests of which only the counts are known.
    Interchangeable,
    /// A request whose upstream calls stay in doubt.
    Unpaired,
    /// An upstream call that no request can have caused: a health check or the like.
    Unowned,
    /// An upstream call recognised as no route: mirror, health check, authorization, control traffic.
    NoRoute,
    /// A request or call that was dropped because a limit was reached.
    Overflow,
}

impl PairingOutcome {
    /// The public name, as the metric label `outcome`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Local => "local",
            Self::Interchangeable => "interchangeable",
            Self::Unpaired => "unpaired",
            Self::Unowned => "unowned",
            Self::NoRoute => "no_route",
            Self::Overflow => "overflow",
        }
    }
}
