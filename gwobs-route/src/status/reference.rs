//! References to Secrets and ConfigMaps, as Gateways and ListenerSets make them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{ConfigMap, Kind, Reference, Secret};
use crate::{ObjectName, Objects, Snapshot};

/// The Secrets and ConfigMaps by name. A kind that is wholly absent is assumed to be fine.
pub(super) struct References<'a> {
    secrets: HashMap<&'a ObjectName, &'a Arc<Secret>>,
    config_maps: HashMap<&'a ObjectName, &'a Arc<ConfigMap>>,
    snapshot: &'a Snapshot,
}

/// Who refers.
#[derive(Clone, Copy)]
pub(super) struct Referrer<'a> {
    pub(super) kind: Kind,
    pub(super) namespace: &'a Arc<str>,
}

/// Why a reference is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Of a kind that cannot be used here.
    Kind,
    /// No ReferenceGrant.
    NotPermitted,
    /// Not there, or not what it should be.
    Invalid,
}

impl<'a> References<'a> {
    pub(super) fn new(objects: &'a Objects, snapshot: &'a Snapshot) -> Self {
        Self {
            secrets: objects.secrets().map(|secret| (&secret.meta.name, secret)).collect(),
            config_maps: objects.config_maps().map(|map| (&map.meta.name, map)).collect(),
            snapshot,
        }
    }

    /// A certificate with its key (`kubernetes.io/tls`).
    pub(super) fn certificate(&self, from: Referrer<'_>, to: &Reference) -> Option<Fault> {
        if !to.is("", "Secret") {
            return Some(Fault::Kind);
        }
        let usable = |secret: &Secret| secret.has_certificate && secret.has_key;
        let found = || {
            self.secrets
                .get(&to.resolve(from.namespace))
                .is_some_and(|secret| usable(secret))
        };
        self.permitted(from, to)
            .or_else(|| fault_unless(self.secrets.is_empty() || found()))
    }

    /// A certificate of an authority, in a ConfigMap or Secret.
    pub(super) fn authority(&self, from: Referrer<'_>, to: &Reference) -> Option<Fault> {
        let name = to.resolve(from.namespace);
        let holds = if to.is("", "ConfigMap") {
            self.config_maps.is_empty() || self.config_maps.get(&name).is_some_and(|map| map.has_authority)
        } else if to.is("", "Secret") {
            self.secrets.is_empty() || self.secrets.get(&name).is_some_and(|secret| secret.has_authority)
        } else {
            return Some(Fault::Kind);
        };
        self.permitted(from, to).or_else(|| fault_unless(holds))
    }

    /// True if a ConfigMap is there.
    pub(super) fn has_config_map(&self, name: &ObjectName) -> bool {
        self.config_maps.is_empty() || self.config_maps.contains_key(name)
    }

    fn permitted(&self, from: Referrer<'_>, to: &Reference) -> Option<Fault> {
        let granted = self
            .snapshot
            .is_granted(from.kind.group(), from.kind.as_str(), from.namespace, to);
        (!granted).then_some(Fault::NotPermitted)
    }
}

fn fault_unless(holds: bool) -> Option<Fault> {
    (!holds).then_some(Fault::Invalid)
}
