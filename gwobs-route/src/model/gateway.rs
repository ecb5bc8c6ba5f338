//! GatewayClass, Gateway, ListenerSet and their listeners (`gateway_types.go`, `listenerset_types.go`).

use std::sync::Arc;

use crate::ObjectName;
use crate::model::{Kind, Meta, Reference, Selector};

/// A GatewayClass.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayClass {
    /// Metadata; the namespace is empty.
    pub meta: Meta,
    /// `spec.controllerName`
    pub controller: Arc<str>,
    /// `spec.parametersRef`
    pub parameters: Option<Reference>,
    /// `status.supportedFeatures`; `None` if the status has none.
    pub supported_features: Option<Vec<Arc<str>>>,
}

/// A Gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// Metadata.
    pub meta: Meta,
    /// `spec.gatewayClassName`
    pub class: Arc<str>,
    /// `spec.listeners`
    pub listeners: Vec<Listener>,
    /// `spec.allowedListeners.namespaces`; the API's default is [`NamespacesFrom::None`].
    pub allowed_listeners: NamespacesFrom,
    /// `spec.tls.frontend.default.validation`
    pub client_validation: Option<ClientValidation>,
    /// `spec.tls.frontend.perPort`: validation of one port in place of the default one.
    pub client_validation_per_port: Vec<(u16, Option<ClientValidation>)>,
    /// `spec.tls.backend.clientCertificateRef`
    pub backend_client_certificate: Option<Reference>,
    /// `spec.infrastructure.parametersRef`
    pub parameters: Option<Reference>,
    /// `spec.addresses` and `status.addresses`, as written.
    pub addresses: Vec<Arc<str>>,
}

/// A ListenerSet, or an XListenerSet.
#[derive(Debug, Clone, PartialEq)]
pub struct ListenerSet {
    /// Metadata.
    pub meta: Meta,
    /// True for the experimental kind, XListenerSet of `gateway.networking.x-k8s.io`.
    pub experimental: bool,
    /// `spec.parentRef`
    pub parent: Reference,
    /// `spec.listeners`; a port of 0 is one that the controller assigns.
    pub listeners: Vec<Listener>,
}

/// Tells ListenerSets apart: one of each kind may have the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListenerSetName {
    /// Its namespace and name.
    pub name: ObjectName,
    /// True for an XListenerSet.
    pub experimental: bool,
}

impl ListenerSet {
    /// What tells it apart from all others.
    #[must_use]
    pub fn name(&self) -> ListenerSetName {
        ListenerSetName {
            name: self.meta.name.clone(),
            experimental: self.experimental,
        }
    }
}

impl ListenerSetName {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        if self.experimental {
            Kind::XListenerSet
        } else {
            Kind::ListenerSet
        }
    }
}

/// A listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Listener {
    /// Its name, unique in its Gateway or ListenerSet.
    pub name: Arc<str>,
    /// Port.
    pub port: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Hostname in lower case, maybe with a wildcard label; `None` for all hosts.
    pub hostname: Option<Arc<str>>,
    /// TLS settings.
    pub tls: Option<ListenerTls>,
    /// Which routes may attach.
    pub allowed_routes: AllowedRoutes,
}

/// `listeners[].protocol`
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// `HTTP`
    Http,
    /// `HTTPS`
    Https,
    /// `TLS`
    Tls,
    /// `TCP`
    Tcp,
    /// `UDP`
    Udp,
    /// An implementation's own protocol.
    Other(Arc<str>),
}

/// `listeners[].tls`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerTls {
    /// Who ends the TLS session.
    pub mode: TlsMode,
    /// `certificateRefs`
    pub certificates: Vec<Reference>,
}

/// `listeners[].tls.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// The gateway ends TLS.
    Terminate,
    /// TLS goes through to the backend.
    Passthrough,
}

/// `listeners[].allowedRoutes`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedRoutes {
    /// Whose routes; the API's default is [`NamespacesFrom::Same`].
    pub namespaces: NamespacesFrom,
    /// Which kinds; empty for all kinds that fit the protocol.
    pub kinds: Vec<RouteGroupKind>,
}

impl Default for AllowedRoutes {
    fn default() -> Self {
        Self {
            namespaces: NamespacesFrom::Same,
            kinds: Vec::new(),
        }
    }
}

/// Namespaces from which something may attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamespacesFrom {
    /// `None`
    None,
    /// `Same`: the Gateway's (the ListenerSet's) own namespace.
    Same,
    /// `All`
    All,
    /// `Selector`: namespaces with fitting labels.
    Selector(Selector),
}

/// `allowedRoutes.kinds[]`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteGroupKind {
    /// API group, `gateway.networking.k8s.io` by default.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
}

/// `tls.frontend.…validation`: how client certificates are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientValidation {
    /// `caCertificateRefs`
    pub authorities: Vec<Reference>,
    /// `mode`
    pub mode: ValidationMode,
}

/// `validation.mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValidationMode {
    /// A valid certificate is needed.
    AllowValidOnly,
    /// Connections without a valid certificate are let through.
    AllowInsecureFallback,
}
