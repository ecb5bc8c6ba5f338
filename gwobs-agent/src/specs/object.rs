//! Documents to objects of known identity: lists are taken apart, the rest waits for its kind.

use std::sync::Arc;

use serde_json::Value;

use super::document::{Document, Place};
use super::finding::ObjectId;

/// Deepest nesting of lists in lists; `kubectl get -o yaml` writes one level.
const MAX_LIST_DEPTH: usize = 4;

/// An object whose kind is known and whose fields are not looked at yet.
#[derive(Debug, Clone)]
pub(crate) struct RawObject {
    /// What it is.
    pub(crate) id: ObjectId,
    /// API version without the group: `v1`, `v1alpha2`.
    pub(crate) version: Arc<str>,
    /// Where it stands; `None` for objects from a cluster.
    pub(crate) place: Option<Place>,
    /// All of it.
    pub(crate) value: Value,
}

/// Why a document is no object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoObject {
    /// Where the document stands.
    pub(crate) place: Place,
    /// What is missing.
    pub(crate) message: String,
}

/// The objects of a document: itself, or the items of a `List`.
pub(crate) fn objects_of(document: Document) -> (Vec<RawObject>, Vec<NoObject>) {
    let (mut objects, mut faults) = (Vec::new(), Vec::new());
    collect(
        document.value,
        &document.place,
        MAX_LIST_DEPTH,
        &mut objects,
        &mut faults,
    );
    (objects, faults)
}

fn collect(mut value: Value, place: &Place, depth: usize, objects: &mut Vec<RawObject>, faults: &mut Vec<NoObject>) {
    let fault = |message: &str| NoObject {
        place: place.clone(),
        message: message.to_owned(),
    };
    let (Some(api_version), Some(kind)) = (text(&value, "/apiVersion"), text(&value, "/kind")) else {
        return faults.push(fault(
            "this is no Kubernetes object: apiVersion and kind must be given as text",
        ));
    };
    let Some(items) = take_items(&kind, &mut value) else {
        return objects.push(raw_object(&api_version, kind, value, Some(place)));
    };
    if depth == 0 {
        return faults.push(fault("lists within lists within lists are not read"));
    }
    for mut item in items {
        inherit_type(&mut item, &api_version, &kind);
        collect(item, place, depth - 1, objects, faults);
    }
}

/// The items of a `List` of v1, or of a typed list (`HTTPRouteList`) as the API itself answers it.
fn take_items(kind: &str, value: &mut Value) -> Option<Vec<Value>> {
    if !kind.ends_with("List") {
        return None;
    }
    value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take)
}

/// Items of a typed list need not say what they are.
fn inherit_type(item: &mut Value, list_version: &str, list_kind: &str) {
    let item_kind = list_kind.strip_suffix("List").unwrap_or_default();
    if let Some(fields) = item.as_object_mut().filter(|_| !item_kind.is_empty()) {
        fields.entry("apiVersion").or_insert_with(|| list_version.into());
        fields.entry("kind").or_insert_with(|| item_kind.into());
    }
}

/// An object of a cluster; what says nothing of its kind has none.
pub(crate) fn object_of_cluster(value: Value) -> RawObject {
    let api_version = text(&value, "/apiVersion").unwrap_or_default();
    let kind = text(&value, "/kind").unwrap_or_default();
    raw_object(&api_version, kind, value, None)
}

fn raw_object(api_version: &str, kind: String, value: Value, place: Option<&Place>) -> RawObject {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let namespace = if is_cluster_scoped(group, &kind) {
        String::new()
    } else {
        text(&value, "/metadata/namespace")
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| "default".to_owned())
    };
    RawObject {
        id: ObjectId {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: text(&value, "/metadata/name").unwrap_or_default().into(),
        },
        version: version.into(),
        place: place.cloned(),
        value,
    }
}

fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "Namespace" | "Node" | "PersistentVolume")
            | ("gateway.networking.k8s.io", "GatewayClass")
            | (
                "apiextensions.k8s.io" | "rbac.authorization.k8s.io",
                "CustomResourceDefinition" | "ClusterRole" | "ClusterRoleBinding"
            )
    )
}
