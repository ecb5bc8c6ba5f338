//! Which listener owns a request, and which match wins there.

use std::sync::Arc;

use crate::gateway_table::{GatewayTable, HostTable, PortTable, Scope};
use crate::model::Protocol;
use crate::table::{Entry, Silent, Tracer};
use crate::view::View;
use crate::{Inconclusive, Request, WireProtocol};

/// A request at a port.
pub(super) struct Scene<'a> {
    pub(super) table: &'a GatewayTable,
    pub(super) ports: &'a PortTable,
    pub(super) port: u16,
    pub(super) protocol: WireProtocol,
    pub(super) view: View<'a>,
}

/// Who owns a request.
pub(super) enum Owner {
    /// This listener.
    Listener(usize),
    /// This listener owns the Host, and the connection was made to another: 421.
    Misdirected(usize),
    Nobody,
}

/// The match that wins.
#[derive(Clone, Copy, Default)]
pub(super) struct Selected<'a> {
    pub(super) entry: Option<&'a Entry>,
    pub(super) doubt: Option<Inconclusive>,
}

impl<'a> Scene<'a> {
    pub(super) fn new(
        table: &'a Arc<GatewayTable>,
        ports: &'a PortTable,
        (port, protocol): (u16, WireProtocol),
        request: &'a Request<'a>,
    ) -> Self {
        let view = View::new(request, table.profile.behaviour());
        Self {
            table,
            ports,
            port,
            protocol,
            view,
        }
    }

    /// The listener with the most specific hostname that covers the Host; over TLS it must be the one that the server name
    /// leads to as well (`HTTPRouteHTTPSListenerDetectMisdirectedRequests`).
    pub(super) fn owner(&self) -> Owner {
        let Some(by_host) = self.http_listener(self.view.host.as_deref()) else {
            return Owner::Nobody;
        };
        let sni = self.view.request.sni.filter(|_| self.protocol != WireProtocol::Http);
        match sni.map(|sni| self.http_listener(Some(&crate::view::lower(sni)))) {
            Some(by_sni) if by_sni != Some(by_host) => Owner::Misdirected(by_host),
            _ => Owner::Listener(by_host),
        }
    }

    fn http_listener(&self, host: Option<&str>) -> Option<usize> {
        let index = *self.ports.owners.covering(host).next()?;
        let protocol = &self.table.listeners.listeners.get(index)?.listener.protocol;
        matches!(protocol, Protocol::Http | Protocol::Https).then_some(index)
    }

    /// The winner by the likeliest reading of what the spec leaves open, in doubt if another reading has another winner.
    pub(super) fn select<T: Tracer>(&self, listener: usize, tracer: &mut T) -> Selected<'a> {
        let Some(own) = self.ports.scopes.get(&listener) else {
            return Selected::default();
        };
        let isolation = self.view.behaviour.listener_isolation;
        let merged = self.ports.merged.as_ref().filter(|_| isolation != Some(true));
        let primary = merged.filter(|_| isolation == Some(false)).unwrap_or(own);
        let readings = self.view.behaviour.paths;
        let read = readings.first().and_then(|&reading| self.view.reread(reading));
        let mut selected = search(primary, read.as_ref().unwrap_or(&self.view), tracer);
        // Other readings are looked at only where they can differ.
        if isolation.is_none() && merged.is_some_and(|merged| selected.differs(search(merged, &self.view, &mut Silent)))
        {
            selected.doubt_implementation();
        }
        if readings.len() > 1 && !self.view.path_is_plain() {
            let others = readings.iter().skip(1).filter_map(|&reading| self.view.reread(reading));
            if others
                .into_iter()
                .any(|view| selected.differs(search(primary, &view, &mut Silent)))
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
