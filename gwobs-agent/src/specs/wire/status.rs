//! The status of any object as its controller wrote it.

use serde::Deserialize;

use super::{GroupKind, ParentRef};

/// `status`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) conditions: Option<Vec<Condition>>,
    pub(crate) parents: Option<Vec<ParentStatus>>,
    pub(crate) ancestors: Option<Vec<ParentStatus>>,
    pub(crate) listeners: Option<Vec<ListenerStatus>>,
    pub(crate) attached_listener_sets: Option<i32>,
}

/// `conditions[]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) observed_generation: Option<i64>,
}

/// `parents[]` of a route, `ancestors[]` of a policy
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParentStatus {
    #[serde(alias = "ancestorRef")]
    pub(crate) parent_ref: ParentRef,
    pub(crate) controller_name: String,
    pub(crate) conditions: Option<Vec<Condition>>,
}

/// `listeners[]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListenerStatus {
    pub(crate) name: String,
    pub(crate) attached_routes: Option<i32>,
    pub(crate) supported_kinds: Option<Vec<GroupKind>>,
    pub(crate) conditions: Option<Vec<Condition>>,
}
