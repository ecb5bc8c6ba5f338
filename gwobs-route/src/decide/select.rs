//! Which match wins among the routes that apply.

use std::sync::Arc;

use crate::Inconclusive;
use crate::scope::{HostTable, Scope};
use crate::table::{Entry, Silent, Tracer};
use crate::view::View;

/// The routes among which a request finds its rule.
#[derive(Clone, Copy)]
pub(super) struct Scopes<'a> {
    /// As the spec wants it, or most implementations have it.
    pub(super) likely: &'a Scope,
    /// As other implementations have it.
    pub(super) other: Option<&'a Scope>,
}

/// The match that wins.
#[derive(Clone, Copy, Default)]
pub(super) struct Selected<'a> {
    pub(super) entry: Option<&'a Entry>,
    pub(super) doubt: Option<Inconclusive>,
}

impl<'a> Scopes<'a> {
    /// The winner by the likeliest reading of what the spec leaves open, in doubt if another reading has another winner.
    pub(super) fn select<T: Tracer>(&self, view: &View<'_>, tracer: &mut T) -> Selected<'a> {
        let readings = view.behaviour.paths;
        let read = readings.first().and_then(|&reading| view.reread(reading));
        let mut selected = search(self.likely, read.as_ref().unwrap_or(view), tracer);
        // Other readings are looked at only where they can differ.
        if self
            .other
            .is_some_and(|other| selected.differs(search(other, view, &mut Silent)))
        {
            selected.doubt_implementation();
        }
        if readings.len() > 1 && !view.path_is_plain() {
            let others = readings.iter().skip(1).filter_map(|&reading| view.reread(reading));
            if others
                .into_iter()
                .any(|view| selected.differs(search(self.likely, &view, &mut Silent)))
            {
                selected.doubt_implementation();
            }
        }
        selected
    }
}

impl Selected<'_> {
    fn differs(&self, other: Selected<'_>) -> bool {
        let place = |entry: &Entry| (Arc::as_ptr(&entry.route), entry.summary.rule, entry.summary.matched);
        self.entry.map(place) != other.entry.map(place)
    }

    fn doubt_implementation(&mut self) {
        self.doubt = self.doubt.or(Some(Inconclusive::ImplementationDefined));
    }
}

/// The most specific hostname that has a winner. Whether a request that none of its rules match goes on to less specific
/// hostnames is not said plainly, and gateways differ.
fn search<'a, T: Tracer>(scope: &'a Scope, view: &View<'_>, tracer: &mut T) -> Selected<'a> {
    let host = view.host.as_deref();
    let fallthrough = view.behaviour.hostname_fallthrough;
    let mut selected = Selected::default();
    let mut covering = scope.tables.covering(host);
    for (passed, table) in (&mut covering).enumerate() {
        if passed > 0 && fallthrough == Some(false) {
            break;
        }
        let found = table.table.search(view, tracer);
        selected.doubt = selected.doubt.or(found.doubt);
        if let Some(rank) = found.winner {
            selected.entry = table.table.entry(rank);
            if passed > 0 && fallthrough.is_none() {
                selected.doubt_implementation();
            }
            break;
        }
    }
    if T::ON {
        trace_others(scope, host, tracer);
    }
    selected
}

/// Tells of the hostnames that were not searched: those that do not cover the host, and the less specific ones.
fn trace_others<T: Tracer>(scope: &Scope, host: Option<&str>, tracer: &mut T) {
    let covering: Vec<_> = scope.tables.covering(host).map(Arc::as_ptr).collect();
    let (covers, others): (Vec<&Arc<HostTable>>, Vec<_>) = scope
        .tables
        .values()
        .partition(|table| covering.contains(&Arc::as_ptr(table)));
    for table in covers.into_iter().chain(others) {
        table.table.entries().iter().for_each(|entry| tracer.other_host(entry));
    }
}
