//! What mismatches of one group have in common.

use gwobs_route::{Action, Decision, Mismatch, ObjectName, RouteRef};

use super::wire::Route;
use crate::finished::Finished;

/// The key of a group. All of it comes from specs, statuses and reasons, so that there are not more than those allow.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) gateway: Option<ObjectName>,
    route: Option<(&'static str, ObjectName, u16)>,
    reason: &'static str,
    pub(super) expected: String,
    pub(super) observed: String,
}

impl Key {
    pub(super) fn of(finished: &Finished, reason: Mismatch) -> Self {
        let decision = finished.decision.as_deref();
        let route = decision.and_then(|decision| decision.route.as_ref());
        Self {
            gateway: finished.gateway.clone(),
            route: route.map(|route| (route.kind.as_str(), route.route.clone(), route.rule)),
            reason: reason.as_str(),
            expected: decision.map_or_else(|| "unknown".into(), expected),
            observed: observed(finished),
        }
    }

    /// The same on every agent.
    pub(super) fn id(&self) -> String {
        let gateway = self.gateway.as_ref().map(ToString::to_string).unwrap_or_default();
        let route = self
            .route
            .as_ref()
            .map(|(kind, name, rule)| format!("{kind} {name} {rule}"));
        let route = route.unwrap_or_default();
        let all = [&gateway, &route, self.reason, &self.expected, &self.observed].join("\n");
        let hash = fnv1a(all.as_bytes());
        format!("{:08x}", (hash ^ (hash >> 32)) & 0xffff_ffff)
    }
}

/// FNV-1a of 64 bits (draft-eastlake-fnv): short, and the same in every version, which std's hashers do not promise.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// The rule of a reference, for the API.
pub(super) fn route(reference: &RouteRef) -> Route {
    Route {
        kind: reference.kind.as_str().to_owned(),
        namespace: reference.route.namespace.to_string(),
        name: reference.route.name.to_string(),
        rule: reference.rule,
        rule_name: reference.rule_name.as_deref().map(str::to_owned),
    }
}

fn expected(decision: &Decision) -> String {
    match &decision.action {
        Action::Forward { backends, .. } => {
            let due = backends.iter().filter(|choice| choice.weight > 0);
            due.map(|choice| choice.backend.to_string())
                .collect::<Vec<_>>()
                .join(" or ")
        }
        Action::Redirect(target) => format!("redirect {}", target.status),
        Action::Respond { status, .. } => format!("status {status} from the gateway"),
        Action::Reject => "no connection".to_owned(),
    }
}

fn observed(finished: &Finished) -> String {
    match (finished.answered(), &finished.response) {
        (Some(upstream), _) => match &upstream.backend {
            Some(backend) => backend.to_string(),
            None => "an unknown address".to_owned(),
        },
        (None, Some(response)) => format!("status {} from the gateway", response.head.status),
        (None, None) => "nothing".to_owned(),
    }
}
