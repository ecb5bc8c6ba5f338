//! What to do about a mismatch, in words.

use gwobs_route::{Mismatch, RouteRef, Snapshot, Verdict};

use super::condition::condition;
use super::key;
use super::wire::Considered;
use crate::finished::Finished;
use crate::specs::{GATEWAY_GROUP, grant_manifest};

/// Sentences, the most helpful first. `considered`: what came into question, as far as that is known.
pub(super) fn mend(finished: &Finished, specs: &Snapshot, considered: &[Considered]) -> Vec<String> {
    let Some(judgement) = &finished.judgement else {
        return Vec::new();
    };
    let Verdict::Mismatch(reason) = judgement.verdict else {
        return Vec::new();
    };
    let due = finished
        .decision
        .as_deref()
        .and_then(|decision| decision.route.as_ref());
    let followed = judgement.observed_route.as_ref();
    match (reason, due, followed) {
        (Mismatch::NoReferenceGrant, due, followed) => grant(finished, due.or(followed)),
        (Mismatch::WrongBackend, Some(due), Some(followed)) if due != followed => {
            let named = |reference| named(reference, specs);
            other_rule(&named(due), &named(followed), lost_by(followed, considered))
        }
        (Mismatch::WrongBackend | Mismatch::UnexpectedForward, ..) => vec![
            "No rule that matches this request leads there. The gateway may follow an older configuration: compare \
             metadata.generation of the route with observedGeneration in its conditions, and look whether the controller \
             still hears of changes (its log, a restart)."
                .to_owned(),
        ],
        (other, ..) => vec![words(other).to_owned()],
    }
}

/// Why the match that the gateway followed must not win, as `explain` says it.
fn lost_by<'a>(followed: &RouteRef, considered: &'a [Considered]) -> Option<&'a str> {
    let route = key::route(followed);
    let is_it = |one: &&Considered| one.route == route && one.r#match == followed.matched;
    considered.iter().find(is_it)?.lost_by.as_deref()
}

/// The gateway followed another match than the one that was due.
fn other_rule(due: &str, followed: &str, lost_by: Option<&str>) -> Vec<String> {
    const UNTIL_THEN: &str = "Until the gateway is mended, change the matches so that no request fits both, for example by one \
                              more condition on the rule that must not win; `gwobs replay` shows what that does to recorded requests.";
    let what = match lost_by.and_then(|reason| reason.split_once(':')) {
        Some(("outranked", line)) => format!(
            "The gateway ranks {followed} above {due}; by the Gateway API the latter comes first, for its {line} \
             (HTTPRouteRule, matches)."
        ),
        Some((part, name)) => {
            format!(
                "The gateway follows {followed}, whose condition on {part} {name} does not hold, in place of {due}."
            )
        }
        None => format!("The gateway follows {followed} in place of {due}."),
    };
    vec![what, UNTIL_THEN.to_owned()]
}

fn named(reference: &RouteRef, specs: &Snapshot) -> String {
    let rule = specs.rule(reference);
    let matched = rule.and_then(|rule| rule.matches.get(usize::from(reference.matched)));
    let (kind, route) = (reference.kind.as_str(), &reference.route);
    let condition = matched.map(condition).unwrap_or_default();
    format!("{kind} {route} rule {} ({condition})", reference.rule)
}

fn grant(finished: &Finished, route: Option<&RouteRef>) -> Vec<String> {
    let mut lines = vec![
        "The gateway lets a reference to another namespace through that no ReferenceGrant allows. If nobody wants it, the \
         gateway does not enforce the boundary: look whether its controller still hears of changes."
            .to_owned(),
    ];
    let to = finished.answered().and_then(|upstream| upstream.backend.as_ref());
    if let (Some(route), Some(to)) = (route, to) {
        let manifest = grant_manifest(GATEWAY_GROUP, route.kind.as_str(), &route.route, "Service", &to.service);
        lines.push(format!("If it is wanted, this allows it: {manifest}"));
    }
    lines
}

fn words(reason: Mismatch) -> &'static str {
    match reason {
        Mismatch::NoReferenceGrant | Mismatch::WrongBackend | Mismatch::UnexpectedForward => "",
        Mismatch::ZeroWeightBackend => {
            "A backend of weight 0 must get nothing. Until the gateway is mended, take the backend out of backendRefs."
        }
        Mismatch::StaleEndpoint => {
            "The address left the Service and the gateway still uses it. Look whether the gateway follows EndpointSlices \
             (its log, a restart), and how long the pod takes to leave."
        }
        Mismatch::UnknownUpstream => {
            "The address belongs to no Service that is known. Look what listens there, and where the gateway has it from."
        }
        Mismatch::UnexpectedReply => {
            "The gateway answered by itself where it had to forward. Look for a filter or feature of the rule that its class \
             does not support (gwobs_unsupported_feature, `gwobs lint`), and into the gateway's log."
        }
        Mismatch::WrongRedirect | Mismatch::WrongStatus => {
            "The gateway does not carry out the rule's RequestRedirect as it is written; compare it with what was observed."
        }
        Mismatch::FilterNotApplied => {
            "A filter of the rule is missing in what the backend received. Look whether the gateway's class supports it \
             (gwobs_unsupported_feature, `gwobs lint`)."
        }
        Mismatch::WrongMirror => {
            "The rule's RequestMirror is not carried out as it is written. Look whether the gateway's class supports it."
        }
    }
}
