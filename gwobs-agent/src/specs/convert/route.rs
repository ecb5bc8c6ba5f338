//! Routes of all kinds: they differ in their rules alone.

use gwobs_route::RouteKind;
use gwobs_route::model::{Match, Object, Retry, Route, Rule, SessionPersistence, SessionType, Timeouts};
use serde::de::DeserializeOwned;

use super::{backend, envelope, filter, matching, meta, rules, scalar};
use crate::specs::decode::Misfit;
use crate::specs::notes::{At, Notes};
use crate::specs::object::RawObject;
use crate::specs::wire;

/// Most parents of a route.
const MAX_PARENTS: usize = 32;
/// Most hostnames of a route.
const MAX_HOSTNAMES: usize = 16;

/// An HTTPRoute; without rules it has the API's default, one that matches everything and forwards nowhere.
pub(super) fn http(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let default = || {
        vec![Rule {
            matches: vec![Match::default()],
            ..Rule::default()
        }]
    };
    route::<wire::HttpRule>(RouteKind::Http, raw, notes, default)
}

/// A GRPCRoute.
pub(super) fn grpc(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    route::<wire::GrpcRule>(RouteKind::Grpc, raw, notes, Vec::new)
}

/// A TLSRoute, TCPRoute or UDPRoute.
pub(super) fn plain(kind: RouteKind, raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    route::<wire::PlainRule>(kind, raw, notes, Vec::new)
}

fn route<R: DeserializeOwned + WireRule>(
    kind: RouteKind,
    raw: &RawObject,
    notes: &mut Notes,
    default: impl FnOnce() -> Vec<Rule>,
) -> Result<Object, Misfit> {
    let wire = envelope::<wire::RouteSpec<R>>(raw, notes)?;
    let spec = wire.spec;
    let top = At::Top("spec");
    if spec
        .use_default_gateways
        .as_deref()
        .is_some_and(|scope| scope != "None")
    {
        notes.not_understood(&top.field("useDefaultGateways"));
    }
    let parents = parents(spec.parent_refs, &top.field("parentRefs"), notes);
    let hostnames = hostnames(kind, spec.hostnames, &top.field("hostnames"), notes);
    let rules = match spec.rules {
        None => default(),
        Some(wire) => {
            let at = top.field("rules");
            wire.into_iter()
                .enumerate()
                .map(|(i, rule)| rule.convert(&at.index(i), notes))
                .collect()
        }
    };
    rules::check(kind, &rules, &top.field("rules"), notes);
    let meta = meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes);
    Ok(Object::Route(Route {
        meta,
        kind,
        parents,
        hostnames,
        rules,
    }))
}

fn parents(wire: Option<Vec<wire::ParentRef>>, at: &At<'_>, notes: &mut Notes) -> Vec<gwobs_route::model::ParentRef> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_PARENTS, at, notes);
    wire.into_iter()
        .enumerate()
        .map(|(i, parent)| backend::parent_ref(parent, &at.index(i), notes))
        .collect()
}

fn hostnames(kind: RouteKind, wire: Option<Vec<String>>, at: &At<'_>, notes: &mut Notes) -> Vec<std::sync::Arc<str>> {
    if matches!(kind, RouteKind::Tcp | RouteKind::Udp) {
        if wire.is_some() {
            notes.not_understood(at);
        }
        return Vec::new();
    }
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_HOSTNAMES, at, notes);
    wire.iter()
        .enumerate()
        .map(|(i, host)| scalar::hostname(host, &at.index(i), notes))
        .collect()
}

/// A rule as it is written, of any kind of route.
trait WireRule {
    /// The rule with the API's defaults.
    fn convert(self, at: &At<'_>, notes: &mut Notes) -> Rule;
}

impl WireRule for wire::HttpRule {
    fn convert(self, at: &At<'_>, notes: &mut Notes) -> Rule {
        Rule {
            name: self.name.map(|name| scalar::section(&name, &at.field("name"), notes)),
            matches: matching::http_matches(self.matches, &at.field("matches"), notes),
            filters: filter::filters(self.filters, &at.field("filters"), notes),
            backends: backend::backend_refs(self.backend_refs, &at.field("backendRefs"), notes),
            timeouts: self
                .timeouts
                .map(|t| timeouts(&t, &at.field("timeouts"), notes))
                .unwrap_or_default(),
            retry: self.retry.map(|retry| convert_retry(&retry, &at.field("retry"), notes)),
            session: self
                .session_persistence
                .and_then(|s| session(s, &at.field("sessionPersistence"), notes)),
        }
    }
}

impl WireRule for wire::GrpcRule {
    fn convert(self, at: &At<'_>, notes: &mut Notes) -> Rule {
        Rule {
            name: self.name.map(|name| scalar::section(&name, &at.field("name"), notes)),
            matches: matching::grpc_matches(self.matches, &at.field("matches"), notes),
            filters: filter::filters(self.filters, &at.field("filters"), notes),
            backends: backend::backend_refs(self.backend_refs, &at.field("backendRefs"), notes),
            session: self
                .session_persistence
                .and_then(|s| session(s, &at.field("sessionPersistence"), notes)),
            ..Rule::default()
        }
    }
}

impl WireRule for wire::PlainRule {
    fn convert(self, at: &At<'_>, notes: &mut Notes) -> Rule {
        Rule {
            name: self.name.map(|name| scalar::section(&name, &at.field("name"), notes)),
            backends: backend::backend_refs(self.backend_refs, &at.field("backendRefs"), notes),
            ..Rule::default()
        }
    }
}

fn timeouts(wire: &wire::Timeouts, at: &At<'_>, notes: &mut Notes) -> Timeouts {
    let mut read = |value: &Option<String>, name| {
        value
            .as_deref()
            .and_then(|text| scalar::duration_ms(text, &at.field(name), notes))
    };
    Timeouts {
        request_ms: read(&wire.request, "request"),
        backend_request_ms: read(&wire.backend_request, "backendRequest"),
    }
}

fn convert_retry(wire: &wire::Retry, at: &At<'_>, notes: &mut Notes) -> Retry {
    let codes = wire.codes.iter().flatten().enumerate();
    let mut statuses = Vec::new();
    for (i, code) in codes {
        let code = scalar::ranged(*code, 400..=599, &at.field("codes").index(i), notes);
        statuses.extend(u16::try_from(code).ok());
    }
    Retry {
        codes: statuses,
        attempts: wire
            .attempts
            .map(|n| scalar::ranged(n, 0..=i64::from(i32::MAX), &at.field("attempts"), notes)),
        backoff_ms: wire
            .backoff
            .as_deref()
            .and_then(|text| scalar::duration_ms(text, &at.field("backoff"), notes)),
    }
}

fn session(wire: wire::SessionPersistence, at: &At<'_>, notes: &mut Notes) -> Option<SessionPersistence> {
    let kind = match wire.kind.as_deref().unwrap_or("Cookie") {
        "Cookie" => SessionType::Cookie,
        "Header" => SessionType::Header,
        _ => {
            notes.not_understood(&at.field("type"));
            return None;
        }
    };
    Some(SessionPersistence {
        kind,
        name: wire.session_name.map(Into::into),
    })
}
