//! Gateways and their own listeners (`GatewayStatus`).

use std::sync::Arc;

use crate::attach::GatewayListeners;
use crate::model::{Gateway, Kind, ValidationMode};
use crate::profile::Profile;
use crate::status::reference::{Fault, Referrer};
use crate::status::{Expected, ObjectStatus, Pair, World, listener, listener_set, own_conditions};

pub(super) fn predict(world: &World<'_>, all: &mut Vec<ObjectStatus>) {
    for gateway in world.objects.gateways().filter(|gateway| !gateway.meta.is_unread()) {
        let Some(listeners) = world.snapshot.listeners(&gateway.meta.name) else {
            continue;
        };
        all.push(whole(world, gateway, listeners));
        let own = listeners
            .listeners
            .iter()
            .enumerate()
            .filter(|(_, merged)| merged.set.is_none());
        for (index, merged) in own {
            let predicted = listener::predict(world, listeners, index);
            let status = gateway.meta.status.as_deref();
            all.extend(predicted.map(|one| one.of("Gateway", &gateway.meta.name, &merged.listener.name, status)));
        }
    }
}

fn whole(world: &World<'_>, gateway: &Arc<Gateway>, listeners: &GatewayListeners) -> ObjectStatus {
    let attached = listener_set::attached(world, listeners);
    let status = gateway.meta.status.as_ref();
    let actual = status.and_then(|status| status.attached_listener_sets);
    ObjectStatus {
        kind: "Gateway",
        name: gateway.meta.name.clone(),
        parent: None,
        section: None,
        expected: conditions(world, gateway, listeners),
        actual: own_conditions(&gateway.meta),
        attached_routes: None,
        supported_kinds: None,
        attached_listener_sets: Some(Pair {
            expected: attached,
            actual: actual.and_then(|count| usize::try_from(count).ok()),
        }),
    }
}

fn conditions(world: &World<'_>, gateway: &Gateway, listeners: &GatewayListeners) -> Vec<Expected> {
    let own = own_listeners(world, listeners);
    let accepted = acceptance(world, gateway, &own);
    let programmed = accepted.status && own.iter().any(|listener| listener.programmed);
    let mut conditions = vec![
        accepted,
        Expected::unless("Programmed", (!programmed).then_some("Invalid")),
    ];
    conditions.extend(client_certificate(world, gateway));
    conditions
        .extend(insecure(gateway).then(|| Expected::yes("InsecureFrontendValidationMode", "ConfigurationChanged")));
    conditions
}

fn own_listeners(world: &World<'_>, listeners: &GatewayListeners) -> Vec<listener::Predicted> {
    let own = listeners
        .listeners
        .iter()
        .enumerate()
        .filter(|(_, merged)| merged.set.is_none());
    own.filter_map(|(index, _)| listener::predict(world, listeners, index))
        .collect()
}

/// > If any Listener is not accepted, `Accepted` is True with the reason `ListenersNotValid`; if none is, it is False.
fn acceptance(world: &World<'_>, gateway: &Gateway, listeners: &[listener::Predicted]) -> Expected {
    if !knows_parameters(world, gateway) {
        return Expected::no("Accepted", "InvalidParameters");
    }
    let accepted = listeners.iter().filter(|listener| listener.accepted).count();
    match accepted {
        0 if !listeners.is_empty() => Expected::no("Accepted", "ListenersNotValid"),
        _ if accepted < listeners.len() => Expected::yes("Accepted", "ListenersNotValid"),
        _ => Expected::yes("Accepted", "Accepted"),
    }
}

/// Parameters are of the data plane's own kinds; of one that is not known, a ConfigMap alone can be one.
fn knows_parameters(world: &World<'_>, gateway: &Gateway) -> bool {
    let Some(parameters) = &gateway.parameters else {
        return true;
    };
    if parameters.is("", "ConfigMap") {
        return world
            .references
            .has_config_map(&parameters.resolve(&gateway.meta.name.namespace));
    }
    world.objects.profile_of(gateway) != Profile::Generic
}

fn client_certificate(world: &World<'_>, gateway: &Gateway) -> Option<Expected> {
    let reference = gateway.backend_client_certificate.as_ref()?;
    let from = Referrer {
        kind: Kind::Gateway,
        namespace: &gateway.meta.name.namespace,
    };
    let fault = world.references.certificate(from, reference).map(|fault| match fault {
        Fault::NotPermitted => "RefNotPermitted",
        Fault::Kind | Fault::Invalid => "InvalidClientCertificateRef",
    });
    Some(Expected::unless("ResolvedRefs", fault))
}

fn insecure(gateway: &Gateway) -> bool {
    let per_port = gateway
        .client_validation_per_port
        .iter()
        .filter_map(|(_, validation)| validation.as_ref());
    let mut all = gateway.client_validation.iter().chain(per_port);
    all.any(|validation| validation.mode == ValidationMode::AllowInsecureFallback)
}
