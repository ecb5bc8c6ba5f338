//! One Gateway made ready for decisions: its listeners, and per port the tables of the routes attached to them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::attach::{
    GatewayListeners, Hostname, ListenerAttachment, Namespaces, Refusal, RouteConflicts, attach, concerns,
    effective_hostname,
};
use crate::compile::{CompiledRoute, RegexOrder};
use crate::hosts::Hosts;
use crate::model::{Protocol, Route};
use crate::precedence::FullName;
use crate::profile::Profile;
use crate::table::Table;
use crate::transform::Transforms;
use crate::{ObjectName, RouteKind};

/// See the module.
#[derive(Debug)]
pub(crate) struct GatewayTable {
    pub(crate) listeners: GatewayListeners,
    pub(crate) profile: Profile,
    pub(crate) ports: HashMap<PortKey, PortTable>,
    pub(crate) attachments: Vec<RouteAttachment>,
    /// Routes in order of precedence by age and name.
    pub(crate) routes: Vec<Arc<CompiledRoute>>,
}

/// What became of one parentRef of a route.
#[derive(Debug, Clone)]
pub struct RouteAttachment {
    /// Kind of the route.
    pub kind: RouteKind,
    /// The route.
    pub route: ObjectName,
    /// Index of the parentRef.
    pub parent: usize,
    /// The outcome at each listener the parentRef speaks of; none: `NoMatchingParent`.
    pub listeners: Vec<ListenerAttachment>,
}

/// UDP ports are apart from TCP ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct PortKey {
    pub(crate) udp: bool,
    pub(crate) port: u16,
}

/// The listeners of one port.
#[derive(Debug, Default)]
pub(crate) struct PortTable {
    /// Index of the listener that owns a host or server name.
    pub(crate) owners: Hosts<usize>,
    /// The routes of each listener.
    pub(crate) scopes: HashMap<usize, Scope>,
    /// The routes of all listeners together, as gateways without listener isolation see them; `None` if there is but one.
    pub(crate) merged: Option<Scope>,
    /// What filters on this port can turn requests into.
    pub(crate) transforms: Transforms,
}

/// The routes of one listener by hostname.
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

/// What a Gateway's table is made of.
pub(crate) struct Parts<'a> {
    pub(crate) listeners: GatewayListeners,
    pub(crate) routes: Vec<Arc<CompiledRoute>>,
    pub(crate) namespaces: &'a Namespaces,
    pub(crate) profile: Profile,
}

/// The routes of each hostname of one listener (or of all of a port), before tables are made of them.
#[derive(Default)]
struct Groups {
    http: BTreeMap<Hostname, Vec<Arc<CompiledRoute>>>,
    streams: BTreeMap<Hostname, Vec<Arc<CompiledRoute>>>,
}

impl GatewayTable {
    /// Tables of `previous` are kept where nothing changed for them.
    pub(crate) fn new(parts: Parts<'_>, previous: Option<&Self>) -> Self {
        let Parts {
            listeners,
            mut routes,
            namespaces,
            profile,
        } = parts;
        routes.sort_by_cached_key(|route| age(&route.route));
        let mut attachments = attach_all(&listeners, &routes, namespaces);
        settle_kinds(listeners.listeners.len(), &routes, &mut attachments);
        let groups = group(listeners.listeners.len(), &attachments);
        let regex = RegexOrder::of(profile.behaviour());
        let maker = TableMaker {
            regex,
            previous: previous.filter(|previous| previous.profile == profile),
        };
        let ports = maker.ports(&listeners, groups);
        let attachments = attachments.into_iter().map(|(_, attachment)| attachment).collect();
        Self {
            listeners,
            profile,
            ports,
            attachments,
            routes,
        }
    }
}

/// Oldest first, then by `namespace/name`.
fn age(route: &Route) -> (i64, FullName, RouteKind) {
    (
        route.meta.created.unwrap_or(i64::MAX),
        FullName(route.meta.name.clone()),
        route.kind,
    )
}

type Attached = (Arc<CompiledRoute>, RouteAttachment);

fn attach_all(listeners: &GatewayListeners, routes: &[Arc<CompiledRoute>], namespaces: &Namespaces) -> Vec<Attached> {
    let one = |compiled: &Arc<CompiledRoute>, parent: usize| {
        let route = &compiled.route;
        let reference = route
            .parents
            .get(parent)
            .filter(|reference| concerns(route, reference, listeners))?;
        let listeners = attach(route, reference, listeners, namespaces);
        let attachment = RouteAttachment {
            kind: route.kind,
            route: route.meta.name.clone(),
            parent,
            listeners,
        };
        Some((compiled.clone(), attachment))
    };
    let all = routes
        .iter()
        .flat_map(|route| (0..route.route.parents.len()).map(move |parent| (route, parent)));
    all.filter_map(|(route, parent)| one(route, parent)).collect()
}

/// Refuses HTTPRoutes and GRPCRoutes that share hostnames with an older one of the other kind.
fn settle_kinds(listeners: usize, routes: &[Arc<CompiledRoute>], attachments: &mut [Attached]) {
    let has = |kind| routes.iter().any(|route| route.route.kind == kind);
    if !has(RouteKind::Http) || !has(RouteKind::Grpc) {
        return;
    }
    let mut conflicts: Vec<RouteConflicts> = std::iter::repeat_with(Default::default).take(listeners).collect();
    for (_, attachment) in attachments {
        let kind = attachment.kind;
        for at in &mut attachment.listeners {
            let (Ok(hostnames), Some(conflicts)) = (&at.outcome, conflicts.get_mut(at.listener)) else {
                continue;
            };
            if !conflicts.admit(kind, hostnames) {
                at.outcome = Err(Refusal::OtherKindOwnsHostname);
            }
        }
    }
}

fn group(listeners: usize, attachments: &[Attached]) -> Vec<Groups> {
    let mut groups: Vec<Groups> = std::iter::repeat_with(Groups::default).take(listeners).collect();
    for (route, attachment) in attachments {
        for at in &attachment.listeners {
            if let (Ok(hostnames), Some(group)) = (&at.outcome, groups.get_mut(at.listener)) {
                hostnames.iter().for_each(|name| group.add(name, route));
            }
        }
    }
    groups
}

impl Groups {
    fn add(&mut self, name: &Hostname, route: &Arc<CompiledRoute>) {
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

    fn merge<'a>(all: impl Iterator<Item = &'a Self>) -> Self {
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
}

struct TableMaker<'a> {
    regex: RegexOrder,
    previous: Option<&'a GatewayTable>,
}

impl TableMaker<'_> {
    fn ports(&self, listeners: &GatewayListeners, groups: Vec<Groups>) -> HashMap<PortKey, PortTable> {
        let mut by_port: HashMap<PortKey, Vec<(usize, Groups)>> = HashMap::new();
        for (index, (merged, groups)) in listeners.listeners.iter().zip(groups).enumerate() {
            if merged.conflict.is_none() {
                let udp = merged.listener.protocol == Protocol::Udp;
                by_port
                    .entry(PortKey {
                        udp,
                        port: merged.listener.port,
                    })
                    .or_default()
                    .push((index, groups));
            }
        }
        by_port
            .into_iter()
            .map(|(key, groups)| (key, self.port(key, listeners, groups)))
            .collect()
    }

    fn port(&self, key: PortKey, listeners: &GatewayListeners, groups: Vec<(usize, Groups)>) -> PortTable {
        let previous = self.previous.and_then(|previous| previous.ports.get(&key));
        let mut table = PortTable::default();
        for (index, _) in &groups {
            let hostname = listeners
                .listeners
                .get(*index)
                .and_then(|merged| effective_hostname(&merged.listener));
            table.owners.entry(&hostname, || *index);
        }
        let routes = groups.iter().flat_map(|(_, groups)| groups.http.values().flatten());
        let mut seen = HashSet::new();
        table.transforms = Transforms::of(routes.filter(|route| seen.insert(Arc::as_ptr(route))));
        if groups.len() > 1 {
            let together = Groups::merge(groups.iter().map(|(_, groups)| groups));
            table.merged = Some(self.scope(together, previous.and_then(|previous| previous.merged.as_ref())));
        }
        for (index, groups) in groups {
            let scope = self.scope(groups, previous.and_then(|previous| previous.scopes.get(&index)));
            table.scopes.insert(index, scope);
        }
        table
    }

    fn scope(&self, groups: Groups, previous: Option<&Scope>) -> Scope {
        let mut scope = Scope::default();
        for (name, routes) in groups.http {
            let kept = previous
                .and_then(|previous| previous.tables.get(&name))
                .filter(|kept| kept.is_of(&routes));
            let table = kept.cloned().unwrap_or_else(|| self.table(&name, routes));
            scope.tables.entry(&name, || table);
        }
        for (name, routes) in groups.streams {
            scope.streams.entry(&name, || routes);
        }
        scope
    }

    fn table(&self, name: &Hostname, routes: Vec<Arc<CompiledRoute>>) -> Arc<HostTable> {
        let table = Table::new(name, routes.iter(), self.regex);
        Arc::new(HostTable { routes, table })
    }
}

impl HostTable {
    fn is_of(&self, routes: &[Arc<CompiledRoute>]) -> bool {
        let same = |(one, other): (&Arc<CompiledRoute>, &Arc<CompiledRoute>)| Arc::ptr_eq(one, other);
        self.routes.len() == routes.len() && self.routes.iter().zip(routes).all(same)
    }
}
