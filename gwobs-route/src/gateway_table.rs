//! One Gateway made ready for decisions: its listeners, and per port the tables of the routes attached to them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::attach::{
    GatewayListeners, ListenerAttachment, Namespaces, Refusal, RouteConflicts, attach, attach_anywhere, concerns,
    effective_hostname,
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
    /// True if something is not understood about one of the listeners, which may own requests that it does not seem to own,
    /// or about the hostnames of a route.
    pub(crate) unsure: bool,
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
    let mut attached = Vec::new();
    for compiled in routes {
        let route = &compiled.route;
        let mut add = |parent, listeners| {
            let attachment = RouteAttachment {
                kind: route.kind,
                route: route.meta.name.clone(),
                parent,
                listeners,
            };
            attached.push((compiled.clone(), attachment));
        };
        for (parent, reference) in route.parents.iter().enumerate() {
            if concerns(route, reference, listeners) {
                add(parent, attach(route, reference, listeners, namespaces));
            }
        }
        if route.has_unread_parents() {
            add(0, attach_anywhere(route, listeners, namespaces));
        }
    }
    attached
}

/// Refuses HTTPRoutes and GRPCRoutes that share hostnames with an older one of the other kind.
fn settle_kinds(listeners: usize, routes: &[Arc<CompiledRoute>], attachments: &mut [Attached]) {
    let has = |kind| routes.iter().any(|route| route.route.kind == kind);
    if !has(RouteKind::Http) || !has(RouteKind::Grpc) {
        return;
    }
    let mut conflicts: Vec<RouteConflicts> = std::iter::repeat_with(Default::default).take(listeners).collect();
    // Nobody knows whom a route of unread hostnames shares them with.
    let settled = attachments
        .iter_mut()
        .filter(|(route, _)| !route.route.has_unread_hostnames());
    for (_, attachment) in settled {
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
            if let Some(merged) = listeners.listeners.get(*index) {
                table.owners.entry(&effective_hostname(&merged.listener), || *index);
                table.unsure |= merged.unsure;
            }
        }
        table.unsure |= groups.iter().any(|(_, groups)| groups.has_unread_hostnames());
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
