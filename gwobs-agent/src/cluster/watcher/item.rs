//! Objects as the watcher takes them from each collection.

use serde_json::Value;

use crate::cluster::definitions::Definition;
use crate::dataplanes::{Pod, ServicePorts};
use crate::specs::Spec;

/// One object of any collection, read.
#[derive(Debug)]
pub(super) enum Item {
    Spec(Box<Spec>),
    Service(Box<Spec>, Option<ServicePorts>),
    Pod(Option<Pod>),
    Definition(Definition),
}

pub(super) fn spec(value: Value) -> Item {
    Item::Spec(Box::new(Spec::read(value)))
}

pub(super) fn service(value: Value) -> Item {
    let selector = value.pointer("/spec/selector").cloned();
    let spec = Spec::read(value);
    let ports = spec.object().zip(selector);
    let ports = ports.and_then(|(object, selector)| ServicePorts::of(&selector, object));
    Item::Service(Box::new(spec), ports)
}

#[expect(clippy::needless_pass_by_value, reason = "as all readers of items")]
pub(super) fn pod(value: Value) -> Item {
    match Pod::read(&value) {
        Ok(pod) => Item::Pod(Some(pod)),
        Err(misfit) => {
            tracing::warn!("a pod that cannot be read: {}: {}", misfit.field, misfit.message);
            Item::Pod(None)
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as all readers of items")]
pub(super) fn definition(value: Value) -> Item {
    Item::Definition(Definition::read(&value))
}
