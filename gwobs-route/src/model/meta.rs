//! What all objects have: metadata, references, label selectors, status.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ObjectName;

/// Metadata of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Namespace (empty for cluster-scoped objects) and name.
    pub name: ObjectName,
    /// `creationTimestamp` in seconds since 1970 UTC; `None` if the object has none (a file that was never applied):
    /// such an object counts as newer than any with a time.
    pub created: Option<i64>,
    /// `metadata.generation`, 0 if absent.
    pub generation: i64,
    /// Paths of fields that are not understood, dotted with indices from 0: `spec.rules.1.filters.0.foo`.
    /// A decision that depends on one of them is not used to accuse a gateway. An empty path
    /// stands for the object as a whole: it does not fit its type, and the other paths tell what could not be read of it.
    pub unknown: Vec<String>,
    /// The status that the object carries, if any.
    pub status: Option<Arc<Status>>,
}

impl Meta {
    /// True if the object as a whole could not be read: an API server would refuse it, or it is newer than this program.
    /// Nothing is predicted of such an object, and what depends on it is in doubt.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.unknown.iter().any(String::is_empty)
    }

    /// True if something at, below or above one of these fields is not understood.
    pub(crate) fn is_unsure_of(&self, fields: &[&str]) -> bool {
        let within = |path: &str, field: &str| {
            path.strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let touches = |path: &String| fields.iter().any(|field| within(path, field) || within(field, path));
        self.unknown.iter().any(touches)
    }
}

/// A reference to an object; kind and group with the API's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// API group; empty for the core group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// Namespace, `None` for the referrer's own.
    pub namespace: Option<Arc<str>>,
    /// Name.
    pub name: Arc<str>,
}

impl Reference {
    /// The object's name as seen from `namespace`.
    #[must_use]
    pub fn resolve(&self, namespace: &Arc<str>) -> ObjectName {
        let namespace = self.namespace.as_ref().unwrap_or(namespace).clone();
        ObjectName {
            namespace,
            name: self.name.clone(),
        }
    }

    /// True if the group and kind are these.
    #[must_use]
    pub fn is(&self, group: &str, kind: &str) -> bool {
        &*self.group == group && &*self.kind == kind
    }
}

/// A label selector (Kubernetes `LabelSelector`): every label and every requirement must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    /// `matchLabels`
    pub labels: BTreeMap<String, String>,
    /// `matchExpressions`
    pub requirements: Vec<Requirement>,
}

/// One of a selector's `matchExpressions`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The label has one of these values.
    In(String, Vec<String>),
    /// The label is absent or has none of these values.
    NotIn(String, Vec<String>),
    /// The label is present.
    Exists(String),
    /// The label is absent.
    DoesNotExist(String),
}

impl Selector {
    /// True if `labels` satisfy the selector; an empty selector selects everything.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.requirements.iter().all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        match self {
            Self::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Self::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Self::Exists(key) => labels.contains_key(key),
            Self::DoesNotExist(key) => !labels.contains_key(key),
        }
    }
}

/// The status an object carries, as its controller wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// `status.conditions`
    pub conditions: Vec<Condition>,
    /// Per parent or ancestor: of routes `status.parents`, of policies `status.ancestors`.
    pub parents: Vec<ParentStatus>,
    /// `status.listeners` of Gateways and ListenerSets.
    pub listeners: Vec<ListenerStatus>,
    /// `status.attachedListenerSets` of Gateways.
    pub attached_listener_sets: Option<i32>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `type`
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// `reason`
    pub reason: String,
    /// `message`
    pub message: String,
    /// `observedGeneration`
    pub observed_generation: Option<i64>,
}

/// The status towards one parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentStatus {
    /// The parent.
    pub parent: super::ParentRef,
    /// The controller that wrote it.
    pub controller: String,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

/// The status of one listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerStatus {
    /// The listener's name.
    pub name: String,
    /// `attachedRoutes`
    pub attached_routes: i32,
    /// `supportedKinds`: group and kind.
    pub supported_kinds: Vec<(String, String)>,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}
