//! One Gateway made ready for decisions: its listeners, and per port the tables of the routes attached to them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::attach::{
    GatewayListeners, ListenerAttachment, Namespaces, Refusal, RouteConflicts, attach, concerns, effective_hostname,
};
use crate::compile::{CompiledRoute, RegexOrder};
use crate::hosts::Hosts;
use crate::model::{Protocol, Route};
use crate::precedence::FullName;
use crate::profile::Profile;
use crate::scope::{Groups, Scope};
use crate::transform::Transforms;
use crate::{ObjectName, RouteKind};

/// See the module.
#[derive(Debug)]
pub(crate) struct GatewayTable {
    pub(crate) listeners: GatewayListeners,
    pub(crate) profile: Profile,
    pub(crate) ports: HashMap<PortKey, PortTable>,
    pub(crate) attachments: Vec<RouteAttachment>,
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

/// What a Gateway's table is made of.
pub(crate) struct Parts<'a> {
    pub(crate) listeners: GatewayListeners,
    pub(crate) routes: Vec<Arc<CompiledRoute>>,
    pub(crate) namespaces: &'a Namespaces,
    pub(crate) profile: Profile,
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
        }
    }
}

/// Oldest first, then by `namespace/name`.
pub(crate) fn age(route: &Route) -> (i64, FullName, RouteKind) {
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
        table.transforms = Transforms::of(groups.iter().flat_map(|(_, groups)| groups.http_routes()));
        if groups.len() > 1 {
            let together = Groups::merge(groups.iter().map(|(_, groups)| groups));
            let previous = previous.and_then(|previous| previous.merged.as_ref());
            table.merged = Some(together.into_scope(self.regex, previous));
        }
        for (index, groups) in groups {
            let previous = previous.and_then(|previous| previous.scopes.get(&index));
            table.scopes.insert(index, groups.into_scope(self.regex, previous));
        }
        table
    }
}
