//! References, parents and backends.

use std::sync::Arc;

use gwobs_route::model::{BackendRef, ParentRef, Reference};

use super::scalar::{self, MAX_WEIGHT};
use super::{GATEWAY_GROUP, filter};
use crate::specs::notes::{At, Notes};
use crate::specs::wire;

/// A reference with the group and kind it has if it does not say so.
pub(super) fn reference(wire: &wire::Reference, default: (&str, &str), at: &At<'_>, notes: &mut Notes) -> Reference {
    Reference {
        group: wire.group.as_deref().unwrap_or(default.0).into(),
        kind: wire.kind.as_deref().unwrap_or(default.1).into(),
        namespace: wire
            .namespace
            .as_deref()
            .map(|n| scalar::namespace(n, &at.field("namespace"), notes)),
        name: scalar::object_name(&wire.name, &at.field("name"), notes),
    }
}

/// `parentRefs[]`
pub(super) fn parent_ref(wire: wire::ParentRef, at: &At<'_>, notes: &mut Notes) -> ParentRef {
    let port = scalar::optional_port(wire.port, &at.field("port"), notes);
    let section = wire
        .section_name
        .as_deref()
        .map(|s| scalar::section(s, &at.field("sectionName"), notes));
    let target = wire::Reference {
        group: wire.group,
        kind: wire.kind,
        namespace: wire.namespace,
        name: wire.name,
    };
    ParentRef {
        target: reference(&target, (GATEWAY_GROUP, "Gateway"), at, notes),
        section,
        port,
    }
}

/// The parent that a status names; nothing is said about it, people do not write it.
pub(super) fn parent_ref_of_status(wire: wire::ParentRef) -> ParentRef {
    parent_ref(wire, &At::Top("status"), &mut Notes::default())
}

/// `backendRefs[]`
pub(super) fn backend_refs(wire: Option<Vec<wire::BackendRef>>, at: &At<'_>, notes: &mut Notes) -> Vec<BackendRef> {
    /// Most backends of one rule.
    const MAX_BACKENDS: usize = 16;
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_BACKENDS, at, notes);
    wire.into_iter()
        .enumerate()
        .map(|(i, backend)| backend_ref(backend, &at.index(i), notes))
        .collect()
}

/// `backendRefs[]`, or the `backendRef` of a filter.
pub(super) fn backend_ref(wire: wire::BackendRef, at: &At<'_>, notes: &mut Notes) -> BackendRef {
    let weight = wire.weight.unwrap_or(1);
    let port = scalar::optional_port(wire.port, &at.field("port"), notes);
    let target = wire::Reference {
        group: wire.group,
        kind: wire.kind,
        namespace: wire.namespace,
        name: wire.name,
    };
    let target = reference(&target, ("", "Service"), at, notes);
    if port.is_none() && target.is("", "Service") {
        notes.invalid(at, "a reference to a Service must name a port");
    }
    BackendRef {
        target,
        port,
        weight: scalar::ranged(weight, 0..=MAX_WEIGHT, &at.field("weight"), notes),
        filters: filter::filters(wire.filters, &at.field("filters"), notes),
    }
}

/// Texts as the model keeps them.
pub(super) fn texts(values: Option<Vec<String>>) -> Vec<Arc<str>> {
    values.into_iter().flatten().map(Arc::from).collect()
}
