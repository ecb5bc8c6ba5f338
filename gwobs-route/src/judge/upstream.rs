//! What the upstream side alone can settle, without a readable downstream (`DESIGN.md`, decision 4).

use crate::judge::judge;
use crate::{
    Arrival, Attempt, Inconclusive, Judgement, Mismatch, Observation, Origin, Request, Response, Snapshot, Verdict,
    decide,
};

/// Judges one upstream call alone. It is settled only if nothing but the forwarded request itself can have been what the
/// client sent; where any rule may have rewritten another request into it, or a header that decides is one that filters or
/// proxies change, the call stays [`Inconclusive::Unpaired`].
#[must_use]
pub fn judge_upstream(snapshot: &Snapshot, arrival: &Arrival, attempt: &Attempt<'_>, at: u64) -> Judgement {
    let verdict = Verdict::Inconclusive(Inconclusive::Unpaired);
    let open = Judgement {
        verdict,
        also: Vec::new(),
        observed_route: None,
    };
    let Some(original) = attempt
        .request
        .filter(|request| is_original(snapshot, arrival, request))
    else {
        return open;
    };
    let decision = decide(snapshot, arrival, &original);
    let response = Some(Response {
        status: attempt.status.unwrap_or(200),
        origin: Origin::Upstream,
        headers: &[],
    });
    let attempts = [*attempt];
    let judgement = judge(
        snapshot,
        &decision,
        &original,
        &Observation {
            attempts: &attempts,
            response,
            at,
        },
    );
    match judgement.verdict {
        // Copies of the request go elsewhere, unseen from here.
        Verdict::Mismatch(Mismatch::WrongMirror) => open,
        _ => judgement,
    }
}

fn is_original(snapshot: &Snapshot, arrival: &Arrival, request: &Request<'_>) -> bool {
    snapshot
        .transforms_at(arrival)
        .is_some_and(|transforms| transforms.is_original(request))
}
