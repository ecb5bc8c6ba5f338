//! Filters as they are written.

use serde::Deserialize;

use super::{BackendRef, Known, Reference};

/// `filters[]` of any rule or backend.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Filter {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) request_header_modifier: Option<HeaderModifier>,
    pub(crate) response_header_modifier: Option<HeaderModifier>,
    pub(crate) request_redirect: Option<Redirect>,
    pub(crate) url_rewrite: Option<Rewrite>,
    pub(crate) request_mirror: Option<Mirror>,
    pub(crate) cors: Option<Cors>,
    pub(crate) external_auth: Option<Auth>,
    pub(crate) extension_ref: Option<Reference>,
}

/// `requestHeaderModifier`, `responseHeaderModifier`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HeaderModifier {
    pub(crate) set: Option<Vec<HeaderChange>>,
    pub(crate) add: Option<Vec<HeaderChange>>,
    pub(crate) remove: Option<Vec<String>>,
}

/// `set[]`, `add[]`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HeaderChange {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// `requestRedirect`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Redirect {
    pub(crate) scheme: Option<String>,
    pub(crate) hostname: Option<String>,
    pub(crate) path: Option<PathChange>,
    pub(crate) port: Option<i64>,
    pub(crate) status_code: Option<i64>,
}

/// `urlRewrite`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Rewrite {
    pub(crate) hostname: Option<String>,
    pub(crate) path: Option<PathChange>,
}

/// `path` of a redirect or rewrite
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PathChange {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) replace_full_path: Option<String>,
    pub(crate) replace_prefix_match: Option<String>,
}

/// `requestMirror`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mirror {
    pub(crate) backend_ref: BackendRef,
    pub(crate) percent: Option<i64>,
    pub(crate) fraction: Option<Fraction>,
}

/// `fraction`
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Fraction {
    pub(crate) numerator: i64,
    pub(crate) denominator: Option<i64>,
}

/// `cors`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cors {
    pub(crate) allow_origins: Option<Vec<String>>,
    pub(crate) allow_credentials: Option<bool>,
    pub(crate) allow_methods: Option<Vec<String>>,
    pub(crate) allow_headers: Option<Vec<String>>,
    pub(crate) expose_headers: Option<Vec<String>>,
    pub(crate) max_age: Option<i64>,
}

/// `externalAuth`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Auth {
    pub(crate) protocol: String,
    pub(crate) backend_ref: BackendRef,
    pub(crate) http: Option<HttpAuth>,
    #[expect(
        dead_code,
        reason = "what the authorization service is sent has no effect on routing"
    )]
    grpc: Option<GrpcAuth>,
    #[expect(
        dead_code,
        reason = "what the authorization service is sent has no effect on routing"
    )]
    forward_body: Option<ForwardBody>,
}

/// `externalAuth.http`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpAuth {
    pub(crate) path: Option<String>,
    pub(crate) allowed_response_headers: Option<Vec<String>>,
    #[expect(
        dead_code,
        reason = "what the authorization service is sent has no effect on routing"
    )]
    allowed_headers: Known,
}

/// `externalAuth.grpc`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GrpcAuth {
    #[expect(
        dead_code,
        reason = "what the authorization service is sent has no effect on routing"
    )]
    allowed_headers: Known,
}

/// `externalAuth.forwardBody`
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ForwardBody {
    #[expect(
        dead_code,
        reason = "what the authorization service is sent has no effect on routing"
    )]
    max_size: Known,
}
