//! The status of one listener (`ListenerStatus`, `ListenerEntryStatus`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::attach::{GATEWAY_GROUP, GatewayListeners, ListenerConflict, MergedListener, supported_kinds};
use crate::model::{
    ClientValidation, Gateway, Kind, Listener, ListenerStatus, Protocol, RouteGroupKind, Status, TlsMode,
};
use crate::status::reference::{Fault, Referrer};
use crate::status::{Expected, ObjectStatus, Pair, World, names_of};
use crate::{ObjectName, RouteKind};

/// What is predicted of a listener.
pub(super) struct Predicted {
    pub(super) accepted: bool,
    /// Its references are good enough for traffic.
    pub(super) programmed: bool,
    conditions: Vec<Expected>,
    kinds: Vec<RouteKind>,
    attached: usize,
}

/// Predicts the listener with index `index` of a Gateway.
pub(super) fn predict(world: &World<'_>, gateway: &GatewayListeners, index: usize) -> Option<Predicted> {
    let merged = gateway.listeners.get(index)?;
    let listener = &merged.listener;
    let name = &gateway.gateway.meta.name;
    let from = Referrer {
        kind: merged.kind(),
        namespace: merged.namespace(name),
    };
    let client = client_fault(world, &gateway.gateway, listener);
    let kinds = kinds(listener);
    let accepted = acceptance_fault(merged, client);
    let unresolved = certificate_fault(world, from, listener).or_else(|| client.map(authority_reason));
    let resolved = unresolved.or_else(|| (!asks_supported_kinds(listener)).then_some("InvalidRouteKinds"));
    let programmed = match accepted {
        Some(reason) if merged.conflict.is_some() => Some(reason),
        Some(_) => Some("Invalid"),
        None => unresolved
            .map(|_| "Invalid")
            .or_else(|| kinds.is_empty().then_some("Invalid")),
    };
    let conflict = merged.conflict.map(conflict_reason);
    Some(Predicted {
        accepted: accepted.is_none(),
        programmed: programmed.is_none(),
        conditions: vec![
            Expected::unless("Accepted", accepted),
            Expected::unless("Programmed", programmed),
            Expected::unless("ResolvedRefs", resolved),
            conflict.map_or(Expected::no("Conflicted", "NoConflicts"), |reason| {
                Expected::yes("Conflicted", reason)
            }),
        ],
        attached: attached(world, name, index),
        kinds,
    })
}

impl Predicted {
    /// The status of this listener of an object.
    pub(super) fn of(
        self,
        kind: &'static str,
        owner: &ObjectName,
        listener: &Arc<str>,
        status: Option<&Status>,
    ) -> ObjectStatus {
        let actual: Option<&ListenerStatus> =
            status.and_then(|status| status.listeners.iter().find(|own| *own.name == **listener));
        let names = |actual: &ListenerStatus| actual.supported_kinds.iter().map(|(_, kind)| kind.clone()).collect();
        ObjectStatus {
            kind,
            name: owner.clone(),
            parent: None,
            section: Some(listener.clone()),
            expected: self.conditions,
            actual: actual.map(|actual| actual.conditions.clone()).unwrap_or_default(),
            attached_routes: Some(Pair {
                expected: self.attached,
                actual: actual.and_then(|actual| usize::try_from(actual.attached_routes).ok()),
            }),
            supported_kinds: Some(Pair {
                expected: names_of(&self.kinds),
                actual: actual.map(names),
            }),
            attached_listener_sets: None,
        }
    }
}

fn acceptance_fault(merged: &MergedListener, client: Option<Fault>) -> Option<&'static str> {
    if matches!(merged.listener.protocol, Protocol::Other(_)) {
        return Some("UnsupportedProtocol");
    }
    merged
        .conflict
        .map(conflict_reason)
        .or_else(|| client.map(|_| "NoValidCACertificate"))
}

fn conflict_reason(conflict: ListenerConflict) -> &'static str {
    match conflict {
        ListenerConflict::Protocol => "ProtocolConflict",
        ListenerConflict::Hostname => "HostnameConflict",
    }
}

/// The first certificate that cannot be used; a listener that ends TLS needs one.
fn certificate_fault(world: &World<'_>, from: Referrer<'_>, listener: &Listener) -> Option<&'static str> {
    let ends_tls = match (&listener.protocol, &listener.tls) {
        (Protocol::Https, _) => true,
        (Protocol::Tls, Some(tls)) => tls.mode == TlsMode::Terminate,
        _ => false,
    };
    let certificates = listener.tls.iter().flat_map(|tls| &tls.certificates);
    let mut certificates = certificates.filter(|_| ends_tls).peekable();
    if ends_tls && certificates.peek().is_none() {
        return Some("InvalidCertificateRef");
    }
    certificates
        .find_map(|certificate| world.references.certificate(from, certificate))
        .map(|fault| match fault {
            Fault::NotPermitted => "RefNotPermitted",
            Fault::Kind | Fault::Invalid => "InvalidCertificateRef",
        })
}

/// The fault of the Gateway's validation of client certificates at this listener, if no authority is left.
fn client_fault(world: &World<'_>, gateway: &Gateway, listener: &Listener) -> Option<Fault> {
    let validation = validation_of(gateway, listener)?;
    let from = Referrer {
        kind: Kind::Gateway,
        namespace: &gateway.meta.name.namespace,
    };
    let mut faults = validation
        .authorities
        .iter()
        .map(|authority| world.references.authority(from, authority));
    let first = faults.next().unwrap_or(Some(Fault::Invalid))?;
    faults.all(|fault| fault.is_some()).then_some(first)
}

fn validation_of<'a>(gateway: &'a Gateway, listener: &Listener) -> Option<&'a ClientValidation> {
    if listener.protocol != Protocol::Https {
        return None;
    }
    let own = gateway
        .client_validation_per_port
        .iter()
        .find(|(port, _)| *port == listener.port);
    own.map_or(gateway.client_validation.as_ref(), |(_, validation)| {
        validation.as_ref()
    })
}

fn authority_reason(fault: Fault) -> &'static str {
    match fault {
        Fault::Kind => "InvalidCACertificateKind",
        Fault::NotPermitted => "RefNotPermitted",
        Fault::Invalid => "InvalidCACertificateRef",
    }
}

/// What the protocol carries. Bytes of a TLS session that goes through mean nothing to a TCPRoute.
fn carried(listener: &Listener) -> Vec<RouteKind> {
    let passthrough = listener
        .tls
        .as_ref()
        .is_some_and(|tls| tls.mode == TlsMode::Passthrough);
    let kinds = supported_kinds(&listener.protocol).iter().copied();
    kinds.filter(|kind| !(passthrough && *kind == RouteKind::Tcp)).collect()
}

fn kinds(listener: &Listener) -> Vec<RouteKind> {
    let wanted = &listener.allowed_routes.kinds;
    let mut kinds = carried(listener);
    kinds.retain(|kind| wanted.is_empty() || wanted.iter().any(|wanted| names(wanted, *kind)));
    kinds
}

fn asks_supported_kinds(listener: &Listener) -> bool {
    let carried = carried(listener);
    let known = |wanted: &RouteGroupKind| carried.iter().any(|kind| names(wanted, *kind));
    listener.allowed_routes.kinds.iter().all(known)
}

fn names(wanted: &RouteGroupKind, kind: RouteKind) -> bool {
    &*wanted.group == GATEWAY_GROUP && &*wanted.kind == kind.as_str()
}

/// How many routes are attached; one that is attached by two parentRefs counts once.
fn attached(world: &World<'_>, gateway: &ObjectName, index: usize) -> usize {
    let attachments = world.snapshot.attachments(gateway).iter();
    let here = attachments.filter(|one| {
        one.listeners
            .iter()
            .any(|at| at.listener == index && at.outcome.is_ok())
    });
    here.map(|one| (one.kind, &one.route)).collect::<HashSet<_>>().len()
}
