//! What one snapshot says about ports, mirrors and headers, looked up in advance.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use gwobs_route::model::{BackendRef, Filter, HeaderModifier, Protocol, Route};
use gwobs_route::{BackendName, ObjectName, RouteRef, Snapshot, WireProtocol};

/// A listener port of a Gateway that counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Door {
    pub(super) gateway: ObjectName,
    pub(super) port: u16,
    pub(super) secure: bool,
}

impl Door {
    /// What clients speak there.
    pub(super) fn protocol(&self) -> WireProtocol {
        if self.secure {
            WireProtocol::Https
        } else {
            WireProtocol::Http
        }
    }
}

/// What one snapshot says about ports, mirrors and headers.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    doors: BTreeMap<u16, Vec<Door>>,
    routed: BTreeSet<BackendName>,
    mirrors: BTreeSet<BackendName>,
    auth: BTreeSet<BackendName>,
    touched: BTreeSet<Arc<str>>,
}

impl Catalogue {
    pub(super) fn of(snapshot: &Snapshot, gateways: &[ObjectName]) -> Self {
        let mut catalogue = Self::default();
        for gateway in gateways {
            catalogue.add_doors(snapshot, gateway);
            for attachment in snapshot.attachments(gateway) {
                let reference = RouteRef {
                    kind: attachment.kind,
                    route: attachment.route.clone(),
                    rule: 0,
                    matched: 0,
                    rule_name: None,
                };
                snapshot
                    .route(&reference)
                    .into_iter()
                    .for_each(|route| catalogue.add_route(route));
            }
        }
        catalogue
    }

    /// The Gateways that listen on a port.
    pub(super) fn doors(&self, port: u16) -> &[Door] {
        self.doors.get(&port).map(Vec::as_slice).unwrap_or_default()
    }

    /// The ports that these Gateways listen on.
    pub(super) fn ports<'a>(&'a self, gateways: &'a [ObjectName]) -> impl Iterator<Item = u16> + 'a {
        let of_these = |doors: &[Door]| doors.iter().any(|door| gateways.contains(&door.gateway));
        self.doors
            .iter()
            .filter(move |(_, doors)| of_these(doors))
            .map(|(port, _)| *port)
    }

    /// True if an address only ever gets mirrored requests.
    pub(super) fn is_mirror(&self, snapshot: &Snapshot, address: SocketAddr) -> bool {
        self.is_only(&self.mirrors, snapshot, address)
    }

    /// True if an address is only ever asked for authorization.
    pub(super) fn is_auth(&self, snapshot: &Snapshot, address: SocketAddr) -> bool {
        self.is_only(&self.auth, snapshot, address)
    }

    /// True if an address is the API server's (the Service `default/kubernetes`, which every cluster has), and no route
    /// leads there: controllers that are data planes too, such as Traefik, talk to it all the time.
    pub(super) fn is_control(&self, snapshot: &Snapshot, address: SocketAddr) -> bool {
        let backends = snapshot.backends_at(address);
        let is_api = |backend: &BackendName| {
            let ObjectName { namespace, name } = &backend.service;
            (&**namespace, &**name) == ("default", "kubernetes")
        };
        backends.iter().any(is_api) && !backends.iter().any(|backend| self.routed.contains(backend))
    }

    /// True if a filter changes, adds or removes this header (name in lower case).
    pub(super) fn touches(&self, header: &str) -> bool {
        self.touched.contains(header)
    }

    fn is_only(&self, these: &BTreeSet<BackendName>, snapshot: &Snapshot, address: SocketAddr) -> bool {
        if these.is_empty() {
            return false;
        }
        let backends = snapshot.backends_at(address);
        backends.iter().any(|backend| these.contains(backend))
            && !backends.iter().any(|backend| self.routed.contains(backend))
    }

    fn add_doors(&mut self, snapshot: &Snapshot, gateway: &ObjectName) {
        let listeners = snapshot
            .listeners(gateway)
            .into_iter()
            .flat_map(|gateway| &gateway.listeners);
        for merged in listeners {
            let secure = match &merged.listener.protocol {
                Protocol::Http => false,
                Protocol::Https => true,
                _ => continue,
            };
            let door = Door {
                gateway: gateway.clone(),
                port: merged.listener.port,
                secure,
            };
            let doors = self.doors.entry(door.port).or_default();
            if !doors.contains(&door) {
                doors.push(door);
            }
        }
    }

    fn add_route(&mut self, route: &Route) {
        for rule in &route.rules {
            for backend in &rule.backends {
                self.routed.extend(name_of(backend, route));
            }
            for filter in rule
                .filters
                .iter()
                .chain(rule.backends.iter().flat_map(|backend| &backend.filters))
            {
                self.add_filter(filter, route);
            }
        }
    }

    fn add_filter(&mut self, filter: &Filter, route: &Route) {
        match filter {
            Filter::RequestHeaders(modifier) | Filter::ResponseHeaders(modifier) => self.add_headers(modifier),
            Filter::Mirror(mirror) => self.mirrors.extend(name_of(&mirror.backend, route)),
            Filter::ExternalAuth(auth) => {
                self.auth.extend(name_of(&auth.backend, route));
                self.touched.extend(auth.allowed_response_headers.iter().cloned());
            }
            _ => {}
        }
    }

    fn add_headers(&mut self, modifier: &HeaderModifier) {
        let named = modifier.set.iter().chain(&modifier.add).map(|header| &header.name);
        self.touched.extend(named.chain(&modifier.remove).cloned());
    }
}

fn name_of(backend: &BackendRef, route: &Route) -> Option<BackendName> {
    let service = backend.target.resolve(&route.meta.name.namespace);
    Some(BackendName {
        service,
        port: backend.port?,
    })
}
