//! The ReferenceGrant that would let a reference be.

use gwobs_route::ObjectName;
use serde_json::{Value, json};

/// A manifest that lets an object of this group, kind and name refer to another one of the core group.
#[must_use]
pub fn grant_manifest(group: &str, kind: &str, from: &ObjectName, to_kind: &str, to: &ObjectName) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant",
        "metadata": {"namespace": &*to.namespace, "name": format!("from-{}-{}", from.namespace, from.name)},
        "spec": {
            "from": [{"group": group, "kind": kind, "namespace": &*from.namespace}],
            "to": [{"group": "", "kind": to_kind, "name": &*to.name}],
        },
    })
}
