//! From what each snapshot says to one verdict (`DESIGN.md`, decision 6).

use std::sync::Arc;

use gwobs_route::{Action, Decision, Inconclusive, Verdict};

use super::{ByOne, Judged};
use crate::event::Timestamp;

/// Agreeing with any snapshot is no mismatch; where some snapshot leaves it open, it is open; only what all of them
/// call a mismatch is one. `verdicts`: newest first, of a request routed at `at`; `None` if there are none.
pub(super) fn conclude(at: Timestamp, mut verdicts: Vec<ByOne<'_>>) -> Option<Judged<'_>> {
    let in_force = |one: &ByOne<'_>| one.live.until.is_none_or(|until| until > at);
    let differ = verdicts.iter().any(ByOne::is_open) && !verdicts.iter().all(ByOne::is_open);
    let steady = is_steady(&verdicts);
    let chosen = verdicts
        .iter()
        .position(ByOne::is_match)
        .or_else(|| verdicts.iter().position(ByOne::is_open))
        // All of them call it a mismatch: the one in force tells which.
        .or_else(|| verdicts.iter().rposition(in_force))?;
    let ByOne {
        live,
        door,
        decision,
        mut judgement,
    } = verdicts.swap_remove(chosen);
    let is_match = judgement.verdict == Verdict::Match;
    if differ && !is_match {
        judgement.verdict = Verdict::Inconclusive(Inconclusive::ConfigInFlux);
    }
    Some(Judged {
        lag: live.lag(at).filter(|_| is_match),
        live: Some(live),
        door: Some(door),
        decision: decision.map(Arc::new),
        judgement,
        steady,
    })
}

/// True if all snapshots give the request the same rule with the same weights.
fn is_steady(verdicts: &[ByOne<'_>]) -> bool {
    let mut decisions = verdicts.iter().map(|one| one.decision.as_ref());
    let Some(Some(first)) = decisions.next() else {
        return false;
    };
    decisions.all(|other| other.is_some_and(|other| same_draw(first, other)))
}

/// True if two decisions draw the backend of a request in the same way.
fn same_draw(one: &Decision, other: &Decision) -> bool {
    let (Action::Forward { backends: left, .. }, Action::Forward { backends: right, .. }) =
        (&one.action, &other.action)
    else {
        return false;
    };
    let same_rule = one
        .route
        .as_ref()
        .zip(other.route.as_ref())
        .is_some_and(|(one, other)| one.kind == other.kind && one.route == other.route && one.rule == other.rule);
    let draws = left.iter().zip(right);
    same_rule
        && one.arrival.front == other.arrival.front
        && left.len() == right.len()
        && draws.into_iter().all(|(one, other)| {
            one.backend == other.backend && one.weight == other.weight && one.invalid == other.invalid
        })
}
