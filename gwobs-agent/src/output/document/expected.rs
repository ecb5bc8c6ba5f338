//! What was due, as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gwobs_http::RequestHead;
use gwobs_route::{Action, BackendChoice, Decision, Forwarded, InvalidBackend, MirrorTarget, RedirectTarget, RouteRef};
use serde::Serialize;

use super::backend;
use crate::output::redaction::Redaction;

#[derive(Debug, Default, Serialize)]
pub(super) struct Expected<'a> {
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grpc_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<Redirect<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<Route<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backends: Option<Vec<Backend<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<Due<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<Mirror>,
}

#[derive(Debug, Serialize)]
struct Redirect<'a> {
    status: u16,
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    path: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Route<'a> {
    kind: &'static str,
    namespace: &'a str,
    name: &'a str,
    rule: u16,
    r#match: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Backend<'a> {
    backend: String,
    weight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    invalid: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    forwarded: Option<Due<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect: Option<Redirect<'a>>,
}

/// What a backend must receive; null where no filter changes it.
#[derive(Debug, Serialize)]
struct Due<'a> {
    authority: Option<&'a str>,
    path: Option<Cow<'a, str>>,
    headers_set: BTreeMap<&'a str, Cow<'a, str>>,
    headers_removed: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Mirror {
    backend: String,
    percent: f64,
}

impl<'a> Expected<'a> {
    pub(super) fn new(decision: &'a Decision, request: Option<&RequestHead>, redaction: &Redaction) -> Self {
        let due = |forwarded: &'a Forwarded| Due::new(forwarded, request, redaction);
        let route = decision.route.as_ref().map(Route::new);
        match &decision.action {
            Action::Forward {
                backends,
                forwarded,
                mirrors,
                ..
            } => Self {
                action: "forward",
                route,
                backends: Some(
                    backends
                        .iter()
                        .map(|choice| Backend::new(choice, due, redaction))
                        .collect(),
                ),
                forwarded: Some(due(forwarded)),
                mirrors: mirrors.iter().map(Mirror::new).collect(),
                ..Self::default()
            },
            Action::Redirect(target) => Self {
                action: "redirect",
                status: Some(target.status),
                route,
                redirect: Some(Redirect::new(target, redaction)),
                ..Self::default()
            },
            Action::Reject => Self {
                action: "reject",
                route,
                ..Self::default()
            },
            Action::Respond {
                status, grpc_status, ..
            } => Self {
                action: "respond",
                status: Some(*status),
                grpc_status: *grpc_status,
                route,
                ..Self::default()
            },
        }
    }
}

impl<'a> Redirect<'a> {
    fn new(target: &'a RedirectTarget, redaction: &Redaction) -> Self {
        Self {
            status: target.status,
            scheme: &target.scheme,
            host: &target.host,
            port: target.port,
            path: redaction.path(Cow::Borrowed(&target.path)),
        }
    }
}

impl<'a> Route<'a> {
    pub(super) fn new(reference: &'a RouteRef) -> Self {
        Self {
            kind: reference.kind.as_str(),
            namespace: &reference.route.namespace,
            name: &reference.route.name,
            rule: reference.rule,
            r#match: reference.matched,
            rule_name: reference.rule_name.as_deref(),
        }
    }
}

impl<'a> Backend<'a> {
    fn new(choice: &'a BackendChoice, due: impl Fn(&'a Forwarded) -> Due<'a>, redaction: &Redaction) -> Self {
        Self {
            backend: backend(&choice.backend),
            weight: choice.weight,
            invalid: choice.invalid.map(InvalidBackend::as_str),
            forwarded: choice.forwarded.as_ref().map(due),
            redirect: choice.redirect.as_ref().map(|target| Redirect::new(target, redaction)),
        }
    }
}

impl<'a> Due<'a> {
    fn new(forwarded: &'a Forwarded, request: Option<&RequestHead>, redaction: &Redaction) -> Self {
        let set = |(name, value): &'a (_, String)| -> (&'a str, Cow<'a, str>) {
            let name: &std::sync::Arc<str> = name;
            (name, set_value(name, value, request, redaction))
        };
        Self {
            authority: forwarded.authority.as_deref(),
            path: forwarded
                .path
                .as_deref()
                .map(|path| redaction.path(Cow::Borrowed(path))),
            headers_set: forwarded.headers_set.iter().map(set).collect(),
            headers_removed: forwarded.headers_removed.iter().map(AsRef::as_ref).collect(),
        }
    }
}

/// A value that a filter sets comes from the specs, unless the client sent the header too: an added value is joined
/// to the client's.
fn set_value<'a>(name: &str, value: &'a str, request: Option<&RequestHead>, redaction: &Redaction) -> Cow<'a, str> {
    let from_client = request.is_some_and(|head| head.headers.iter().any(|field| field.name == name.as_bytes()));
    if from_client {
        redaction.header(name, Cow::Borrowed(value))
    } else {
        Cow::Borrowed(value)
    }
}

impl Mirror {
    fn new(mirror: &MirrorTarget) -> Self {
        Self {
            backend: backend(&mirror.backend),
            percent: mirror.percent,
        }
    }
}
