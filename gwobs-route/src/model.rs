//! The objects that routing depends on, as plain data. Kubernetes types are converted into these and end there.
//!
//! Defaults of the API are filled in by whoever makes the objects (the API server does so too): a backendRef without
//! kind is a `Service`, a rule without matches has one match of prefix `/`, a weight that is not given is 1.

mod cluster;
mod filter;
mod gateway;
mod meta;
mod policy;
mod route;

pub use cluster::{
    AppProtocol, Endpoint, EndpointPort, EndpointSlice, Namespace, Service, ServiceImport, ServicePort, ServiceType,
    TargetPort, Transport,
};
pub use filter::{
    AuthProtocol, Cors, ExternalAuth, Filter, HeaderModifier, HeaderValue, Mirror, MirrorShare, PathModifier, Redirect,
    Rewrite,
};
pub use gateway::{
    AllowedRoutes, ClientValidation, Gateway, GatewayClass, Listener, ListenerSet, ListenerSetName, ListenerTls,
    NamespacesFrom, Protocol, RouteGroupKind, TlsMode, ValidationMode,
};
pub use meta::{Condition, ListenerStatus, Meta, ParentStatus, Reference, Requirement, Selector, Status};
pub use policy::{
    BackendTlsPolicy, Certificate, ConfigMap, GrantPeer, GrantTarget, PolicyTarget, ReferenceGrant, Secret,
};
pub use route::{
    BackendRef, GrpcMethodMatch, Match, ParentRef, PathMatch, Retry, Route, Rule, SessionPersistence, SessionType,
    StringMatch, Timeouts, ValueMatch,
};

use crate::attach::{EXPERIMENTAL_GROUP, GATEWAY_GROUP};

/// Any object of the model.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is named after the one type it holds")]
pub enum Object {
    GatewayClass(GatewayClass),
    Gateway(Gateway),
    ListenerSet(ListenerSet),
    Route(Route),
    Service(Service),
    ServiceImport(ServiceImport),
    EndpointSlice(EndpointSlice),
    ReferenceGrant(ReferenceGrant),
    Namespace(Namespace),
    Secret(Secret),
    ConfigMap(ConfigMap),
    BackendTlsPolicy(BackendTlsPolicy),
}

/// The kinds of [`Object`]; routes are told apart by [`RouteKind`](crate::RouteKind), and the two kinds of [`ListenerSet`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the kind of the same name")]
pub enum Kind {
    GatewayClass,
    Gateway,
    ListenerSet,
    XListenerSet,
    Route(crate::RouteKind),
    Service,
    ServiceImport,
    EndpointSlice,
    ReferenceGrant,
    Namespace,
    Secret,
    ConfigMap,
    BackendTlsPolicy,
}

impl Object {
    /// The object's kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::GatewayClass(_) => Kind::GatewayClass,
            Self::Gateway(_) => Kind::Gateway,
            Self::ListenerSet(set) => set.name().kind(),
            Self::Route(route) => Kind::Route(route.kind),
            Self::Service(_) => Kind::Service,
            Self::ServiceImport(_) => Kind::ServiceImport,
            Self::EndpointSlice(_) => Kind::EndpointSlice,
            Self::ReferenceGrant(_) => Kind::ReferenceGrant,
            Self::Namespace(_) => Kind::Namespace,
            Self::Secret(_) => Kind::Secret,
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::BackendTlsPolicy(_) => Kind::BackendTlsPolicy,
        }
    }

    /// The object's metadata.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        match self {
            Self::GatewayClass(object) => &object.meta,
            Self::Gateway(object) => &object.meta,
            Self::ListenerSet(object) => &object.meta,
            Self::Route(object) => &object.meta,
            Self::Service(object) => &object.meta,
            Self::ServiceImport(object) => &object.meta,
            Self::EndpointSlice(object) => &object.meta,
            Self::ReferenceGrant(object) => &object.meta,
            Self::Namespace(object) => &object.meta,
            Self::Secret(object) => &object.meta,
            Self::ConfigMap(object) => &object.meta,
            Self::BackendTlsPolicy(object) => &object.meta,
        }
    }
}

impl Kind {
    /// The kind as Kubernetes writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GatewayClass => "GatewayClass",
            Self::Gateway => "Gateway",
            Self::ListenerSet => "ListenerSet",
            Self::XListenerSet => "XListenerSet",
            Self::Route(route) => route.as_str(),
            Self::Service => "Service",
            Self::ServiceImport => "ServiceImport",
            Self::EndpointSlice => "EndpointSlice",
            Self::ReferenceGrant => "ReferenceGrant",
            Self::Namespace => "Namespace",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
            Self::BackendTlsPolicy => "BackendTLSPolicy",
        }
    }

    /// The API group; empty for the core group.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Service | Self::Namespace | Self::Secret | Self::ConfigMap => "",
            Self::EndpointSlice => "discovery.k8s.io",
            Self::ServiceImport => "multicluster.x-k8s.io",
            Self::XListenerSet => EXPERIMENTAL_GROUP,
            _ => GATEWAY_GROUP,
        }
    }
}
