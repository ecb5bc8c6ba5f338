//! The matches that compete: those that one listener reaches through one hostname, or one client one port of a Service in
//! a mesh.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::ObjectName;
use crate::attach::Hostname;
use crate::compile::{CompiledRoute, PathTest, Test};
use crate::gateway_table::{GatewayTable, PortKey};
use crate::lint::finding::ObjectRef;
use crate::lint::world::World;
use crate::model::{Protocol, Rule};
use crate::profile::Profile;
use crate::scope::Scope;
use crate::service_table::ServiceTable;
use crate::table::Entry;

/// Matches that compete, in order of precedence.
pub(super) struct Group<'w> {
    pub(super) place: Place<'w>,
    pub(super) hostname: Hostname,
    pub(super) profile: Profile,
    pub(super) entries: &'w [Entry],
    /// TLSRoutes, TCPRoutes or UDPRoutes in order of precedence; then there are no entries.
    pub(super) streams: &'w [Arc<CompiledRoute>],
}

/// Where matches compete.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place<'w> {
    /// At a listener of a Gateway.
    Listener(&'w ObjectName, Arc<str>),
    /// At a port of a Service; the routes are those of one namespace.
    Port(&'w ObjectName, u16, &'w Arc<str>),
}

impl fmt::Display for Group<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hostname = self.hostname.as_deref().unwrap_or("every host");
        match &self.place {
            Place::Listener(gateway, listener) => write!(f, "{hostname} at listener {listener} of Gateway {gateway}"),
            Place::Port(service, port, namespace) if service.namespace == **namespace => {
                write!(f, "port {port} of Service {service}")
            }
            Place::Port(service, port, namespace) => {
                write!(
                    f,
                    "port {port} of Service {service} and clients in namespace {namespace}"
                )
            }
        }
    }
}

/// All groups, by Gateway, listener and hostname; then by Service, port and namespace.
pub(super) fn groups<'w>(world: &'w World<'_>) -> Vec<Group<'w>> {
    let gateways = world.snapshot.gateways.iter();
    let services = world.snapshot.services.iter();
    gateways
        .flat_map(|(gateway, table)| of_gateway(gateway, table))
        .chain(services.flat_map(|(service, table)| of_service(service, table)))
        .collect()
}

fn of_service<'w>(service: &'w ObjectName, table: &'w ServiceTable) -> Vec<Group<'w>> {
    let ports = table.ports.iter().flat_map(|(key, routes)| {
        routes.iter().map(move |(namespace, bound)| {
            let entries = bound.scope.tables.get(&None);
            let streams = bound.scope.streams.get(&None);
            Group {
                place: Place::Port(service, key.port, namespace),
                hostname: None,
                profile: table.profile,
                entries: entries.map(|found| found.table.entries()).unwrap_or_default(),
                streams: streams.map(|found| &**found).unwrap_or_default(),
            }
        })
    });
    let mut groups: Vec<_> = ports.collect();
    groups.sort_by(|one, other| one.place.cmp(&other.place));
    groups
}

fn of_gateway<'w>(gateway: &'w ObjectName, table: &'w GatewayTable) -> Vec<Group<'w>> {
    let mut hostnames: BTreeMap<usize, BTreeSet<Hostname>> = BTreeMap::new();
    let outcomes = table.attachments.iter().flat_map(|attachment| &attachment.listeners);
    for outcome in outcomes {
        if let Ok(names) = &outcome.outcome {
            hostnames
                .entry(outcome.listener)
                .or_default()
                .extend(names.iter().cloned());
        }
    }
    let places = hostnames
        .into_iter()
        .flat_map(|(listener, names)| names.into_iter().map(move |name| (listener, name)));
    places
        .filter_map(|(listener, hostname)| group(gateway, table, listener, hostname))
        .collect()
}

fn group<'w>(gateway: &'w ObjectName, table: &'w GatewayTable, index: usize, hostname: Hostname) -> Option<Group<'w>> {
    let merged = table.listeners.listeners.get(index)?;
    let scope = scope(table, index)?;
    Some(Group {
        place: Place::Listener(gateway, merged.label.clone()),
        profile: table.profile,
        entries: scope
            .tables
            .get(&hostname)
            .map(|found| found.table.entries())
            .unwrap_or_default(),
        streams: scope.streams.get(&hostname).map(|found| &**found).unwrap_or_default(),
        hostname,
    })
}

fn scope(table: &GatewayTable, index: usize) -> Option<&Scope> {
    let listener = &table.listeners.listeners.get(index)?.listener;
    let udp = listener.protocol == Protocol::Udp;
    let port = PortKey {
        udp,
        port: listener.port,
    };
    table.ports.get(&port)?.scopes.get(&index)
}

impl Entry {
    /// Rule and match, as indices.
    pub(super) fn position(&self) -> (usize, usize) {
        (usize::from(self.summary.rule), usize::from(self.summary.matched))
    }

    pub(super) fn object(&self) -> ObjectRef {
        ObjectRef::route(&self.route.route)
    }

    pub(super) fn rule(&self) -> Option<&Rule> {
        self.route.rule(self.summary.rule)
    }

    /// In words: `rule 1 match 0 of HTTPRoute shop/cart`.
    pub(super) fn name(&self) -> String {
        let (rule, matched) = self.position();
        format!("rule {rule} match {matched} of {}", self.object())
    }

    /// True if both do the same with a request.
    pub(super) fn acts_like(&self, other: &Self) -> bool {
        let (Some(one), Some(two)) = (self.rule(), other.rule()) else {
            return false;
        };
        // Backends are named from the route's own namespace.
        self.route.route.meta.name.namespace == other.route.route.meta.name.namespace
            && one.backends == two.backends
            && one.filters == two.filters
            && (one.timeouts, &one.retry, &one.session) == (two.timeouts, &two.retry, &two.session)
    }
}

/// A condition on a string, comparable; `None` for one that is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum TestKey<'a> {
    Exact(&'a str),
    Regex(&'a str),
}

impl<'a> TestKey<'a> {
    pub(super) fn of(test: &'a Test) -> Option<Self> {
        match test {
            Test::Exact(text) => Some(Self::Exact(text)),
            Test::Pattern(pattern) => Some(Self::Regex(&pattern.source)),
            Test::Unknown => None,
        }
    }
}

/// A condition on the path, comparable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum PathKey<'a> {
    Exact(&'a str),
    /// Without trailing `/`.
    Prefix(&'a str),
    Regex(&'a str),
    Grpc(Option<TestKey<'a>>, Option<TestKey<'a>>),
}

impl<'a> PathKey<'a> {
    /// `None` for a condition that is not understood.
    pub(super) fn of(path: &'a PathTest) -> Option<Self> {
        match path {
            PathTest::Exact(path) => Some(Self::Exact(path)),
            PathTest::Prefix(prefix) => Some(Self::Prefix(prefix)),
            PathTest::Pattern(pattern) => Some(Self::Regex(&pattern.source)),
            PathTest::Unknown => None,
            PathTest::Grpc { service, method } => Some(Self::Grpc(part(service.as_ref())?, part(method.as_ref())?)),
        }
    }
}

/// Outer `None`: not understood; inner `None`: not given.
fn part(test: Option<&Test>) -> Option<Option<TestKey<'_>>> {
    match test {
        None => Some(None),
        Some(test) => TestKey::of(test).map(Some),
    }
}
