//! What the upstream side alone can settle, without a readable downstream (`DESIGN.md`, decision 4).

use crate::decide::{decide, explain};
use crate::judge::judge;
use crate::{
    Arrival, Attempt, Considered, Inconclusive, Judgement, Mismatch, Observation, Origin, Request, Response, Snapshot,
    Verdict,
};

/// Judges one upstream call alone. It is settled only if nothing but the forwarded request itself can have been what the
/// client sent; where any rule may have rewritten another request into it, or a header that decides is one that filters or
/// proxies change, the call stays [`Inconclusive::Unpaired`]. It stays so too where a header that is not among those
/// forwarded would explain a mismatch: a proxy may have taken it away.
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
        Verdict::Mismatch(_) if other_headers_explain(snapshot, arrival, attempt, &original) => open,
        _ => judgement,
    }
}

/// True if a rule leads there that lost by a header, or lost to one that won by a header.
fn other_headers_explain(snapshot: &Snapshot, arrival: &Arrival, attempt: &Attempt<'_>, request: &Request<'_>) -> bool {
    let (_, considered) = explain(snapshot, arrival, request);
    let has_headers = |one: &Considered| {
        let rule = snapshot.rule(&one.route);
        let matched = rule.and_then(|rule| rule.matches.get(usize::from(one.route.matched)));
        matched.is_some_and(|matched| !matched.headers.is_empty())
    };
    let winner_has_headers = considered.iter().any(|one| one.lost_by.is_none() && has_headers(one));
    let may_win = |one: &&Considered| match one.lost_by.as_deref() {
        None => false,
        Some(lost_by) if lost_by.starts_with("outranked") || lost_by == "hostname" => winner_has_headers,
        Some(lost_by) => lost_by.starts_with("header:"),
    };
    let leads_there = |one: &Considered| {
        let rule = snapshot.rule(&one.route);
        let mut backends = rule.into_iter().flat_map(|rule| &rule.backends);
        backends.any(|backend| {
            let service = backend.target.resolve(&one.route.route.namespace);
            snapshot.cluster.is_of_service(&service, attempt.address.ip())
        })
    };
    considered.iter().filter(may_win).any(leads_there)
}

fn is_original(snapshot: &Snapshot, arrival: &Arrival, request: &Request<'_>) -> bool {
    snapshot
        .transforms_at(arrival)
        .is_some_and(|transforms| transforms.is_original(request))
}
