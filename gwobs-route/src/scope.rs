//! The routes that compete for the requests of one listener, or for those of a client to a Service in a mesh, by hostname.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::RouteKind;
use crate::attach::Hostname;
use crate::compile::{CompiledRoute, RegexOrder};
use crate::hosts::Hosts;
use crate::table::Table;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    pub(crate) tables: Hosts<Arc<HostTable>>,
    /// TLSRoutes, TCPRoutes and UDPRoutes, in order of precedence.
    pub(crate) streams: Hosts<Vec<Arc<CompiledRoute>>>,
}

/// The table of one hostname with the routes it was made of, so that it can be kept when these have not changed.
#[derive(Debug)]
pub(crate) struct HostTable {
    routes: Vec<Arc<CompiledRoute>>,
    pub(crate) table: Table,
}

/// The routes of each hostname, before tables are made of them. They are added in order of precedence by age and name.
#[derive(Default)]
pub(crate) struct Groups {
    http: BTreeMap<Hostname, Vec<Arc<CompiledRoute>>>,
    streams: BTreeMap<Hostname, Vec<Arc<CompiledRoute>>>,
}

impl Groups {
    pub(crate) fn add(&mut self, name: &Hostname, route: &Arc<CompiledRoute>) {
        let stream = !matches!(route.route.kind, RouteKind::Http | RouteKind::Grpc);
        let groups = if stream { &mut self.streams } else { &mut self.http };
        let group = match groups.get_mut(name) {
            Some(group) => group,
            None => groups.entry(name.clone()).or_default(),
        };
        // Two parentRefs may lead to one listener. Routes come in order, so the same one can only be the last.
        if !group.last().is_some_and(|last| Arc::ptr_eq(last, route)) {
            group.push(route.clone());
        }
    }

    /// The HTTPRoutes and GRPCRoutes of several listeners together.
    pub(crate) fn merge<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
        let mut merged = Self::default();
        for groups in all {
            for (name, routes) in &groups.http {
                let group: &mut Vec<_> = merged.http.entry(name.clone()).or_default();
                let known: HashSet<_> = group.iter().map(Arc::as_ptr).collect();
                group.extend(
                    routes
                        .iter()
                        .filter(|route| !known.contains(&Arc::as_ptr(route)))
                        .cloned(),
                );
            }
        }
        merged
    }

    /// The HTTPRoutes and GRPCRoutes, once for each hostname.
    pub(crate) fn http_routes(&self) -> impl Iterator<Item = &Arc<CompiledRoute>> {
        self.http.values().flatten()
    }

    pub(crate) fn has_unread_hostnames(&self) -> bool {
        let mut routes = self.http.values().chain(self.streams.values()).flatten();
        routes.any(|route| route.route.has_unread_hostnames())
    }

    /// Tables of `previous` are kept where nothing changed for them.
    pub(crate) fn into_scope(self, regex: RegexOrder, previous: Option<&Scope>) -> Scope {
        let mut scope = Scope::default();
        for (name, routes) in self.http {
            let kept = previous
                .and_then(|previous| previous.tables.get(&name))
                .filter(|kept| kept.is_of(&routes));
            let table = kept
                .cloned()
                .unwrap_or_else(|| Arc::new(HostTable::new(&name, routes, regex)));
            scope.tables.entry(&name, || table);
        }
        for (name, routes) in self.streams {
            scope.streams.entry(&name, || routes);
        }
        scope
    }
}

impl HostTable {
    fn new(name: &Hostname, routes: Vec<Arc<CompiledRoute>>, regex: RegexOrder) -> Self {
        let table = Table::new(name, routes.iter(), regex);
        Self { routes, table }
    }

    fn is_of(&self, routes: &[Arc<CompiledRoute>]) -> bool {
        let same = |(one, other): (&Arc<CompiledRoute>, &Arc<CompiledRoute>)| Arc::ptr_eq(one, other);
        self.routes.len() == routes.len() && self.routes.iter().zip(routes).all(same)
    }
}
