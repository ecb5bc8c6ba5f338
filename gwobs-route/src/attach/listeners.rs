//! The listeners of a Gateway: its own, then those of its ListenerSets, with the conflicts between them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::ObjectName;
use crate::attach::{Hostname, Namespaces, names_gateway};
use crate::model::{Gateway, Kind, Listener, ListenerSet, ListenerSetName, Meta, Protocol};

/// A Gateway with all its listeners.
#[derive(Debug, Clone)]
pub struct GatewayListeners {
    /// The Gateway.
    pub gateway: Arc<Gateway>,
    /// Its own listeners in order, then those of its ListenerSets: oldest set first, then `namespace/name`.
    pub listeners: Vec<MergedListener>,
    /// True if the Gateway or one of its ListenerSets is not understood in such a way that any listener may be concerned.
    pub unsure: bool,
}

/// A listener of a Gateway or of one of its ListenerSets.
#[derive(Debug, Clone)]
pub struct MergedListener {
    /// Its name; `namespace/listenerset/name` for one of a ListenerSet.
    pub label: Arc<str>,
    /// The ListenerSet it comes from.
    pub set: Option<ListenerSetName>,
    /// The listener.
    pub listener: Listener,
    /// Why it does not work; a listener in conflict gets no traffic.
    pub conflict: Option<ListenerConflict>,
    /// True if something about it is not understood.
    pub unsure: bool,
}

/// Why a listener conflicts with another of the same port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListenerConflict {
    /// `ProtocolConflict`: the protocols cannot share a port.
    Protocol,
    /// `HostnameConflict`: the same hostname.
    Hostname,
}

impl MergedListener {
    fn of_gateway(listener: &Listener) -> Self {
        Self {
            label: listener.name.clone(),
            set: None,
            listener: listener.clone(),
            conflict: None,
            unsure: false,
        }
    }

    fn of_set(set: &ListenerSetName, listener: &Listener) -> Self {
        let label = format!("{}/{}", set.name, listener.name).into();
        Self {
            label,
            set: Some(set.clone()),
            ..Self::of_gateway(listener)
        }
    }

    /// `meta`: of the object that holds the listener, at `index`.
    fn doubted(self, meta: &Meta, index: usize, namespaces: &Namespaces) -> Self {
        let unsure = meta.is_unsure_of(&[&format!("spec.listeners.{index}")])
            || namespaces.is_unsure_of(&self.listener.allowed_routes.namespaces);
        Self { unsure, ..self }
    }

    /// The kind of the object that it comes from.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.set.as_ref().map_or(Kind::Gateway, ListenerSetName::kind)
    }

    /// The namespace that `allowedRoutes: Same` speaks of.
    #[must_use]
    pub fn namespace<'a>(&'a self, gateway: &'a ObjectName) -> &'a Arc<str> {
        self.set.as_ref().map_or(&gateway.namespace, |set| &set.name.namespace)
    }
}

/// The ListenerSets of `gateway` that it allows, in their order of precedence (`ListenerSet`: oldest first, then
/// `namespace/name`).
#[must_use]
pub fn allowed_sets<'a>(
    gateway: &Gateway,
    sets: impl Iterator<Item = &'a Arc<ListenerSet>>,
    namespaces: &Namespaces,
) -> Vec<&'a Arc<ListenerSet>> {
    let name = &gateway.meta.name;
    let allowed = |set: &&Arc<ListenerSet>| {
        let own = &set.meta.name.namespace;
        // One whose parent could not be read may be anybody's.
        let anybodys = set.meta.is_unsure_of(&["spec.parentRef"]);
        let parent = names_gateway(&set.parent) && set.parent.resolve(own) == *name;
        (parent || anybodys) && namespaces.admit(&gateway.allowed_listeners, &name.namespace, own)
    };
    let mut allowed: Vec<_> = sets.filter(allowed).collect();
    allowed.sort_by_key(|set| (set.meta.created.unwrap_or(i64::MAX), &set.meta.name));
    allowed
}

/// All listeners of a Gateway. Of conflicting listeners of the Gateway itself none works; one of a ListenerSet gives way to
/// every listener before it (GEP-1713).
#[must_use]
pub fn merge(gateway: &Arc<Gateway>, sets: &[&Arc<ListenerSet>], namespaces: &Namespaces) -> GatewayListeners {
    let own = gateway.listeners.iter().enumerate();
    let mut listeners: Vec<_> = own
        .map(|(index, listener)| MergedListener::of_gateway(listener).doubted(&gateway.meta, index, namespaces))
        .collect();
    let mut claims = Claims::default();
    claims.settle_own(&mut listeners);
    for set in sets {
        // A port of 0 is assigned later by the controller; nothing can be said about such a listener.
        let placed = set
            .listeners
            .iter()
            .enumerate()
            .filter(|(_, listener)| listener.port != 0);
        for (index, listener) in placed {
            let mut merged = MergedListener::of_set(&set.name(), listener).doubted(&set.meta, index, namespaces);
            merged.conflict = claims.against(listener);
            claims.add(listener);
            listeners.push(merged);
        }
    }
    GatewayListeners {
        gateway: gateway.clone(),
        listeners,
        unsure: unsure(gateway, sets) || namespaces.is_unsure_of(&gateway.allowed_listeners),
    }
}

/// True if something is not understood that is no listener's own: fields of addresses and of the data plane's
/// infrastructure say nothing about routes.
fn unsure(gateway: &Gateway, sets: &[&Arc<ListenerSet>]) -> bool {
    const HARMLESS: [&str; 3] = ["spec.listeners.", "spec.infrastructure", "spec.addresses"];
    let matters = |path: &String| path.starts_with("spec") && !HARMLESS.iter().any(|part| path.starts_with(part));
    let metas = sets.iter().map(|set| &set.meta).chain([&gateway.meta]);
    metas.flat_map(|meta| &meta.unknown).any(matters)
}

/// Protocols that can share a port: they tell connections apart by hostname.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Family {
    Http,
    Tls,
    Tcp,
    Udp,
    Other(Arc<str>),
}

fn family(protocol: &Protocol) -> Family {
    match protocol {
        Protocol::Http => Family::Http,
        Protocol::Https | Protocol::Tls => Family::Tls,
        Protocol::Tcp => Family::Tcp,
        Protocol::Udp => Family::Udp,
        Protocol::Other(name) => Family::Other(name.clone()),
    }
}

/// UDP ports are apart from TCP ports.
type Port = (bool, u16);

fn port(listener: &Listener) -> Port {
    (listener.protocol == Protocol::Udp, listener.port)
}

/// TCP and UDP have no hostnames, whatever the listener says.
pub(crate) fn effective_hostname(listener: &Listener) -> Hostname {
    let named = !matches!(listener.protocol, Protocol::Tcp | Protocol::Udp);
    listener.hostname.clone().filter(|_| named)
}

/// What the listeners so far have taken.
#[derive(Default)]
struct Claims {
    families: HashMap<Port, Family>,
    hostnames: HashSet<(Port, Hostname)>,
}

impl Claims {
    fn settle_own(&mut self, listeners: &mut [MergedListener]) {
        let mut families: HashMap<Port, HashSet<Family>> = HashMap::new();
        let mut hostnames: HashMap<(Port, Hostname), usize> = HashMap::new();
        for MergedListener { listener, .. } in listeners.iter() {
            families
                .entry(port(listener))
                .or_default()
                .insert(family(&listener.protocol));
            *hostnames
                .entry((port(listener), effective_hostname(listener)))
                .or_default() += 1;
            self.add(listener);
        }
        for merged in listeners {
            let at = port(&merged.listener);
            let mixed = families.get(&at).is_some_and(|families| families.len() > 1);
            let twice = hostnames
                .get(&(at, effective_hostname(&merged.listener)))
                .is_some_and(|&count| count > 1);
            merged.conflict = match (mixed, twice) {
                (true, _) => Some(ListenerConflict::Protocol),
                (false, true) => Some(ListenerConflict::Hostname),
                (false, false) => None,
            };
        }
    }

    fn against(&self, listener: &Listener) -> Option<ListenerConflict> {
        let at = port(listener);
        if self
            .families
            .get(&at)
            .is_some_and(|taken| *taken != family(&listener.protocol))
        {
            return Some(ListenerConflict::Protocol);
        }
        self.hostnames
            .contains(&(at, effective_hostname(listener)))
            .then_some(ListenerConflict::Hostname)
    }

    fn add(&mut self, listener: &Listener) {
        let at = port(listener);
        self.families.entry(at).or_insert_with(|| family(&listener.protocol));
        self.hostnames.insert((at, effective_hostname(listener)));
    }
}
