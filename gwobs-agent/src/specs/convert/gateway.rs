//! Gateways, ListenerSets and their listeners.

use std::collections::HashSet;

use gwobs_route::model::{
    AllowedRoutes, ClientValidation, Gateway, Listener, ListenerSet, ListenerTls, NamespacesFrom, Object, Protocol,
    Reference, Requirement, RouteGroupKind, Selector, TlsMode, ValidationMode,
};

use super::backend::reference;
use super::{EXPERIMENTAL_GROUP, GATEWAY_GROUP, envelope, meta, scalar};
use crate::specs::decode::Misfit;
use crate::specs::notes::{At, Notes};
use crate::specs::object::RawObject;
use crate::specs::wire;

/// Most listeners of a Gateway or ListenerSet.
const MAX_LISTENERS: usize = 64;

/// A Gateway.
pub(super) fn gateway(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<wire::GatewaySpec>(raw, notes)?;
    let spec = wire.spec;
    let top = At::Top("spec");
    if spec.default_scope.as_deref().is_some_and(|scope| scope != "None") {
        notes.not_understood(&top.field("defaultScope"));
    }
    let tls = spec
        .tls
        .map(|tls| gateway_tls(tls, &top.field("tls"), notes))
        .unwrap_or_default();
    let allowed = spec.allowed_listeners.and_then(|allowed| allowed.namespaces);
    let allowed_at = top.field("allowedListeners");
    let parameters_at = top.field("infrastructure");
    let parameters_at = parameters_at.field("parametersRef");
    let gateway = Gateway {
        class: spec.gateway_class_name.into(),
        listeners: listeners(spec.listeners, &top.field("listeners"), notes),
        allowed_listeners: namespaces(allowed, NamespacesFrom::None, &allowed_at.field("namespaces"), notes),
        client_validation: tls.validation,
        client_validation_per_port: tls.per_port,
        backend_client_certificate: tls.client_certificate,
        parameters: spec
            .infrastructure
            .and_then(|infrastructure| infrastructure.parameters_ref)
            .map(|parameters| reference(&parameters, ("", ""), &parameters_at, notes)),
        addresses: addresses(spec.addresses, wire.status.as_ref()),
        meta: meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes),
    };
    Ok(Object::Gateway(gateway))
}

/// A ListenerSet, or the XListenerSet it was.
pub(super) fn listener_set(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<wire::ListenerSetSpec>(raw, notes)?;
    let top = At::Top("spec");
    let parent = reference(
        &wire.spec.parent_ref,
        (GATEWAY_GROUP, "Gateway"),
        &top.field("parentRef"),
        notes,
    );
    let listeners = listeners(wire.spec.listeners, &top.field("listeners"), notes);
    let meta = meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes);
    Ok(Object::ListenerSet(ListenerSet {
        meta,
        experimental: *raw.id.group == *EXPERIMENTAL_GROUP,
        parent,
        listeners,
    }))
}

fn addresses(spec: Option<Vec<wire::Address>>, status: Option<&serde_json::Value>) -> Vec<std::sync::Arc<str>> {
    let assigned = status
        .and_then(|s| s.pointer("/addresses"))
        .and_then(serde_json::Value::as_array);
    let assigned = assigned
        .into_iter()
        .flatten()
        .filter_map(|a| a.get("value")?.as_str().map(str::to_owned));
    spec.into_iter()
        .flatten()
        .filter_map(|address| address.value)
        .chain(assigned)
        .map(Into::into)
        .collect()
}

#[derive(Default)]
struct Tls {
    validation: Option<ClientValidation>,
    per_port: Vec<(u16, Option<ClientValidation>)>,
    client_certificate: Option<Reference>,
}

fn gateway_tls(wire: wire::GatewayTls, at: &At<'_>, notes: &mut Notes) -> Tls {
    let frontend_at = at.field("frontend");
    let (default, per_port) = wire.frontend.map_or((None, None), |f| (f.default, f.per_port));
    let validation = default.and_then(|tls| tls.validation);
    let certificate = wire.backend.and_then(|backend| backend.client_certificate_ref);
    Tls {
        validation: validation.map(|v| client_validation(v, &frontend_at.field("default").field("validation"), notes)),
        per_port: per_port
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(i, one)| per_port_tls(one, &frontend_at.field("perPort").index(i), notes))
            .collect(),
        client_certificate: certificate.map(|c| {
            reference(
                &c,
                ("", "Secret"),
                &at.field("backend").field("clientCertificateRef"),
                notes,
            )
        }),
    }
}

fn per_port_tls(wire: wire::PerPortTls, at: &At<'_>, notes: &mut Notes) -> Option<(u16, Option<ClientValidation>)> {
    let port = scalar::port(wire.port, &at.field("port"), notes)?;
    let validation = wire.tls.and_then(|tls| tls.validation);
    Some((
        port,
        validation.map(|v| client_validation(v, &at.field("tls").field("validation"), notes)),
    ))
}

fn client_validation(wire: wire::ClientValidation, at: &At<'_>, notes: &mut Notes) -> ClientValidation {
    let mode = match wire.mode.as_deref().unwrap_or("AllowValidOnly") {
        "AllowValidOnly" => ValidationMode::AllowValidOnly,
        "AllowInsecureFallback" => ValidationMode::AllowInsecureFallback,
        _ => {
            notes.not_understood(&at.field("mode"));
            ValidationMode::AllowValidOnly
        }
    };
    let authorities = wire.ca_certificate_refs.into_iter().flatten().enumerate();
    let refs_at = at.field("caCertificateRefs");
    ClientValidation {
        authorities: authorities
            .map(|(i, r)| reference(&r, ("", "ConfigMap"), &refs_at.index(i), notes))
            .collect(),
        mode,
    }
}

fn listeners(wire: Option<Vec<wire::Listener>>, at: &At<'_>, notes: &mut Notes) -> Vec<Listener> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_LISTENERS, at, notes);
    let mut names = HashSet::new();
    let mut listeners = Vec::with_capacity(wire.len());
    for (i, one) in wire.into_iter().enumerate() {
        let at = at.index(i);
        if !names.insert(one.name.clone()) {
            notes.invalid(&at.field("name"), format!("two listeners have the name {}", one.name));
        }
        listeners.push(listener(one, &at, notes));
    }
    listeners
}

fn listener(wire: wire::Listener, at: &At<'_>, notes: &mut Notes) -> Listener {
    let protocol = protocol(wire.protocol);
    if matches!(protocol, Protocol::Tcp | Protocol::Udp) && wire.hostname.is_some() {
        notes.invalid(&at.field("hostname"), "must not be given for protocols TCP and UDP");
    }
    if matches!(protocol, Protocol::Http | Protocol::Tcp | Protocol::Udp) && wire.tls.is_some() {
        notes.invalid(&at.field("tls"), "must not be given for protocols HTTP, TCP and UDP");
    }
    Listener {
        name: scalar::section(&wire.name, &at.field("name"), notes),
        port: listener_port(wire.port, &at.field("port"), notes),
        hostname: wire
            .hostname
            .filter(|host| !host.is_empty())
            .map(|host| scalar::hostname(&host, &at.field("hostname"), notes)),
        tls: wire
            .tls
            .map(|tls| listener_tls(tls, &protocol, &at.field("tls"), notes)),
        allowed_routes: wire
            .allowed_routes
            .map(|allowed| allowed_routes(allowed, &at.field("allowedRoutes"), notes))
            .unwrap_or_default(),
        protocol,
    }
}

/// A port that is not given, or 0, is one that the controller assigns.
fn listener_port(wire: Option<i64>, at: &At<'_>, notes: &mut Notes) -> u16 {
    match wire {
        None | Some(0) => 0,
        Some(port) => scalar::port(port, at, notes).unwrap_or(0),
    }
}

fn protocol(wire: String) -> Protocol {
    match wire.as_str() {
        "HTTP" => Protocol::Http,
        "HTTPS" => Protocol::Https,
        "TLS" => Protocol::Tls,
        "TCP" => Protocol::Tcp,
        "UDP" => Protocol::Udp,
        _ => Protocol::Other(wire.into()),
    }
}

fn listener_tls(wire: wire::ListenerTls, protocol: &Protocol, at: &At<'_>, notes: &mut Notes) -> ListenerTls {
    let mode = match wire.mode.as_deref().unwrap_or("Terminate") {
        "Terminate" => TlsMode::Terminate,
        "Passthrough" => TlsMode::Passthrough,
        _ => {
            notes.not_understood(&at.field("mode"));
            TlsMode::Terminate
        }
    };
    if mode == TlsMode::Passthrough && *protocol == Protocol::Https {
        notes.invalid(&at.field("mode"), "must be Terminate for protocol HTTPS");
    }
    let certificates = wire.certificate_refs.into_iter().flatten().enumerate();
    let refs_at = at.field("certificateRefs");
    ListenerTls {
        mode,
        certificates: certificates
            .map(|(i, r)| reference(&r, ("", "Secret"), &refs_at.index(i), notes))
            .collect(),
    }
}

fn allowed_routes(wire: wire::AllowedRoutes, at: &At<'_>, notes: &mut Notes) -> AllowedRoutes {
    let kinds = wire.kinds.into_iter().flatten();
    AllowedRoutes {
        namespaces: namespaces(wire.namespaces, NamespacesFrom::Same, &at.field("namespaces"), notes),
        kinds: kinds
            .map(|kind| RouteGroupKind {
                group: kind.group.as_deref().unwrap_or(GATEWAY_GROUP).into(),
                kind: kind.kind.into(),
            })
            .collect(),
    }
}

fn namespaces(
    wire: Option<wire::NamespacesFrom>,
    default: NamespacesFrom,
    at: &At<'_>,
    notes: &mut Notes,
) -> NamespacesFrom {
    let Some(wire) = wire else { return default };
    match wire.from.as_deref() {
        None => default,
        Some("None") => NamespacesFrom::None,
        Some("Same") => NamespacesFrom::Same,
        Some("All") => NamespacesFrom::All,
        Some("Selector") => selected(wire.selector, at, notes),
        Some(_) => {
            notes.not_understood(&at.field("from"));
            default
        }
    }
}

fn selected(wire: Option<wire::Selector>, at: &At<'_>, notes: &mut Notes) -> NamespacesFrom {
    let Some(wire) = wire else {
        notes.invalid(at, "from Selector needs a selector");
        return NamespacesFrom::None;
    };
    let at = at.field("selector");
    let expressions = wire.match_expressions.into_iter().flatten().enumerate();
    let at = at.field("matchExpressions");
    let requirements = expressions
        .filter_map(|(i, one)| requirement(one, &at.index(i), notes))
        .collect();
    NamespacesFrom::Selector(Selector {
        labels: wire.match_labels.unwrap_or_default(),
        requirements,
    })
}

fn requirement(wire: wire::Requirement, at: &At<'_>, notes: &mut Notes) -> Option<Requirement> {
    let values = wire.values.unwrap_or_default();
    Some(match wire.operator.as_str() {
        "In" => Requirement::In(wire.key, values),
        "NotIn" => Requirement::NotIn(wire.key, values),
        "Exists" => Requirement::Exists(wire.key),
        "DoesNotExist" => Requirement::DoesNotExist(wire.key),
        _ => {
            notes.not_understood(&at.field("operator"));
            return None;
        }
    })
}
