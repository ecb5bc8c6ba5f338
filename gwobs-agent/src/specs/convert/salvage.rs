//! What can still be told of an object that does not fit its type.
//!
//! Such an object may be newer than this program. Then the cluster has it and gateways follow it, and a decision that leaves
//! it out may be wrong. So it is kept as far as it could be read, with the fields that could not be named in its metadata:
//! whatever depends on it is then not judged.

use std::sync::Arc;

use gwobs_route::model::{
    BackendTlsPolicy, ConfigMap, EndpointSlice, Gateway, GatewayClass, ListenerSet, Match, Meta, Namespace,
    NamespacesFrom, Object, ParentRef, PathMatch, PolicyTarget, ReferenceGrant, Route, Rule, Secret, Service,
    ServiceImport, ServiceType,
};
use gwobs_route::{ObjectName, RouteKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{EXPERIMENTAL_GROUP, GATEWAY_GROUP, backend, cluster, scalar};
use crate::specs::decode::{Misfit, decode};
use crate::specs::notes::{At, Notes};
use crate::specs::object::RawObject;
use crate::specs::wire;

/// The object as far as it could be read; `None` for what has no name, and for a route that names no parent.
pub(super) fn salvage(raw: &RawObject, misfit: &Misfit) -> Option<Object> {
    if raw.id.name.is_empty() {
        return None;
    }
    let unread = |field: &str| meta(raw, misfit, [field]);
    Some(match &*raw.id.kind {
        "GatewayClass" => Object::GatewayClass(gateway_class(unread("spec"))),
        "Gateway" => Object::Gateway(gateway(raw, unread("spec"))),
        "ListenerSet" | "XListenerSet" => Object::ListenerSet(listener_set(raw, misfit)),
        "Service" => Object::Service(service(unread("spec"))),
        "ServiceImport" => Object::ServiceImport(ServiceImport {
            meta: unread("spec"),
            ports: Vec::new(),
            ips: Vec::new(),
        }),
        "EndpointSlice" => Object::EndpointSlice(endpoint_slice(raw, misfit)),
        "ReferenceGrant" => Object::ReferenceGrant(ReferenceGrant {
            meta: unread("spec"),
            from: Vec::new(),
            to: Vec::new(),
        }),
        "Namespace" => Object::Namespace(Namespace {
            meta: unread("metadata.labels"),
            labels: std::collections::BTreeMap::new(),
        }),
        "Secret" => Object::Secret(secret(unread("data"))),
        "ConfigMap" => Object::ConfigMap(ConfigMap {
            meta: unread("data"),
            has_authority: false,
        }),
        "BackendTLSPolicy" => Object::BackendTlsPolicy(policy(raw, misfit)),
        kind => Object::Route(route(raw, misfit, route_kind(kind)?)?),
    })
}

/// `fields`: what could not be read, besides the field that did not fit.
fn meta<'a>(raw: &RawObject, misfit: &Misfit, fields: impl IntoIterator<Item = &'a str>) -> Meta {
    let created = raw.value.pointer("/metadata/creationTimestamp").cloned();
    let created: Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time> =
        created.and_then(|time| serde_json::from_value(time).ok());
    Meta {
        name: ObjectName {
            namespace: Arc::clone(&raw.id.namespace),
            name: Arc::clone(&raw.id.name),
        },
        created: created.map(|time| time.0.as_second()),
        generation: 0,
        unknown: [""]
            .into_iter()
            .chain(fields)
            .map(str::to_owned)
            .chain([misfit.field.clone()])
            .collect(),
        status: None,
    }
}

/// A value at a place, if it fits.
fn at<T: DeserializeOwned>(raw: &RawObject, pointer: &str) -> Option<T> {
    decode(raw.value.pointer(pointer)?, &mut Vec::new()).ok()
}

fn gateway_class(meta: Meta) -> GatewayClass {
    GatewayClass {
        meta,
        controller: "".into(),
        parameters: None,
        supported_features: None,
    }
}

fn gateway(raw: &RawObject, meta: Meta) -> Gateway {
    Gateway {
        meta,
        class: at::<String>(raw, "/spec/gatewayClassName").unwrap_or_default().into(),
        listeners: Vec::new(),
        allowed_listeners: NamespacesFrom::None,
        client_validation: None,
        client_validation_per_port: Vec::new(),
        backend_client_certificate: None,
        parameters: None,
        addresses: Vec::new(),
    }
}

/// Which Gateway it belongs to may be all that could be read, or not even that.
fn listener_set(raw: &RawObject, misfit: &Misfit) -> ListenerSet {
    let parent: Option<wire::Reference> = at(raw, "/spec/parentRef");
    let unread = ["spec.listeners"]
        .into_iter()
        .chain(parent.is_none().then_some("spec.parentRef"));
    let nobody = wire::Reference {
        group: None,
        kind: None,
        namespace: None,
        name: String::new(),
    };
    let (place, mut notes) = (At::Top("spec.parentRef"), Notes::default());
    ListenerSet {
        meta: meta(raw, misfit, unread),
        experimental: *raw.id.group == *EXPERIMENTAL_GROUP,
        parent: backend::reference(
            &parent.unwrap_or(nobody),
            (GATEWAY_GROUP, "Gateway"),
            &place,
            &mut notes,
        ),
        listeners: Vec::new(),
    }
}

fn service(meta: Meta) -> Service {
    Service {
        meta,
        kind: ServiceType::ClusterIp,
        ports: Vec::new(),
        cluster_ips: Vec::new(),
        headless: false,
        external_ips: Vec::new(),
        external_name: None,
        has_selector: false,
    }
}

/// Whose it is can be told if its labels fit.
fn endpoint_slice(raw: &RawObject, misfit: &Misfit) -> EndpointSlice {
    let labels = at::<std::collections::BTreeMap<String, String>>(raw, "/metadata/labels");
    let unread = ["endpoints", "ports"]
        .into_iter()
        .chain(labels.is_none().then_some("metadata.labels"));
    let owner = |label| cluster::owner(labels.as_ref()?.get(label)?, raw);
    EndpointSlice {
        meta: meta(raw, misfit, unread),
        service: owner(cluster::SERVICE_LABEL),
        service_import: owner(cluster::SERVICE_IMPORT_LABEL),
        endpoints: None,
        ports: Vec::new(),
    }
}

fn secret(meta: Meta) -> Secret {
    Secret {
        meta,
        kind: "".into(),
        has_certificate: false,
        has_key: false,
        has_authority: false,
        certificate: None,
    }
}

/// `targetRefs[]` of a policy
#[derive(Debug, Deserialize)]
struct Target {
    name: String,
}

/// A policy may be for any port of the Services that it targets, or, if these cannot be read, for any Service.
fn policy(raw: &RawObject, misfit: &Misfit) -> BackendTlsPolicy {
    let targets: Option<Vec<Target>> = at(raw, "/spec/targetRefs");
    let unread = ["spec.validation"]
        .into_iter()
        .chain(targets.is_none().then_some("spec.targetRefs"));
    let service = |target: Target| PolicyTarget {
        target: gwobs_route::model::Reference {
            group: "".into(),
            kind: "Service".into(),
            namespace: None,
            name: target.name.into(),
        },
        section: None,
    };
    BackendTlsPolicy {
        meta: meta(raw, misfit, unread),
        targets: targets.into_iter().flatten().map(service).collect(),
        authorities: Vec::new(),
        well_known_authorities: None,
        hostname: "".into(),
        alternative_names: Vec::new(),
    }
}

fn route_kind(kind: &str) -> Option<RouteKind> {
    [
        RouteKind::Http,
        RouteKind::Grpc,
        RouteKind::Tls,
        RouteKind::Tcp,
        RouteKind::Udp,
    ]
    .into_iter()
    .find(|route| route.as_str() == kind)
}

/// Its parents and hostnames, with one rule that may match anything. Without parents it attaches to nothing; with parents
/// that do not fit it may attach to anything.
fn route(raw: &RawObject, misfit: &Misfit, kind: RouteKind) -> Option<Route> {
    let spec = raw.value.get("spec")?;
    let parents = match spec.get("parentRefs") {
        None | Some(Value::Null) if spec.is_object() => return None,
        _ => parents(raw),
    };
    let hostnames = match spec.get("hostnames") {
        None | Some(Value::Null) if spec.is_object() => Some(Vec::new()),
        _ => hostnames(raw),
    };
    let unread = [
        Some("spec.rules"),
        parents.is_none().then_some("spec.parentRefs"),
        hostnames.is_none().then_some("spec.hostnames"),
    ];
    Some(Route {
        meta: meta(raw, misfit, unread.into_iter().flatten()),
        kind,
        parents: parents.unwrap_or_default(),
        hostnames: hostnames.unwrap_or_default(),
        rules: vec![anything()],
    })
}

/// All of them, or nothing.
fn parents(raw: &RawObject) -> Option<Vec<ParentRef>> {
    let wire: Vec<wire::ParentRef> = at(raw, "/spec/parentRefs")?;
    let place = At::Top("spec.parentRefs");
    let parents = wire.into_iter();
    Some(
        parents
            .map(|one| backend::parent_ref(one, &place, &mut Notes::default()))
            .collect(),
    )
}

/// All of them, or nothing.
fn hostnames(raw: &RawObject) -> Option<Vec<Arc<str>>> {
    let wire: Vec<String> = at(raw, "/spec/hostnames")?;
    let place = At::Top("spec.hostnames");
    let names = wire.iter();
    Some(
        names
            .map(|host| scalar::hostname(host, &place, &mut Notes::default()))
            .collect(),
    )
}

fn anything() -> Rule {
    Rule {
        matches: vec![Match {
            path: PathMatch::Unknown("".into()),
            ..Match::default()
        }],
        ..Rule::default()
    }
}
