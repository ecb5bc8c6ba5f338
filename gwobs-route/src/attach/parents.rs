//! One parentRef of a route against the listeners of a Gateway.

use crate::attach::hostname::effective;
use crate::attach::{GATEWAY_GROUP, GatewayListeners, Hostname, MergedListener, Namespaces};
use crate::model::{Kind, Listener, ListenerSetName, ParentRef, Protocol, Reference, Route, RouteGroupKind};
use crate::{ObjectName, RouteKind};

/// What became of one parentRef at one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerAttachment {
    /// Index of the listener in [`GatewayListeners::listeners`].
    pub listener: usize,
    /// The effective hostnames, or why the route does not attach.
    pub outcome: Result<Vec<Hostname>, Refusal>,
}

/// Why a route does not attach to a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `NotAllowedByListeners`: the kind is not allowed.
    KindNotAllowed,
    /// `NotAllowedByListeners`: the namespace is not allowed.
    NamespaceNotAllowed,
    /// `NoMatchingListenerHostname`
    NoMatchingHostname,
    /// The listener is in conflict with another and does not work.
    ListenerInConflict,
    /// An older HTTPRoute (GRPCRoute) at this listener shares a hostname with this GRPCRoute (HTTPRoute).
    OtherKindOwnsHostname,
}

/// True if the reference is to a Gateway.
#[must_use]
pub fn names_gateway(target: &Reference) -> bool {
    target.is(GATEWAY_GROUP, "Gateway")
}

/// Which kind of ListenerSet the reference is to, the standard or the experimental one; `None` for anything else.
#[must_use]
pub fn listener_set_kind(target: &Reference) -> Option<Kind> {
    let kinds = [Kind::ListenerSet, Kind::XListenerSet].into_iter();
    kinds.into_iter().find(|kind| target.is(kind.group(), kind.as_str()))
}

/// The outcome at every listener that the parentRef speaks of: all of the parent's listeners, or those with its
/// `sectionName` and `port`. Empty if there is none (`NoMatchingParent`), also if the parent is not of this Gateway.
#[must_use]
pub fn attach(
    route: &Route,
    parent: &ParentRef,
    gateway: &GatewayListeners,
    namespaces: &Namespaces,
) -> Vec<ListenerAttachment> {
    let Some(scope) = Scope::of(route, parent, gateway) else {
        return Vec::new();
    };
    let chosen = gateway
        .listeners
        .iter()
        .enumerate()
        .filter(|(_, merged)| scope.holds(merged, parent));
    chosen
        .map(|(listener, merged)| {
            let outcome = at_listener(route, merged, &gateway.gateway.meta.name, namespaces);
            ListenerAttachment { listener, outcome }
        })
        .collect()
}

/// The outcome at every listener of a Gateway for a route whose parents could not be read.
pub(crate) fn attach_anywhere(
    route: &Route,
    gateway: &GatewayListeners,
    namespaces: &Namespaces,
) -> Vec<ListenerAttachment> {
    let all = gateway.listeners.iter().enumerate();
    all.map(|(listener, merged)| ListenerAttachment {
        listener,
        outcome: at_listener(route, merged, &gateway.gateway.meta.name, namespaces),
    })
    .collect()
}

/// True if the parentRef names this Gateway or one of its ListenerSets.
pub(crate) fn concerns(route: &Route, parent: &ParentRef, gateway: &GatewayListeners) -> bool {
    match Scope::of(route, parent, gateway) {
        Some(Scope::Gateway) => true,
        Some(Scope::Set(name)) => gateway
            .listeners
            .iter()
            .any(|merged| merged.set.as_ref() == Some(&name)),
        None => false,
    }
}

/// Whose listeners a parentRef speaks of: a Gateway's own, or those of one ListenerSet.
enum Scope {
    Gateway,
    Set(ListenerSetName),
}

impl Scope {
    fn of(route: &Route, parent: &ParentRef, gateway: &GatewayListeners) -> Option<Self> {
        let name = parent.target.resolve(&route.meta.name.namespace);
        if names_gateway(&parent.target) {
            return (name == gateway.gateway.meta.name).then_some(Self::Gateway);
        }
        let experimental = listener_set_kind(&parent.target)? == Kind::XListenerSet;
        Some(Self::Set(ListenerSetName { name, experimental }))
    }

    fn holds(&self, merged: &MergedListener, parent: &ParentRef) -> bool {
        let owner = match self {
            Self::Gateway => merged.set.is_none(),
            Self::Set(name) => merged.set.as_ref() == Some(name),
        };
        owner
            && parent
                .section
                .as_ref()
                .is_none_or(|section| *section == merged.listener.name)
            && parent.port.is_none_or(|port| port == merged.listener.port)
    }
}

fn at_listener(
    route: &Route,
    merged: &MergedListener,
    gateway: &ObjectName,
    namespaces: &Namespaces,
) -> Result<Vec<Hostname>, Refusal> {
    let listener = &merged.listener;
    if !kind_allowed(listener, route.kind) {
        return Err(Refusal::KindNotAllowed);
    }
    let allowed = &listener.allowed_routes.namespaces;
    if !namespaces.admit(allowed, merged.namespace(gateway), &route.meta.name.namespace) {
        return Err(Refusal::NamespaceNotAllowed);
    }
    let hostnames = match route.kind {
        RouteKind::Tcp | RouteKind::Udp => vec![None],
        _ => effective(listener.hostname.as_ref(), &route.hostnames),
    };
    match (hostnames.is_empty(), merged.conflict) {
        (true, _) => Err(Refusal::NoMatchingHostname),
        (false, Some(_)) => Err(Refusal::ListenerInConflict),
        (false, None) => Ok(hostnames),
    }
}

/// The kinds of routes that a listener of this protocol can carry (`ProtocolType`).
#[must_use]
pub fn supported_kinds(protocol: &Protocol) -> &'static [RouteKind] {
    match protocol {
        Protocol::Http | Protocol::Https => &[RouteKind::Http, RouteKind::Grpc],
        Protocol::Tls => &[RouteKind::Tls, RouteKind::Tcp],
        Protocol::Tcp => &[RouteKind::Tcp],
        Protocol::Udp => &[RouteKind::Udp],
        Protocol::Other(_) => &[],
    }
}

fn kind_allowed(listener: &Listener, kind: RouteKind) -> bool {
    let named = |allowed: &RouteGroupKind| &*allowed.group == GATEWAY_GROUP && &*allowed.kind == kind.as_str();
    let kinds = &listener.allowed_routes.kinds;
    supported_kinds(&listener.protocol).contains(&kind) && (kinds.is_empty() || kinds.iter().any(named))
}
