//! The rule that would explain what a gateway did.

use std::sync::Arc;

use crate::compile::CompiledRoute;
use crate::gateway_table::{PortKey, age};
use crate::judge::Case;
use crate::model::{Reference, Rule};
use crate::scope::{HostTable, Scope};
use crate::table::Entry;
use crate::view::View;
use crate::{Attempt, ObjectName, RouteRef};

/// How well a rule that leads to the observed backend explains the observation; the least wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// Its match holds for the request at this port.
    Holds,
    /// Its match holds, under another hostname or at another port.
    HoldsElsewhere,
    /// Its hostname covers the request.
    Hostname,
    /// It only leads to the same backend.
    Backend,
}

/// The best rule that leads to the address of `attempt`: by how well it fits, then by precedence.
pub(super) fn route(case: &Case<'_>, attempt: &Attempt<'_>) -> Option<RouteRef> {
    let backends = case.snapshot.backends_at(attempt.address);
    let services: Vec<_> = backends.into_iter().map(|backend| backend.service).collect();
    if services.is_empty() {
        return None;
    }
    let arrival = &case.decision.arrival;
    let view = View::new(case.request, case.snapshot.profile_at(&arrival.front).behaviour());
    let scopes = case.snapshot.scopes_at(&arrival.front);
    let candidates = scopes.iter().flat_map(|(key, scope)| {
        let here = key.port == arrival.port;
        entries(scope, &view).map(move |(covers, entry)| (covers && here, entry))
    });
    let candidates = candidates.filter(|(_, entry)| leads_to(entry, &services) && !is_due(case, entry));
    let best = candidates.min_by_key(|(covers, entry)| (fit(*covers, entry, &view), &entry.summary));
    best.map(|(_, entry)| entry.route.reference(entry.summary.rule, entry.summary.matched))
        .or_else(|| stream(&scopes, &services))
}

/// Every entry of a scope, and whether its hostname covers the request.
fn entries<'a>(scope: &'a Scope, view: &View<'_>) -> impl Iterator<Item = (bool, &'a Entry)> + use<'a> {
    let host = view.host.as_deref();
    let covering: Vec<*const HostTable> = scope.tables.covering(host).map(Arc::as_ptr).collect();
    let tables = scope
        .tables
        .values()
        .map(move |table| (covering.contains(&Arc::as_ptr(table)), table));
    tables.flat_map(|(covers, table)| table.table.entries().iter().map(move |entry| (covers, entry)))
}

fn leads_to(entry: &Entry, services: &[ObjectName]) -> bool {
    let rule = entry.route.rule(entry.summary.rule);
    rule.is_some_and(|rule| has_backend(rule, &entry.route.route.meta.name.namespace, services))
}

/// Compared part by part: every rule of a gateway is asked, so nothing is copied or hashed.
fn has_backend(rule: &Rule, namespace: &Arc<str>, services: &[ObjectName]) -> bool {
    let is_one = |target: &Reference| {
        let namespace = target.namespace.as_ref().unwrap_or(namespace);
        services
            .iter()
            .any(|service| service.name == target.name && service.namespace == *namespace)
    };
    rule.backends.iter().any(|backend| is_one(&backend.target))
}

/// The rule that was due explains nothing.
fn is_due(case: &Case<'_>, entry: &Entry) -> bool {
    case.decision.route.as_ref().is_some_and(|due| {
        let own = &entry.route.route;
        due.rule == entry.summary.rule && due.route == own.meta.name && due.kind == own.kind
    })
}

fn fit(covers: bool, entry: &Entry, view: &View<'_>) -> Fit {
    let holds = entry.matched().is_some_and(|one| one.holds(view).holds);
    match (holds, covers) {
        (true, true) => Fit::Holds,
        (true, false) => Fit::HoldsElsewhere,
        (false, true) => Fit::Hostname,
        (false, false) => Fit::Backend,
    }
}

/// A TLSRoute, TCPRoute or UDPRoute that leads there.
fn stream(scopes: &[(PortKey, &Scope)], services: &[ObjectName]) -> Option<RouteRef> {
    let leads = |route: &&Arc<CompiledRoute>| {
        let namespace = &route.route.meta.name.namespace;
        route.rule(0).is_some_and(|rule| has_backend(rule, namespace, services))
    };
    let routes = scopes.iter().flat_map(|(_, scope)| scope.streams.values().flatten());
    let oldest = routes.filter(leads).min_by_key(|route| age(&route.route));
    oldest.map(|route| route.reference(0, 0))
}
