//! Kubernetes objects to the model of `gwobs-route`: Kubernetes types end here.
//!
//! One way for files and clusters: a [`RawObject`] in, a model object and findings out. What breaks a rule of the API
//! is told and used as far as it means something; what is not understood is named in the object's metadata, so that no
//! decision that depends on it accuses a gateway.

mod backend;
mod cluster;
mod filter;
mod gateway;
mod matching;
mod meta;
mod policy;
mod route;
mod rules;
mod salvage;
mod scalar;
mod secret;
#[cfg(test)]
mod tests;

use gwobs_route::RouteKind;
use gwobs_route::model::Object;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::{Misfit, decode};
use super::finding::{Concern, Finding};
use super::notes::Notes;
use super::object::RawObject;

/// The API group of the Gateway API.
pub(crate) const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// The group of its experimental kinds.
const EXPERIMENTAL_GROUP: &str = "gateway.networking.x-k8s.io";
/// The group of ServiceImport.
const MULTICLUSTER_GROUP: &str = "multicluster.x-k8s.io";

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Routing depends on it.
    Used(Box<Object>),
    /// It does not fit its type; what could still be told of it, so that decisions that depend on it are not trusted.
    Refused(Option<Box<Object>>),
    /// A kind of Kubernetes itself that routing does not depend on.
    Irrelevant,
    /// A kind that is not understood.
    Unknown,
}

/// Converts an object.
pub(crate) fn convert(raw: &RawObject) -> (Outcome, Vec<Finding>) {
    let Some(reader) = reader_of(&raw.id.group, &raw.version, &raw.id.kind) else {
        return not_converted(raw);
    };
    let mut notes = Notes::default();
    match reader(raw, &mut notes).and_then(|object| named(raw, object)) {
        Ok(object) => (Outcome::Used(Box::new(object)), findings(raw, notes)),
        Err(misfit) => {
            let salvaged = salvage::salvage(raw, &misfit).map(Box::new);
            (
                Outcome::Refused(salvaged),
                vec![finding(raw, Concern::Misfit, misfit.field, misfit.message)],
            )
        }
    }
}

type Reader = fn(&RawObject, &mut Notes) -> Result<Object, Misfit>;

fn reader_of(group: &str, version: &str, kind: &str) -> Option<Reader> {
    match (group, version) {
        (GATEWAY_GROUP, "v1" | "v1beta1" | "v1alpha2" | "v1alpha3") => gateway_reader(kind),
        (EXPERIMENTAL_GROUP, "v1alpha1") if kind == "XListenerSet" => Some(gateway::listener_set),
        (MULTICLUSTER_GROUP, "v1alpha1" | "v1beta1" | "v1") if kind == "ServiceImport" => Some(cluster::service_import),
        ("", "v1") => core_reader(kind),
        ("discovery.k8s.io", "v1") if kind == "EndpointSlice" => Some(cluster::endpoint_slice),
        _ => None,
    }
}

fn gateway_reader(kind: &str) -> Option<Reader> {
    Some(match kind {
        "GatewayClass" => policy::gateway_class,
        "Gateway" => gateway::gateway,
        "ListenerSet" => gateway::listener_set,
        "HTTPRoute" => route::http,
        "GRPCRoute" => route::grpc,
        "TLSRoute" => |raw, notes| route::plain(RouteKind::Tls, raw, notes),
        "TCPRoute" => |raw, notes| route::plain(RouteKind::Tcp, raw, notes),
        "UDPRoute" => |raw, notes| route::plain(RouteKind::Udp, raw, notes),
        "ReferenceGrant" => policy::reference_grant,
        "BackendTLSPolicy" => policy::backend_tls_policy,
        _ => return None,
    })
}

fn core_reader(kind: &str) -> Option<Reader> {
    Some(match kind {
        "Service" => cluster::service,
        "Namespace" => cluster::namespace,
        "Secret" => secret::secret,
        "ConfigMap" => secret::config_map,
        _ => return None,
    })
}

/// Groups of Kubernetes itself: their kinds either are converted or have nothing to do with routing.
fn is_of_kubernetes(group: &str) -> bool {
    group.is_empty()
        || !group.contains('.')
        || (group.ends_with(".k8s.io") && group != GATEWAY_GROUP && group != EXPERIMENTAL_GROUP)
}

fn not_converted(raw: &RawObject) -> (Outcome, Vec<Finding>) {
    if is_of_kubernetes(&raw.id.group) && *raw.id.group != *MULTICLUSTER_GROUP {
        return (Outcome::Irrelevant, Vec::new());
    }
    let message = format!(
        "the kind {} of {}/{} is not understood",
        raw.id.kind, raw.id.group, raw.version
    );
    (
        Outcome::Unknown,
        vec![finding(raw, Concern::UnknownKind, String::new(), message)],
    )
}

fn named(raw: &RawObject, object: Object) -> Result<Object, Misfit> {
    if raw.id.name.is_empty() {
        return Err(Misfit {
            field: "metadata.name".to_owned(),
            message: "the object has no name".to_owned(),
        });
    }
    Ok(object)
}

fn findings(raw: &RawObject, notes: Notes) -> Vec<Finding> {
    let invalid = notes
        .invalid
        .into_iter()
        .map(|note| (Concern::Invalid, note.field, note.message));
    let told: Vec<_> = invalid.collect();
    let unknown = notes
        .unknown
        .into_iter()
        .filter(|field| told.iter().all(|(_, told, _)| told != field));
    let unknown: Vec<_> = unknown
        .map(|field| (Concern::UnknownField, field, "this is not understood".to_owned()))
        .collect();
    told.into_iter()
        .chain(unknown)
        .map(|(concern, field, message)| finding(raw, concern, field, message))
        .collect()
}

fn finding(raw: &RawObject, concern: Concern, field: String, message: String) -> Finding {
    Finding {
        concern,
        place: raw.place.clone(),
        object: Some(raw.id.clone()),
        field,
        message,
    }
}

/// An object with a spec; its status is read apart, so that an odd one does no harm.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "S: Deserialize<'de>"))]
struct Envelope<S> {
    #[expect(dead_code, reason = "known already; named so that it does not count as unknown")]
    api_version: String,
    #[expect(dead_code, reason = "known already; named so that it does not count as unknown")]
    kind: String,
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    spec: S,
    status: Option<Value>,
}

fn envelope<S: DeserializeOwned>(raw: &RawObject, notes: &mut Notes) -> Result<Envelope<S>, Misfit> {
    decode(&raw.value, &mut notes.unknown)
}
