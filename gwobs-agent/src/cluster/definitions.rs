//! The CRDs of the Gateway API: which release they are of.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::kinds::WatchedKind;

/// What a CRD says of the release that it is of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    /// Annotation `gateway.networking.k8s.io/bundle-version`; empty without.
    pub bundle_version: String,
    /// Annotation `gateway.networking.k8s.io/channel`; empty without.
    pub channel: String,
}

impl Definition {
    pub(super) fn read(value: &Value) -> Self {
        let annotations = value.pointer("/metadata/annotations");
        let annotation = |name: &str| {
            let value = annotations.and_then(|annotations| annotations.get(name)?.as_str());
            value.unwrap_or_default().to_owned()
        };
        Self {
            bundle_version: annotation("gateway.networking.k8s.io/bundle-version"),
            channel: annotation("gateway.networking.k8s.io/channel"),
        }
    }
}

/// The CRDs of kinds that are watched, by name; of others nothing is kept.
#[derive(Debug, Default)]
pub(super) struct Definitions(BTreeMap<Arc<str>, Definition>);

impl Definitions {
    /// These are all there are; true if that can change what is served.
    pub(super) fn replace(&mut self, all: impl Iterator<Item = (Arc<str>, Definition)>) -> bool {
        let of_interest = all.filter(|(name, _)| WatchedKind::is_named(name)).collect();
        std::mem::replace(&mut self.0, of_interest) != self.0
    }

    /// One is new or was changed; true if that can change what is served.
    pub(super) fn apply(&mut self, name: Arc<str>, definition: Definition) -> bool {
        // The versions may have changed, which the metadata does not tell.
        WatchedKind::is_named(&name) && {
            self.0.insert(name, definition);
            true
        }
    }

    /// One is gone; true if that can change what is served.
    pub(super) fn delete(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Definition)> {
        self.0.iter()
    }
}
