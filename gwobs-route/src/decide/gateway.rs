//! A request at a port of a Gateway: the listener that owns it, and the routes that are attached there.

use crate::decide::scene::Scene;
use crate::decide::select::Scopes;
use crate::decide::{http, nobody_there, respond, stream};
use crate::gateway_table::{GatewayTable, PortTable};
use crate::model::Protocol;
use crate::table::Tracer;
use crate::view::lower;
use crate::{Decision, Inconclusive, ObjectName, WireProtocol};

pub(super) fn decide<T: Tracer>(gateway: &ObjectName, scene: &Scene<'_>, blank: Decision, tracer: &mut T) -> Decision {
    let udp = scene.protocol() == WireProtocol::Udp;
    let Some((table, ports)) = scene.snapshot.port(gateway, udp, scene.arrival.port) else {
        return nobody_there(blank, scene.view.request);
    };
    let at = Place { table, ports, scene };
    let mut decision = match scene.protocol().is_http() {
        true => at.http(blank, tracer),
        false => at.stream(blank),
    };
    let unsure = ports.unsure || table.listeners.unsure;
    decision.caveats.extend(unsure.then_some(Inconclusive::UnsupportedSpec));
    decision
}

/// A request at a port that some listener has.
struct Place<'a> {
    table: &'a GatewayTable,
    ports: &'a PortTable,
    scene: &'a Scene<'a>,
}

/// Who owns a request.
enum Owner {
    /// This listener.
    Listener(usize),
    /// This listener owns the Host, and the connection was made to another: 421.
    Misdirected(usize),
    Nobody,
}

impl<'a> Place<'a> {
    fn http<T: Tracer>(&self, blank: Decision, tracer: &mut T) -> Decision {
        let request = self.scene.view.request;
        let listener = match self.owner() {
            Owner::Listener(index) => index,
            Owner::Misdirected(index) => return self.at_listener(index, respond(blank, 421, request)),
            Owner::Nobody => return respond(blank, 404, request),
        };
        let decision = match self.scopes(listener) {
            Some(scopes) => http::decide(self.scene, &scopes, blank, tracer),
            None => respond(blank, 404, request),
        };
        self.at_listener(listener, decision)
    }

    fn stream(&self, blank: Decision) -> Decision {
        let sni = self.scene.view.request.sni;
        let name = sni.filter(|_| self.scene.protocol() == WireProtocol::Tls).map(lower);
        let Some(listener) = self.stream_listener(name.as_deref()) else {
            return blank;
        };
        let decision = match self.ports.scopes.get(&listener) {
            Some(scope) => stream::decide(self.scene, scope, name.as_deref(), blank),
            None => blank,
        };
        self.at_listener(listener, decision)
    }

    fn at_listener(&self, index: usize, decision: Decision) -> Decision {
        let merged = self.table.listeners.listeners.get(index);
        Decision {
            listener: merged.map(|merged| merged.label.clone()),
            ..decision
        }
    }

    /// The listener with the most specific hostname that covers the Host; over TLS it must be the one that the server name
    /// leads to as well (`HTTPRouteHTTPSListenerDetectMisdirectedRequests`).
    fn owner(&self) -> Owner {
        let Some(by_host) = self.http_listener(self.scene.view.host.as_deref()) else {
            return Owner::Nobody;
        };
        let sni = self
            .scene
            .view
            .request
            .sni
            .filter(|_| self.scene.protocol() != WireProtocol::Http);
        match sni.map(|sni| self.http_listener(Some(&lower(sni)))) {
            Some(by_sni) if by_sni != Some(by_host) => Owner::Misdirected(by_host),
            _ => Owner::Listener(by_host),
        }
    }

    fn http_listener(&self, host: Option<&str>) -> Option<usize> {
        self.listener(host, |protocol| matches!(protocol, Protocol::Http | Protocol::Https))
    }

    fn stream_listener(&self, name: Option<&str>) -> Option<usize> {
        self.listener(name, |protocol| match self.scene.protocol() {
            WireProtocol::Tls => *protocol == Protocol::Tls,
            WireProtocol::Udp => *protocol == Protocol::Udp,
            _ => *protocol == Protocol::Tcp,
        })
    }

    /// The listener with the most specific hostname that covers `name`, if its protocol fits.
    fn listener(&self, name: Option<&str>, fits: impl Fn(&Protocol) -> bool) -> Option<usize> {
        let index = *self.ports.owners.covering(name).next()?;
        let merged = self.table.listeners.listeners.get(index)?;
        fits(&merged.listener.protocol).then_some(index)
    }

    /// The routes of the listener alone, or of all listeners of the port, as listener isolation has it.
    fn scopes(&self, listener: usize) -> Option<Scopes<'a>> {
        let own = self.ports.scopes.get(&listener)?;
        let merged = self.ports.merged.as_ref();
        Some(match self.scene.view.behaviour.listener_isolation {
            Some(true) => Scopes {
                likely: own,
                other: None,
            },
            Some(false) => Scopes {
                likely: merged.unwrap_or(own),
                other: None,
            },
            None => Scopes {
                likely: own,
                other: merged,
            },
        })
    }
}
