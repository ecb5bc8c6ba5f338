//! The first misroute of a rule, and the first after a long time without any.

use std::collections::HashMap;

use gwobs_route::lint::ObjectRef;
use gwobs_route::model::Kind;
use gwobs_route::{Action, Decision, Mismatch, ObjectName, RouteKind, RouteRef, Verdict};

use super::{Notice, Reason};
use crate::event::Timestamp;
use crate::finished::Finished;

#[cfg(test)]
mod tests;

/// After so long without, a misroute of a rule is the first again, in nanoseconds.
const QUIET: u64 = 3600 * 1_000_000_000;
/// Rules that are remembered, at most: as many as large clusters have. What is beyond is not told, only counted.
const MAX_RULES: usize = 10_000;

/// When each rule was misrouted last.
#[derive(Debug, Default)]
pub struct First(HashMap<Subject, Timestamp>);

/// What is told once: a rule at a Gateway, or the Gateway where no rule is concerned.
type Subject = (Reason, ObjectName, Option<(RouteKind, ObjectName, u16)>);

impl First {
    /// Takes a finished request; a notice if it is the first misroute of its rule.
    pub fn finished(&mut self, finished: &Finished) -> Option<Notice> {
        let Verdict::Mismatch(mismatch) = finished.judgement.as_ref()?.verdict else {
            return None;
        };
        let gateway = finished.gateway.as_ref()?;
        let decision = finished.decision.as_deref()?;
        let reason = match mismatch {
            Mismatch::NoReferenceGrant => Reason::TrafficWithoutReferenceGrant,
            _ => Reason::RequestsMisrouted,
        };
        let route = decision.route.as_ref();
        let rule = route.map(|route| (route.kind, route.route.clone(), route.rule));
        self.is_first((reason, gateway.clone(), rule), finished.ended)
            .then(|| Notice {
                reason,
                regarding: regarding(gateway, route),
                text: text(gateway, route, decision, finished, mismatch),
            })
    }

    fn is_first(&mut self, subject: Subject, now: Timestamp) -> bool {
        let is_quiet = |last: &Timestamp| now.0.saturating_sub(last.0) > QUIET;
        if let Some(last) = self.0.get_mut(&subject) {
            let first = is_quiet(last);
            *last = now;
            return first;
        }
        if self.0.len() >= MAX_RULES {
            self.0.retain(|_, last| !is_quiet(last));
        }
        let room = self.0.len() < MAX_RULES;
        if room {
            self.0.insert(subject, now);
        }
        room
    }
}

fn regarding(gateway: &ObjectName, route: Option<&RouteRef>) -> ObjectRef {
    let (kind, name) = route.map_or((Kind::Gateway, gateway), |route| {
        (Kind::Route(route.kind), &route.route)
    });
    ObjectRef {
        kind,
        name: name.clone(),
    }
}

fn text(
    gateway: &ObjectName,
    route: Option<&RouteRef>,
    decision: &Decision,
    finished: &Finished,
    mismatch: Mismatch,
) -> String {
    let of = match route {
        Some(RouteRef {
            rule_name: Some(name), ..
        }) => format!("for rule {name}"),
        Some(route) => format!("for rule {}", route.rule),
        None => "that no rule is for".to_owned(),
    };
    format!(
        "Gateway {gateway} does not do with requests {of} what the objects say ({}): expected {}, observed {}; the first is \
         decision {}",
        mismatch.as_str(),
        expected(decision),
        observed(finished),
        finished.id
    )
}

fn expected(decision: &Decision) -> String {
    match &decision.action {
        Action::Forward { backends, .. } => {
            let names: Vec<String> = backends.iter().map(|choice| choice.backend.to_string()).collect();
            names.join(" or ")
        }
        Action::Respond { status, .. } => format!("an answer {status} of its own"),
        Action::Redirect(_) => "a redirect".to_owned(),
        Action::Reject => "that the connection is refused".to_owned(),
    }
}

/// What became of it: the last call is the one whose answer counts.
fn observed(finished: &Finished) -> String {
    match (finished.upstreams.last(), &finished.response) {
        (Some(call), _) => match &call.backend {
            Some(backend) => backend.to_string(),
            None => "an address of no known Service".to_owned(),
        },
        (None, Some(response)) => format!("an answer {} of its own", response.head.status),
        (None, None) => "no answer".to_owned(),
    }
}
