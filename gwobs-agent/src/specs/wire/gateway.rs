//! Gateways and ListenerSets as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Known, Reference};

/// `spec` of a Gateway
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GatewaySpec {
    pub(crate) gateway_class_name: String,
    pub(crate) listeners: Option<Vec<Listener>>,
    pub(crate) addresses: Option<Vec<Address>>,
    pub(crate) infrastructure: Option<Infrastructure>,
    pub(crate) allowed_listeners: Option<AllowedListeners>,
    pub(crate) tls: Option<GatewayTls>,
    pub(crate) default_scope: Option<String>,
}

/// `spec` of a ListenerSet
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListenerSetSpec {
    pub(crate) parent_ref: Reference,
    pub(crate) listeners: Option<Vec<Listener>>,
}

/// `addresses[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Address {
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "an address is compared as it is written, whatever its type")]
    kind: Known,
    pub(crate) value: Option<String>,
}

/// `infrastructure`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Infrastructure {
    #[expect(dead_code, reason = "labels of what the controller makes have no effect on routing")]
    labels: Known,
    #[expect(
        dead_code,
        reason = "annotations of what the controller makes have no effect on routing"
    )]
    annotations: Known,
    pub(crate) parameters_ref: Option<Reference>,
}

/// `allowedListeners`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AllowedListeners {
    pub(crate) namespaces: Option<NamespacesFrom>,
}

/// `namespaces` of `allowedListeners` and `allowedRoutes`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NamespacesFrom {
    pub(crate) from: Option<String>,
    pub(crate) selector: Option<Selector>,
}

/// A label selector
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Selector {
    pub(crate) match_labels: Option<BTreeMap<String, String>>,
    pub(crate) match_expressions: Option<Vec<Requirement>>,
}

/// `matchExpressions[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Requirement {
    pub(crate) key: String,
    pub(crate) operator: String,
    pub(crate) values: Option<Vec<String>>,
}

/// `tls` of a Gateway
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GatewayTls {
    pub(crate) backend: Option<BackendTls>,
    pub(crate) frontend: Option<FrontendTls>,
}

/// `tls.backend`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackendTls {
    pub(crate) client_certificate_ref: Option<Reference>,
}

/// `tls.frontend`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FrontendTls {
    pub(crate) default: Option<PortTls>,
    pub(crate) per_port: Option<Vec<PerPortTls>>,
}

/// `tls.frontend.perPort[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PerPortTls {
    pub(crate) port: i64,
    pub(crate) tls: Option<PortTls>,
}

/// `tls.frontend.default`, `tls.frontend.perPort[].tls`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PortTls {
    pub(crate) validation: Option<ClientValidation>,
}

/// `validation`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClientValidation {
    pub(crate) ca_certificate_refs: Option<Vec<Reference>>,
    pub(crate) mode: Option<String>,
}

/// `listeners[]`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listener {
    pub(crate) name: String,
    pub(crate) hostname: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) protocol: String,
    pub(crate) tls: Option<ListenerTls>,
    pub(crate) allowed_routes: Option<AllowedRoutes>,
}

/// `listeners[].tls`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListenerTls {
    pub(crate) mode: Option<String>,
    pub(crate) certificate_refs: Option<Vec<Reference>>,
    #[expect(
        dead_code,
        reason = "an implementation's own options, known and without effect on routing"
    )]
    options: Known,
}

/// `listeners[].allowedRoutes`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct AllowedRoutes {
    pub(crate) namespaces: Option<NamespacesFrom>,
    pub(crate) kinds: Option<Vec<GroupKind>>,
}

/// `allowedRoutes.kinds[]`, `supportedKinds[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GroupKind {
    pub(crate) group: Option<String>,
    pub(crate) kind: String,
}
