//! What the specs say must happen to a request.

use std::sync::Arc;

use crate::{BackendName, Inconclusive, ObjectName, RouteKind};

/// The rule and match that decided, and its route.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RouteRef {
    /// Kind of the route.
    pub kind: RouteKind,
    /// The route.
    pub route: ObjectName,
    /// Index of the rule in the route, from 0.
    pub rule: u16,
    /// Index of the match in the rule, from 0.
    pub matched: u16,
    /// The rule's name, if it has one.
    pub rule_name: Option<Arc<str>>,
}

/// Where a request arrived, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Arrival {
    /// What it was sent to.
    pub front: Front,
    /// The port of the listener, or of the Service.
    pub port: u16,
    /// How.
    pub protocol: WireProtocol,
}

/// What a request is sent to: it says which routes apply.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Front {
    /// A Gateway: the routes attached to its listeners apply.
    Gateway(ObjectName),
    /// A Service, by a client in the same mesh (GEP-1294).
    Service {
        /// The Service.
        service: ObjectName,
        /// Namespace of the client.
        client: Arc<str>,
    },
}

impl Arrival {
    /// At a port of a Gateway.
    #[must_use]
    pub fn at_gateway(gateway: &ObjectName, port: u16, protocol: WireProtocol) -> Self {
        Self {
            front: Front::Gateway(gateway.clone()),
            port,
            protocol,
        }
    }

    /// The Gateway that it was sent to, if that is what it was sent to.
    #[must_use]
    pub fn gateway(&self) -> Option<&ObjectName> {
        match &self.front {
            Front::Gateway(gateway) => Some(gateway),
            Front::Service { .. } => None,
        }
    }

    /// At a port of a Service, from a client of that namespace.
    #[must_use]
    pub fn at_service(service: &ObjectName, client: &Arc<str>, port: u16, protocol: WireProtocol) -> Self {
        let (service, client) = (service.clone(), client.clone());
        Self {
            front: Front::Service { service, client },
            port,
            protocol,
        }
    }
}

/// What the client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WireProtocol {
    /// HTTP in clear text.
    Http,
    /// HTTP over TLS that the gateway ends; in a mesh nobody does.
    Https,
    /// gRPC, over TLS if the request has a server name.
    Grpc,
    /// TLS by server name; what is inside does not matter.
    Tls,
    /// A TCP connection.
    Tcp,
    /// A UDP flow.
    Udp,
}

impl WireProtocol {
    /// True if requests are told apart, not only connections.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https | Self::Grpc)
    }
}

/// What must happen to a request, by one snapshot of the specs.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Generation of the snapshot that was asked.
    pub generation: u64,
    /// Where the request arrived.
    pub arrival: Arrival,
    /// The listener that owns the request: its name, `namespace/listenerset/name` for one of a ListenerSet;
    /// `None` if no listener matched, and in a mesh.
    pub listener: Option<Arc<str>>,
    /// The rule that won; `None` if none matched, or none applies to a Service in a mesh.
    pub route: Option<RouteRef>,
    /// What must be done.
    pub action: Action,
    /// What must change in the response that the client sees.
    pub response_headers: ResponseHeaders,
    /// Why this decision must not be used to accuse a gateway; empty for a decision that the spec settles.
    pub caveats: Vec<Inconclusive>,
}

impl Decision {
    /// The backends of the rule, also where none of them can get the request; empty where the rule redirects or answers by
    /// itself.
    #[must_use]
    pub fn backends(&self) -> &[BackendChoice] {
        match &self.action {
            Action::Forward { backends, .. } | Action::Respond { backends, .. } => backends,
            Action::Redirect(_) | Action::Reject => &[],
        }
    }
}

/// Changes to a response (ResponseHeaderModifier, CORS); names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ResponseHeaders {
    /// Replaced or set.
    pub set: Vec<(Arc<str>, String)>,
    /// Appended to what the backend sent.
    pub added: Vec<(Arc<str>, String)>,
    /// Removed.
    pub removed: Vec<Arc<str>>,
}

/// What must be done with a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// One of these backends must get it.
    Forward {
        /// All backends of the rule with their weights, invalid ones too.
        backends: Vec<BackendChoice>,
        /// What each backend must receive unless it overrides it.
        forwarded: Forwarded,
        /// Services that must also get a copy.
        mirrors: Vec<MirrorTarget>,
        /// True if a filter or policy may make the gateway answer by itself (ExternalAuth, ExtensionRef, CORS …).
        may_answer_itself: bool,
    },
    /// The gateway must redirect.
    Redirect(RedirectTarget),
    /// The gateway must answer by itself with this status.
    Respond {
        /// HTTP status.
        status: u16,
        /// gRPC status, for gRPC requests.
        grpc_status: Option<u16>,
        /// The rule's backends, if the reason is that none of them can get the request; else empty.
        backends: Vec<BackendChoice>,
    },
    /// The connection must be refused or closed (TLS, TCP and UDP without a route or a valid backend).
    Reject,
}

/// One backend of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct BackendChoice {
    /// The backend.
    pub backend: BackendName,
    /// Its weight, 0 to 1,000,000.
    pub weight: u32,
    /// Set if the reference is invalid: its share is answered with 500.
    pub invalid: Option<InvalidBackend>,
    /// What this backend must receive, if its own filters change it.
    pub forwarded: Option<Forwarded>,
    /// Where its own filters redirect its share to; it then receives nothing.
    pub redirect: Option<RedirectTarget>,
    /// Whether anything can answer there.
    pub endpoints: Endpoints,
}

/// What is known about the endpoints of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoints {
    /// Not told: no EndpointSlice refers to the Service, or its addresses come from DNS.
    Unknown,
    /// At least one is ready.
    Ready,
    /// The slices are there and none of their endpoints is ready: 503 is due.
    NoneReady,
}

/// Why a backend reference is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidBackend {
    /// The Service does not exist (`BackendNotFound`).
    NotFound,
    /// The kind or group is not known (`InvalidKind`).
    InvalidKind,
    /// A reference to another namespace without a ReferenceGrant (`RefNotPermitted`).
    NotPermitted,
    /// The Service has no such port, or none is named.
    NoPort,
    /// The Service's appProtocol or transport does not fit (`UnsupportedProtocol`).
    UnsupportedProtocol,
    /// The backend's BackendTLSPolicy has no valid CA certificate (`NoValidCACertificate`).
    NoValidAuthority,
}

impl InvalidBackend {
    /// The reason as the Gateway API names it in conditions (`ResolvedRefs` of a route, `Accepted` of a BackendTLSPolicy).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound | Self::NoPort => "BackendNotFound",
            Self::InvalidKind => "InvalidKind",
            Self::NotPermitted => "RefNotPermitted",
            Self::UnsupportedProtocol => "UnsupportedProtocol",
            Self::NoValidAuthority => "NoValidCACertificate",
        }
    }
}

/// What a backend must receive, as far as the rule's filters say; everything else must be left alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forwarded {
    /// The authority, if a filter rewrites it.
    pub authority: Option<Arc<str>>,
    /// The path with query, if a filter rewrites it.
    pub path: Option<String>,
    /// Header name in lower case to its final joined value.
    pub headers_set: Vec<(Arc<str>, String)>,
    /// Header names in lower case that must be absent.
    pub headers_removed: Vec<Arc<str>>,
}

/// A Service that must also get a copy of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct MirrorTarget {
    /// The backend that gets the copy.
    pub backend: BackendName,
    /// Share of requests that are copied, 0 to 100.
    pub percent: f64,
}

/// Where a redirect must lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectTarget {
    /// Status of the redirect.
    pub status: u16,
    /// Scheme of Location, in lower case.
    pub scheme: Arc<str>,
    /// Host of Location, without port.
    pub host: Arc<str>,
    /// Port of Location; `None` if it must be left out or is the scheme's own.
    pub port: Option<u16>,
    /// Path of Location, with query.
    pub path: String,
}
