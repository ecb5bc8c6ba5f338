//! One Service as the parent of routes, made ready for decisions about the requests of its clients in a mesh (GEP-1294).
//!
//! Routes of the Service's own namespace (producer routes) are for all clients. Routes of another namespace (consumer
//! routes) are for the clients of that namespace alone, and take the place of the producer's: the two are never merged.

use std::collections::HashMap;
use std::sync::Arc;

use crate::attach::{bound_ports, names_service, specificity, transport};
use crate::compile::{CompiledRoute, RegexOrder};
use crate::gateway_table::{PortKey, age};
use crate::model::{Service, Transport};
use crate::profile::Profile;
use crate::scope::{Groups, Scope};
use crate::transform::Transforms;
use crate::{ObjectName, RouteKind};

/// See the module.
#[derive(Debug)]
pub(crate) struct ServiceTable {
    pub(crate) profile: Profile,
    pub(crate) attachments: Vec<ServiceAttachment>,
    /// The routes of each port by their namespace.
    pub(crate) ports: HashMap<PortKey, HashMap<Arc<str>, Bound>>,
}

/// What became of one parentRef that names a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceAttachment {
    /// Kind of the route.
    pub kind: RouteKind,
    /// The route.
    pub route: ObjectName,
    /// Index of the parentRef.
    pub parent: usize,
    /// The ports that the parentRef speaks of; none: `NoMatchingParent`.
    pub ports: Vec<PortAttachment>,
}

/// What became of a parentRef at one port of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PortAttachment {
    /// The port.
    pub port: u16,
    /// False if routes of a more specific kind, of the same namespace, are bound to the port (`Conflicted`).
    pub applies: bool,
}

/// The routes of one namespace at one port of a Service; all of one kind.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) kind: RouteKind,
    /// The routes without their hostnames, of which the spec wants nothing inferred.
    pub(crate) scope: Scope,
    /// The routes as an implementation sees them that looks at hostnames all the same; `None` if there are none.
    pub(crate) by_hostname: Option<Scope>,
    /// What the filters of these routes can turn requests into.
    pub(crate) transforms: Transforms,
}

impl ServiceTable {
    /// `routes`: those that may name the Service as a parent. Tables of `previous` are kept where nothing changed for them.
    pub(crate) fn new(
        service: &Service,
        mut routes: Vec<Arc<CompiledRoute>>,
        profile: Profile,
        previous: Option<&Self>,
    ) -> Self {
        routes.sort_by_cached_key(|route| age(&route.route));
        let mut attachments = attach_all(service, &routes);
        settle_kinds(&mut attachments);
        let maker = BoundMaker {
            regex: RegexOrder::of(profile.behaviour()),
            previous: previous.filter(|previous| previous.profile == profile),
        };
        Self {
            profile,
            ports: maker.ports(&attachments),
            attachments: attachments.into_iter().map(|(_, attachment)| attachment).collect(),
        }
    }

    /// The routes that the requests of a client follow: those of its own namespace, else those of the Service's.
    pub(crate) fn bound(&self, service: &ObjectName, client: &str, port: PortKey) -> Option<&Bound> {
        let routes = self.ports.get(&port)?;
        routes.get(client).or_else(|| routes.get(&service.namespace))
    }
}

type Attached = (Arc<CompiledRoute>, ServiceAttachment);

fn attach_all(service: &Service, routes: &[Arc<CompiledRoute>]) -> Vec<Attached> {
    let mut attached = Vec::new();
    for compiled in routes {
        let route = &compiled.route;
        for (index, parent) in route.parents.iter().enumerate() {
            let target = &parent.target;
            if !names_service(target) || target.resolve(&route.meta.name.namespace) != service.meta.name {
                continue;
            }
            let ports = bound_ports(route.kind, parent, service).map(|port| PortAttachment {
                port: port.port,
                applies: true,
            });
            let attachment = ServiceAttachment {
                kind: route.kind,
                route: route.meta.name.clone(),
                parent: index,
                ports: ports.collect(),
            };
            attached.push((compiled.clone(), attachment));
        }
    }
    attached
}

fn key(kind: RouteKind, port: u16) -> PortKey {
    let udp = transport(kind) == Transport::Udp;
    PortKey { udp, port }
}

/// Of the kinds that one namespace binds to a port only the most specific applies.
fn settle_kinds(attached: &mut [Attached]) {
    let mut kinds: HashMap<(PortKey, Arc<str>), RouteKind> = HashMap::new();
    for (_, attachment) in attached.iter() {
        for at in &attachment.ports {
            let place = (key(attachment.kind, at.port), attachment.route.namespace.clone());
            let known = kinds.entry(place).or_insert(attachment.kind);
            if specificity(attachment.kind) < specificity(*known) {
                *known = attachment.kind;
            }
        }
    }
    for (_, attachment) in attached {
        for at in &mut attachment.ports {
            let place = (key(attachment.kind, at.port), attachment.route.namespace.clone());
            at.applies = kinds.get(&place) == Some(&attachment.kind);
        }
    }
}

struct BoundMaker<'a> {
    regex: RegexOrder,
    previous: Option<&'a ServiceTable>,
}

/// The routes of one namespace at one port.
type Routes<'a> = Vec<&'a Arc<CompiledRoute>>;

impl BoundMaker<'_> {
    fn ports(&self, attached: &[Attached]) -> HashMap<PortKey, HashMap<Arc<str>, Bound>> {
        let mut routes: HashMap<(PortKey, &Arc<str>), Routes<'_>> = HashMap::new();
        for (route, attachment) in attached {
            for at in attachment.ports.iter().filter(|at| at.applies) {
                let place = (key(attachment.kind, at.port), &attachment.route.namespace);
                routes.entry(place).or_default().push(route);
            }
        }
        let mut ports: HashMap<PortKey, HashMap<Arc<str>, Bound>> = HashMap::new();
        for ((port, namespace), routes) in routes {
            let bound = self.bound(port, namespace, &routes);
            ports
                .entry(port)
                .or_default()
                .extend(bound.map(|bound| (namespace.clone(), bound)));
        }
        ports
    }

    fn bound(&self, port: PortKey, namespace: &Arc<str>, routes: &Routes<'_>) -> Option<Bound> {
        let kind = routes.first()?.route.kind;
        let previous = self
            .previous
            .and_then(|previous| previous.ports.get(&port)?.get(namespace));
        let (mut plain, mut by_hostname) = (Groups::default(), Groups::default());
        for route in routes {
            plain.add(&None, route);
            let names = &route.route.hostnames;
            names
                .iter()
                .for_each(|name| by_hostname.add(&Some(name.clone()), route));
            if names.is_empty() {
                by_hostname.add(&None, route);
            }
        }
        let named = routes.iter().any(|route| !route.route.hostnames.is_empty());
        let named_before = previous.and_then(|previous| previous.by_hostname.as_ref());
        Some(Bound {
            kind,
            scope: plain.into_scope(self.regex, previous.map(|previous| &previous.scope)),
            by_hostname: named.then(|| by_hostname.into_scope(self.regex, named_before)),
            transforms: Transforms::of(routes.iter().copied()),
        })
    }
}
