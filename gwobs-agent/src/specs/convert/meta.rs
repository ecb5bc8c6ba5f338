//! Metadata and status.

use std::sync::Arc;

use gwobs_route::ObjectName;
use gwobs_route::model::{Condition, ListenerStatus, Meta, ParentStatus, Status};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use crate::specs::convert::backend;
use crate::specs::decode::decode;
use crate::specs::notes::Notes;
use crate::specs::object::RawObject;
use crate::specs::wire;

/// Metadata for the model: the unknown fields are those of the spec alone, the others have no effect on routing.
pub(super) fn meta(raw: &RawObject, from: &ObjectMeta, status: Option<&Value>, notes: &Notes) -> Meta {
    Meta {
        name: ObjectName {
            namespace: Arc::clone(&raw.id.namespace),
            name: Arc::clone(&raw.id.name),
        },
        created: from.creation_timestamp.as_ref().map(|time| time.0.as_second()),
        generation: from.generation.unwrap_or(0),
        unknown: notes.unknown.iter().filter(|field| matters(field)).cloned().collect(),
        status: status.and_then(status_of).map(Arc::new),
    }
}

fn matters(field: &str) -> bool {
    !field.starts_with("metadata.") && !field.starts_with("status.")
}

/// A status that does not fit is no status: it is what a controller says, not what people write.
pub(super) fn status_of(value: &Value) -> Option<Status> {
    let wire: wire::Status = decode(value, &mut Vec::new()).ok()?;
    let parents = wire
        .parents
        .into_iter()
        .flatten()
        .chain(wire.ancestors.into_iter().flatten());
    Some(Status {
        conditions: conditions(wire.conditions),
        parents: parents.map(parent_status).collect(),
        listeners: wire.listeners.into_iter().flatten().map(listener_status).collect(),
        attached_listener_sets: wire.attached_listener_sets,
    })
}

fn parent_status(wire: wire::ParentStatus) -> ParentStatus {
    ParentStatus {
        parent: backend::parent_ref_of_status(wire.parent_ref),
        controller: wire.controller_name,
        conditions: conditions(wire.conditions),
    }
}

fn listener_status(wire: wire::ListenerStatus) -> ListenerStatus {
    let kinds = wire.supported_kinds.into_iter().flatten();
    ListenerStatus {
        name: wire.name,
        attached_routes: wire.attached_routes.unwrap_or(0),
        supported_kinds: kinds
            .map(|k| (k.group.unwrap_or_else(|| super::GATEWAY_GROUP.to_owned()), k.kind))
            .collect(),
        conditions: conditions(wire.conditions),
    }
}

fn conditions(wire: Option<Vec<wire::Condition>>) -> Vec<Condition> {
    wire.into_iter()
        .flatten()
        .map(|condition| Condition {
            kind: condition.kind,
            status: condition.status,
            reason: condition.reason.unwrap_or_default(),
            message: condition.message.unwrap_or_default(),
            observed_generation: condition.observed_generation,
        })
        .collect()
}
