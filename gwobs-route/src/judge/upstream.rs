//! What the upstream side alone can settle, without a readable downstream (`DESIGN.md`, decision 4).

use crate::decide::{decide, explain};
use crate::judge::judge;
use crate::{
    Arrival, Attempt, Considered, Inconclusive, Judgement, Mismatch, Observation, Origin, Request, Response, Snapshot,
    Verdict,
};

/// Judges one upstream call alone. Every request that the client may have sent is looked at: the one that was forwarded, and
/// those that a rewritten prefix can have made it of, by whichever rule. If the call is right for all of them it is a match;
/// if it is wrong for all of them, in the same way, a mismatch. Otherwise, and where the originals cannot be told (a host, a
/// whole path or a header that decides may have been another), it stays [`Inconclusive::Unpaired`]. It stays so too where a
/// header that is not among those forwarded would explain a mismatch: a proxy may have taken it away.
#[must_use]
pub fn judge_upstream(snapshot: &Snapshot, arrival: &Arrival, attempt: &Attempt<'_>, at: u64) -> Judgement {
    let originals = attempt
        .request
        .and_then(|sent| Some((sent, snapshot.transforms_at(arrival)?.originals(&sent)?)));
    let judgements = originals.into_iter().flat_map(|(sent, targets)| {
        let one = |target: String| {
            let original = Request {
                path: Some(&target),
                ..sent
            };
            judge_original(snapshot, arrival, attempt, &original, at)
        };
        targets.into_iter().map(one).collect::<Vec<_>>()
    });
    agreed(judgements)
}

/// What all of them say.
fn agreed(mut judgements: impl Iterator<Item = Judgement>) -> Judgement {
    let Some(mut first) = judgements.next() else {
        return open();
    };
    for other in judgements {
        if other.verdict != first.verdict || other.also != first.also {
            return open();
        }
        first.observed_route = first
            .observed_route
            .filter(|route| other.observed_route.as_ref() == Some(route));
    }
    first
}

fn open() -> Judgement {
    Judgement {
        verdict: Verdict::Inconclusive(Inconclusive::Unpaired),
        also: Vec::new(),
        observed_route: None,
    }
}

fn judge_original(
    snapshot: &Snapshot,
    arrival: &Arrival,
    attempt: &Attempt<'_>,
    original: &Request<'_>,
    at: u64,
) -> Judgement {
    let decision = decide(snapshot, arrival, original);
    let response = Some(Response {
        status: attempt.status.unwrap_or(200),
        origin: Origin::Upstream,
        headers: &[],
    });
    let attempts = [*attempt];
    let observation = Observation {
        attempts: &attempts,
        response,
        at,
    };
    let judgement = judge(snapshot, &decision, original, &observation);
    match judgement.verdict {
        // Copies of the request go elsewhere, unseen from here.
        Verdict::Mismatch(Mismatch::WrongMirror) => open(),
        Verdict::Mismatch(_) if other_headers_explain(snapshot, arrival, attempt, original) => open(),
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
