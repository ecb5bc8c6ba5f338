//! Which routes attach to which listeners, and why others do not.
//!
//! Used by the index to build its tables, and by predicted status to say the same in conditions.

mod conflict;
mod hostname;
mod listeners;
mod parents;
mod services;

pub(crate) use conflict::RouteConflicts;
pub use hostname::{Hostname, covers};
pub(crate) use hostname::{parents as domains_above, wildcard_suffix};
pub(crate) use listeners::effective_hostname;
pub use listeners::{GatewayListeners, ListenerConflict, MergedListener, allowed_sets, merge};
pub use parents::{ListenerAttachment, Refusal, attach, listener_set_kind, names_gateway, supported_kinds};
pub(crate) use parents::{attach_anywhere, concerns};
pub use services::{bound_ports, has_frontend, names_service};
pub(crate) use services::{specificity, transport};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::model::{Namespace, NamespacesFrom};

/// API group of the Gateway API.
pub const GATEWAY_GROUP: &str = "gateway.networking.k8s.io";
/// API group that ListenerSet had as an experimental kind, and its kind there.
pub const EXPERIMENTAL_GROUP: &str = "gateway.networking.x-k8s.io";

/// The namespaces' labels.
#[derive(Debug, Clone, Default)]
pub struct Namespaces {
    labels: HashMap<Arc<str>, Arc<Namespace>>,
}

impl Namespaces {
    pub(crate) fn insert(&mut self, namespace: Arc<Namespace>) {
        self.labels.insert(namespace.meta.name.name.clone(), namespace);
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.labels.remove(name);
    }

    /// True if something in namespace `guest` may attach to something in `host`. If no Namespace is known at all, every
    /// selector is taken to select.
    #[must_use]
    pub fn admit(&self, from: &NamespacesFrom, host: &str, guest: &str) -> bool {
        match from {
            NamespacesFrom::None => false,
            NamespacesFrom::Same => host == guest,
            NamespacesFrom::All => true,
            NamespacesFrom::Selector(selector) => self.labels.is_empty() || selector.matches(&self.labels_of(guest)),
        }
    }

    /// True if the answer of [`Self::admit`] may be wrong, because the labels of some Namespace could not be read.
    pub(crate) fn is_unsure_of(&self, from: &NamespacesFrom) -> bool {
        let unread = |namespace: &Arc<Namespace>| namespace.meta.is_unsure_of(&["metadata.labels"]);
        matches!(from, NamespacesFrom::Selector(_)) && self.labels.values().any(unread)
    }

    /// The API server labels every namespace with its own name.
    fn labels_of(&self, name: &str) -> BTreeMap<String, String> {
        let mut labels = self
            .labels
            .get(name)
            .map(|namespace| namespace.labels.clone())
            .unwrap_or_default();
        labels
            .entry("kubernetes.io/metadata.name".to_owned())
            .or_insert_with(|| name.to_owned());
        labels
    }
}
