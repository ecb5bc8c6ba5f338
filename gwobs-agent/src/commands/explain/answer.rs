//! What is answered: the decision as JSON.

use std::collections::BTreeMap;

use gwobs_route::{
    Action, BackendChoice, BackendName, Considered, Decision, Endpoints, Forwarded, Inconclusive, InvalidBackend,
    MirrorTarget, ObjectName, RedirectTarget, ResponseHeaders, RouteRef, Snapshot,
};
use serde::Serialize;
use serde_json::Value;

use super::question::Question;

#[cfg(test)]
mod tests;

/// The answer to a question, as `INTERFACE.md` names its fields.
#[derive(Debug, Serialize)]
pub struct Answer<'a> {
    /// The question's own.
    pub id: &'a Value,
    /// `forward`, `redirect`, `respond`, or `reject` for a connection that must be refused.
    pub action: &'static str,
    /// Status of the gateway's own reply or of its redirect.
    pub status: Option<u16>,
    /// gRPC status of the gateway's own reply.
    pub grpc_status: Option<u16>,
    /// Where a redirect must lead.
    pub redirect: Option<Redirect<'a>>,
    /// The rule that won.
    pub route: Option<Route<'a>>,
    /// The listener that owns the request.
    pub listener: Option<&'a str>,
    /// All backends of the rule; empty if none gets the request.
    pub backends: Vec<Backend<'a>>,
    /// What a backend must receive, unless it says otherwise itself.
    pub forwarded: Option<Received<'a>>,
    /// Backends that must get a copy.
    pub mirrors: Vec<Mirror>,
    /// Headers that the gateway sets in the response.
    pub response_headers: BTreeMap<&'a str, &'a str>,
    /// Headers that the gateway appends to those of the backend's response.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub response_headers_added: BTreeMap<&'a str, &'a str>,
    /// Headers that the gateway removes from the backend's response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_headers_removed: Vec<&'a str>,
    /// Every match that came into question, the winner first.
    pub considered: Vec<Candidate<'a>>,
    /// Why this decision must not be used to accuse a gateway.
    pub caveats: Vec<&'static str>,
    /// The snapshot that was asked.
    pub generation: u64,
}

/// Where a redirect must lead.
#[derive(Debug, Serialize)]
pub struct Redirect<'a> {
    /// Status.
    pub status: u16,
    /// Scheme of Location.
    pub scheme: &'a str,
    /// Host of Location, without port.
    pub host: &'a str,
    /// Port of Location, null if it must be left out.
    pub port: Option<u16>,
    /// Path of Location, with query.
    pub path: &'a str,
}

/// A route, one of its rules and one of its matches.
#[derive(Debug, Serialize)]
pub struct Route<'a> {
    /// Kind.
    pub kind: &'static str,
    /// Namespace.
    pub namespace: &'a str,
    /// Name.
    pub name: &'a str,
    /// Index of the rule, from 0.
    pub rule: u16,
    /// Index of the match, from 0.
    pub r#match: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Name of the rule.
    pub rule_name: Option<&'a str>,
}

/// One backend of the rule.
#[derive(Debug, Serialize)]
pub struct Backend<'a> {
    /// `namespace/service:port`
    pub backend: String,
    /// Weight.
    pub weight: u32,
    /// Why the reference is invalid: its share is answered with 500.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<&'static str>,
    /// `ready`, `none_ready`, or absent where nothing is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<&'static str>,
    /// What this backend must receive, if its own filters change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<Received<'a>>,
    /// Where its own filters redirect its share to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect<'a>>,
}

/// What a backend must receive.
#[derive(Debug, Serialize)]
pub struct Received<'a> {
    /// Authority.
    pub authority: Option<&'a str>,
    /// Method.
    pub method: &'a str,
    /// Path with query.
    pub path: &'a str,
    /// Header name to its final value, repeats joined with a comma.
    pub headers_set: BTreeMap<&'a str, &'a str>,
    /// Headers that must be absent.
    pub headers_removed: Vec<&'a str>,
    /// Server name towards the backend, by a BackendTLSPolicy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_sni: Option<&'a str>,
}

/// A backend that must get a copy.
#[derive(Debug, Serialize)]
pub struct Mirror {
    /// `namespace/service:port`
    pub backend: String,
    /// Share of requests, 0 to 100.
    pub percent: f64,
}

/// A match that came into question.
#[derive(Debug, Serialize)]
pub struct Candidate<'a> {
    /// Kind.
    pub kind: &'static str,
    /// `namespace/name`
    pub route: String,
    /// Index of the rule, from 0.
    pub rule: u16,
    /// Index of the match, from 0.
    pub r#match: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Name of the rule.
    pub rule_name: Option<&'a str>,
    /// Why it lost; null for the winner.
    pub lost_by: Option<&'a str>,
}

impl<'a> Answer<'a> {
    /// The decision for a question, by the snapshot that made it.
    #[must_use]
    pub fn new(
        question: &'a Question,
        decision: &'a Decision,
        considered: &'a [Considered],
        snapshot: &'a Snapshot,
    ) -> Self {
        let view = View { question, snapshot };
        let mut answer = Self {
            id: &question.id,
            action: "reject",
            status: None,
            grpc_status: None,
            redirect: None,
            route: decision.route.as_ref().map(Route::new),
            listener: decision.listener.as_deref(),
            backends: Vec::new(),
            forwarded: None,
            mirrors: Vec::new(),
            response_headers: BTreeMap::new(),
            response_headers_added: BTreeMap::new(),
            response_headers_removed: Vec::new(),
            considered: in_order(considered),
            caveats: decision
                .caveats
                .iter()
                .map(|caveat: &Inconclusive| caveat.as_str())
                .collect(),
            generation: decision.generation,
        };
        answer.act(&decision.action, &view);
        answer.respond_with(&decision.response_headers);
        answer
    }

    fn act(&mut self, action: &'a Action, view: &View<'a>) {
        match action {
            Action::Forward {
                backends,
                forwarded,
                mirrors,
                ..
            } => {
                self.action = "forward";
                self.backends = backends.iter().map(|choice| view.backend(choice)).collect();
                self.forwarded = Some(view.received(forwarded, only(backends)));
                self.mirrors = mirrors.iter().map(Mirror::new).collect();
            }
            Action::Redirect(target) => {
                self.action = "redirect";
                self.status = Some(target.status);
                self.redirect = Some(Redirect::new(target));
            }
            Action::Respond {
                status, grpc_status, ..
            } => {
                self.action = "respond";
                self.status = Some(*status);
                self.grpc_status = *grpc_status;
            }
            Action::Reject => {}
        }
    }

    fn respond_with(&mut self, headers: &'a ResponseHeaders) {
        self.response_headers = pairs(&headers.set);
        self.response_headers_added = pairs(&headers.added);
        self.response_headers_removed = headers.removed.iter().map(AsRef::as_ref).collect();
    }
}

/// The winner, then what matches too, then what does not match, then what has another hostname.
fn in_order(considered: &[Considered]) -> Vec<Candidate<'_>> {
    let mut candidates: Vec<_> = considered.iter().map(Candidate::new).collect();
    candidates.sort_by_key(|candidate| match candidate.lost_by {
        None => 0,
        Some(reason) if reason.starts_with("outranked") => 1,
        Some("hostname") => 3,
        Some(_) => 2,
    });
    candidates
}

/// The backend, if there is but one that can get requests.
fn only(backends: &[BackendChoice]) -> Option<&BackendName> {
    let mut usable = backends
        .iter()
        .filter(|choice| choice.weight > 0 && choice.invalid.is_none());
    match (usable.next(), usable.next()) {
        (Some(only), None) => Some(&only.backend),
        _ => None,
    }
}

fn pairs(values: &[(std::sync::Arc<str>, String)]) -> BTreeMap<&str, &str> {
    values.iter().map(|(name, value)| (&**name, value.as_str())).collect()
}

/// What an answer looks at besides the decision.
struct View<'a> {
    question: &'a Question,
    snapshot: &'a Snapshot,
}

impl<'a> View<'a> {
    fn backend(&self, choice: &'a BackendChoice) -> Backend<'a> {
        Backend {
            backend: choice.backend.to_string(),
            weight: choice.weight,
            invalid: choice.invalid.map(InvalidBackend::as_str),
            endpoints: endpoints(choice.endpoints),
            forwarded: choice
                .forwarded
                .as_ref()
                .map(|forwarded| self.received(forwarded, Some(&choice.backend))),
            redirect: choice.redirect.as_ref().map(Redirect::new),
        }
    }

    fn received(&self, forwarded: &'a Forwarded, backend: Option<&BackendName>) -> Received<'a> {
        let policy = backend.and_then(|backend| self.snapshot.tls_policy(backend));
        Received {
            authority: forwarded.authority.as_deref().or(self.question.host.as_deref()),
            method: &self.question.method,
            path: forwarded.path.as_deref().unwrap_or(&self.question.path),
            headers_set: pairs(&forwarded.headers_set),
            headers_removed: forwarded.headers_removed.iter().map(AsRef::as_ref).collect(),
            tls_sni: policy.map(|policy| &*policy.hostname),
        }
    }
}

fn endpoints(known: Endpoints) -> Option<&'static str> {
    match known {
        Endpoints::Unknown => None,
        Endpoints::Ready => Some("ready"),
        Endpoints::NoneReady => Some("none_ready"),
    }
}

impl<'a> Redirect<'a> {
    fn new(target: &'a RedirectTarget) -> Self {
        Self {
            status: target.status,
            scheme: &target.scheme,
            host: &target.host,
            port: target.port,
            path: &target.path,
        }
    }
}

impl<'a> Route<'a> {
    fn new(reference: &'a RouteRef) -> Self {
        let ObjectName { namespace, name } = &reference.route;
        Self {
            kind: reference.kind.as_str(),
            namespace,
            name,
            rule: reference.rule,
            r#match: reference.matched,
            rule_name: reference.rule_name.as_deref(),
        }
    }
}

impl Mirror {
    fn new(mirror: &MirrorTarget) -> Self {
        Self {
            backend: mirror.backend.to_string(),
            percent: mirror.percent,
        }
    }
}

impl<'a> Candidate<'a> {
    fn new(considered: &'a Considered) -> Self {
        Self {
            kind: considered.route.kind.as_str(),
            route: considered.route.route.to_string(),
            rule: considered.route.rule,
            r#match: considered.route.matched,
            rule_name: considered.route.rule_name.as_deref(),
            lost_by: considered.lost_by.as_deref(),
        }
    }
}
