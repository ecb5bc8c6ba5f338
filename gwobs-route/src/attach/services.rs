//! One parentRef of a route against a Service: routes of a mesh (GEP-1294).

use crate::RouteKind;
use crate::model::{ParentRef, Reference, Service, ServicePort, ServiceType, Transport};

/// True if the reference is to a Service.
#[must_use]
pub fn names_service(target: &Reference) -> bool {
    target.is("", "Service")
}

/// The ports of a Service that a parentRef binds a route of that kind to: all of them, or the one with its `sectionName`
/// (the port's name) and `port`. Empty if there is none (`NoMatchingParent`).
pub fn bound_ports<'a>(
    kind: RouteKind,
    parent: &'a ParentRef,
    service: &'a Service,
) -> impl Iterator<Item = &'a ServicePort> {
    let chosen = move |port: &&ServicePort| {
        let named = parent
            .section
            .as_ref()
            .is_none_or(|name| port.name.as_ref() == Some(name));
        named && parent.port.is_none_or(|number| number == port.port) && port.transport == transport(kind)
    };
    service.ports.iter().filter(chosen)
}

/// What carries the connections of a kind of route.
pub(crate) fn transport(kind: RouteKind) -> Transport {
    match kind {
        RouteKind::Udp => Transport::Udp,
        _ => Transport::Tcp,
    }
}

/// Of routes of different kinds at one port only the most specific kind applies: the least is kept. UDPRoutes are apart.
pub(crate) fn specificity(kind: RouteKind) -> u8 {
    match kind {
        RouteKind::Grpc => 0,
        RouteKind::Http => 1,
        RouteKind::Tls => 2,
        RouteKind::Tcp => 3,
        RouteKind::Udp => 4,
    }
}

/// True if a Service has a frontend of its own: clients that call a headless one, or an external name, call its backends.
/// Such Services SHOULD NOT be supported as parents.
#[must_use]
pub fn has_frontend(service: &Service) -> bool {
    !service.headless && service.kind != ServiceType::ExternalName
}
