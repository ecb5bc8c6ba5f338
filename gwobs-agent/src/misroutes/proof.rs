//! What the rules say about a request, and why.

use gwobs_http::RequestHead;
use gwobs_route::{Snapshot, explain};

use super::condition::condition;
use super::key;
use super::wire::Considered;
use crate::finished::Finished;
use crate::pipeline::{Fields, Target};

/// Matches shown of those that came into question: a Gateway may have thousands, and the first ones tell.
const MAX_CONSIDERED: usize = 8;

/// What came into question, the winner first, then what the gateway followed, then what matches too. Empty if the request was
/// judged by other specs, or is not fully known.
pub(super) fn considered(finished: &Finished, specs: &Snapshot) -> Vec<Considered> {
    let (Some(decision), Some(head)) = (finished.decision.as_deref(), &finished.request) else {
        return Vec::new();
    };
    if decision.generation != specs.generation() || !is_known(head) {
        return Vec::new();
    }
    let sni = finished.downstream.as_ref().and_then(|own| own.sni.as_deref());
    let (fields, target) = (Fields::of(&head.headers), Target::of(head).with_sni(sni));
    let borrowed = fields.borrowed();
    let (_, mut considered) = explain(specs, &decision.arrival, &target.with(&borrowed));
    let followed = finished
        .judgement
        .as_ref()
        .and_then(|judgement| judgement.observed_route.as_ref());
    considered.sort_by_key(|one| rank(one.lost_by.as_deref(), followed == Some(&one.route)));
    considered.truncate(MAX_CONSIDERED);
    considered.into_iter().map(|one| shown(one, specs)).collect()
}

fn is_known(head: &RequestHead) -> bool {
    !head.unknown.authority && !head.unknown.path && head.unknown.fields == 0
}

/// The winner, what the gateway followed, what matches too, what does not match, what has another hostname.
fn rank(lost_by: Option<&str>, is_followed: bool) -> u8 {
    match lost_by {
        None => 0,
        Some(_) if is_followed => 1,
        Some(reason) if reason.starts_with("outranked") => 2,
        Some("hostname") => 4,
        Some(_) => 3,
    }
}

fn shown(one: gwobs_route::Considered, specs: &Snapshot) -> Considered {
    let rule = specs.rule(&one.route);
    let matched = rule.and_then(|rule| rule.matches.get(usize::from(one.route.matched)));
    Considered {
        condition: matched.map(condition).unwrap_or_default(),
        route: key::route(&one.route),
        r#match: one.route.matched,
        lost_by: one.lost_by,
    }
}
