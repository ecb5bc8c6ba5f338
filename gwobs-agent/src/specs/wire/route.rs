//! Routes as they are written.

use serde::Deserialize;

use super::{BackendRef, Filter, Known, ParentRef};

/// `spec` of a route with rules of its kind
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "R: Deserialize<'de>"))]
pub(crate) struct RouteSpec<R> {
    pub(crate) parent_refs: Option<Vec<ParentRef>>,
    pub(crate) hostnames: Option<Vec<String>>,
    pub(crate) rules: Option<Vec<R>>,
    pub(crate) use_default_gateways: Option<String>,
}

/// `rules[]` of an HTTPRoute
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpRule {
    pub(crate) name: Option<String>,
    pub(crate) matches: Option<Vec<HttpMatch>>,
    pub(crate) filters: Option<Vec<Filter>>,
    pub(crate) backend_refs: Option<Vec<BackendRef>>,
    pub(crate) timeouts: Option<Timeouts>,
    pub(crate) retry: Option<Retry>,
    pub(crate) session_persistence: Option<SessionPersistence>,
}

/// `rules[]` of a GRPCRoute
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrpcRule {
    pub(crate) name: Option<String>,
    pub(crate) matches: Option<Vec<GrpcMatch>>,
    pub(crate) filters: Option<Vec<Filter>>,
    pub(crate) backend_refs: Option<Vec<BackendRef>>,
    pub(crate) session_persistence: Option<SessionPersistence>,
}

/// `rules[]` of a TLSRoute, TCPRoute or UDPRoute
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlainRule {
    pub(crate) name: Option<String>,
    pub(crate) backend_refs: Option<Vec<BackendRef>>,
}

/// `matches[]` of an HTTPRoute
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpMatch {
    pub(crate) path: Option<PathMatch>,
    pub(crate) method: Option<String>,
    pub(crate) headers: Option<Vec<ValueMatch>>,
    pub(crate) query_params: Option<Vec<ValueMatch>>,
}

/// `matches[]` of a GRPCRoute
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GrpcMatch {
    pub(crate) method: Option<GrpcMethod>,
    pub(crate) headers: Option<Vec<ValueMatch>>,
}

/// `matches[].method` of a GRPCRoute
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct GrpcMethod {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) method: Option<String>,
}

/// `matches[].path`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct PathMatch {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) value: Option<String>,
}

/// `headers[]`, `queryParams[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ValueMatch {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) name: String,
    pub(crate) value: String,
}

/// `timeouts`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Timeouts {
    pub(crate) request: Option<String>,
    pub(crate) backend_request: Option<String>,
}

/// `retry`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Retry {
    pub(crate) codes: Option<Vec<i64>>,
    pub(crate) attempts: Option<i64>,
    pub(crate) backoff: Option<String>,
}

/// `sessionPersistence`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionPersistence {
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) session_name: Option<String>,
    #[expect(dead_code, reason = "how long a session lasts cannot be told from one request")]
    absolute_timeout: Known,
    #[expect(dead_code, reason = "how long a session lasts cannot be told from one request")]
    idle_timeout: Known,
    #[expect(dead_code, reason = "how long a session lasts cannot be told from one request")]
    cookie_config: Option<CookieConfig>,
}

/// `sessionPersistence.cookieConfig`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CookieConfig {
    #[expect(dead_code, reason = "how long a cookie lasts cannot be told from one request")]
    lifetime_type: Known,
}
