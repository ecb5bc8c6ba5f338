//! Routes of all kinds in one shape (`httproute_types.go`, `grpcroute_types.go`, `tlsroute_types.go`, …).

use std::sync::Arc;

use crate::RouteKind;
use crate::model::{Filter, Meta, Reference};

/// A route.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Metadata.
    pub meta: Meta,
    /// Its kind.
    pub kind: RouteKind,
    /// `spec.parentRefs`
    pub parents: Vec<ParentRef>,
    /// `spec.hostnames` in lower case; always empty for TCPRoute and UDPRoute.
    pub hostnames: Vec<Arc<str>>,
    /// `spec.rules`
    pub rules: Vec<Rule>,
}

impl Route {
    /// True if the route has parents that could not be read: it may be attached to anything.
    pub(crate) fn has_unread_parents(&self) -> bool {
        self.meta.is_unsure_of(&["spec.parentRefs"]) && self.parents.is_empty()
    }

    /// True if the route has hostnames that could not be read: it may be there for any host.
    pub(crate) fn has_unread_hostnames(&self) -> bool {
        self.meta.is_unsure_of(&["spec.hostnames"])
    }
}

/// `spec.parentRefs[]`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ParentRef {
    /// Gateway, ListenerSet or Service; group and kind default to `gateway.networking.k8s.io` and `Gateway`.
    pub target: Reference,
    /// `sectionName`
    pub section: Option<Arc<str>>,
    /// `port`
    pub port: Option<u16>,
}

/// `spec.rules[]`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rule {
    /// `name`
    pub name: Option<Arc<str>>,
    /// `matches`: a request that satisfies any of them matches the rule; a path of [`PathMatch::Unknown`] stands for a match
    /// that is not understood, whatever the kind of route. Never empty for HTTPRoute and GRPCRoute: without
    /// matches the API's default is one match of everything, [`Match::default`]. Empty for TLSRoute, TCPRoute, UDPRoute.
    pub matches: Vec<Match>,
    /// `filters`
    pub filters: Vec<Filter>,
    /// `backendRefs`
    pub backends: Vec<BackendRef>,
    /// `timeouts`
    pub timeouts: Timeouts,
    /// `retry`
    pub retry: Option<Retry>,
    /// `sessionPersistence`
    pub session: Option<SessionPersistence>,
}

/// `matches[]`: all of its conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// `path` of an HTTPRoute; the API's default is prefix `/`.
    pub path: PathMatch,
    /// `method` of an HTTPRoute.
    pub method: Option<Arc<str>>,
    /// `method` of a GRPCRoute.
    pub grpc: Option<GrpcMethodMatch>,
    /// `headers`; names in lower case.
    pub headers: Vec<ValueMatch>,
    /// `queryParams`; names are case-sensitive.
    pub query: Vec<ValueMatch>,
}

/// `matches[].path`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathMatch {
    /// `Exact`
    Exact(Arc<str>),
    /// `PathPrefix`: by whole path elements.
    Prefix(Arc<str>),
    /// `RegularExpression`
    Regex(Arc<str>),
    /// A type that is not understood: it may match anything.
    Unknown(Arc<str>),
}

impl Default for PathMatch {
    fn default() -> Self {
        Self::Prefix("/".into())
    }
}

/// A condition on a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StringMatch {
    /// `Exact`
    Exact(Arc<str>),
    /// `RegularExpression`
    Regex(Arc<str>),
    /// A type that is not understood: it may match anything.
    Unknown(Arc<str>),
}

/// `headers[]` or `queryParams[]`: a condition on the value of that name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ValueMatch {
    /// Name.
    pub name: Arc<str>,
    /// Condition on the value.
    pub value: StringMatch,
}

/// `matches[].method` of a GRPCRoute: both must hold. Type and value are together here; a part that is not given is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct GrpcMethodMatch {
    /// Condition on the service, with its package.
    pub service: Option<StringMatch>,
    /// Condition on the method's name.
    pub method: Option<StringMatch>,
}

/// `backendRefs[]`
#[derive(Debug, Clone, PartialEq)]
pub struct BackendRef {
    /// The Service or other object; group and kind default to the core group and `Service`.
    pub target: Reference,
    /// `port`
    pub port: Option<u16>,
    /// `weight`, 0 to 1,000,000; the API's default is 1.
    pub weight: u32,
    /// `filters` of this backend alone.
    pub filters: Vec<Filter>,
}

/// `timeouts`: milliseconds; `Some(0)` switches a timeout off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timeouts {
    /// `request`
    pub request_ms: Option<u64>,
    /// `backendRequest`
    pub backend_request_ms: Option<u64>,
}

/// `retry`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retry {
    /// `codes`
    pub codes: Vec<u16>,
    /// `attempts`
    pub attempts: Option<u32>,
    /// `backoff` in milliseconds
    pub backoff_ms: Option<u64>,
}

/// `sessionPersistence`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPersistence {
    /// `type`
    pub kind: SessionType,
    /// `sessionName`: name of the cookie or header.
    pub name: Option<Arc<str>>,
}

/// `sessionPersistence.type`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionType {
    /// `Cookie`
    Cookie,
    /// `Header`
    Header,
}
