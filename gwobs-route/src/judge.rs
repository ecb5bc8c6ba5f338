//! Whether the gateway did what the specs say.
//!
//! A mismatch needs proof: whatever may have another reason is left open, with that reason.

mod address;
mod filters;
mod forward;
mod mirrors;
mod observed;
mod reply;
mod upstream;

pub(crate) use filters::is_left_alone;
pub use upstream::judge_upstream;

use std::collections::BTreeSet;

use crate::{
    Action, Attempt, Decision, Inconclusive, Judgement, Mismatch, Observation, Purpose, Request, RouteRef, Snapshot,
    Verdict,
};

/// Judges what a gateway did with a request. `decision` must come from this `snapshot` and this `request`.
#[must_use]
pub fn judge(
    snapshot: &Snapshot,
    decision: &Decision,
    request: &Request<'_>,
    observation: &Observation<'_>,
) -> Judgement {
    let case = Case {
        snapshot,
        decision,
        request,
        observation,
    };
    let mut findings = Findings::default();
    match &decision.action {
        Action::Forward { .. } => forward::judge(&case, &mut findings),
        Action::Redirect(target) => reply::judge_redirect(&case, target, &mut findings),
        Action::Respond { status, .. } => reply::judge_respond(&case, *status, &mut findings),
        Action::Reject => reply::judge_reject(&case, &mut findings),
    }
    findings.conclude(&decision.caveats)
}

/// Everything that a judgement looks at.
#[derive(Clone, Copy)]
struct Case<'a> {
    snapshot: &'a Snapshot,
    decision: &'a Decision,
    request: &'a Request<'a>,
    observation: &'a Observation<'a>,
}

impl<'a> Case<'a> {
    /// The attempts that carried the request itself, as far as is known.
    fn routed(&self) -> impl Iterator<Item = &'a Attempt<'a>> {
        let is_routed = |attempt: &&Attempt<'_>| !matches!(attempt.purpose, Purpose::Mirror | Purpose::Auth);
        self.observation.attempts.iter().filter(is_routed)
    }
}

/// What speaks against the gateway, and what is left open.
#[derive(Default)]
struct Findings {
    wrong: BTreeSet<Mismatch>,
    open: BTreeSet<Inconclusive>,
    observed_route: Option<RouteRef>,
}

impl Findings {
    fn wrong(&mut self, reason: Mismatch) {
        self.wrong.insert(reason);
    }

    fn open(&mut self, reason: Inconclusive) {
        self.open.insert(reason);
    }

    /// A decision with caveats never accuses.
    fn conclude(self, caveats: &[Inconclusive]) -> Judgement {
        let caveat = caveats.iter().min().filter(|_| !self.wrong.is_empty());
        let mut wrong = self.wrong.iter();
        let verdict = match (caveat, wrong.next(), self.open.first()) {
            (Some(&caveat), _, _) => Verdict::Inconclusive(caveat),
            (None, Some(&reason), _) => Verdict::Mismatch(reason),
            (None, None, Some(&reason)) => Verdict::Inconclusive(reason),
            (None, None, None) => Verdict::Match,
        };
        let proven = matches!(verdict, Verdict::Mismatch(_));
        let also = wrong.map(|reason| reason.as_str()).filter(|_| proven).collect();
        Judgement {
            verdict,
            also,
            observed_route: self.observed_route.filter(|_| proven),
        }
    }
}
