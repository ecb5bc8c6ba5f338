//! Filters of rules and backends (`HTTPRouteFilter`, `GRPCRouteFilter`).

use std::sync::Arc;

use crate::model::{BackendRef, Reference};

/// One filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `RequestHeaderModifier`
    RequestHeaders(HeaderModifier),
    /// `ResponseHeaderModifier`
    ResponseHeaders(HeaderModifier),
    /// `RequestRedirect`
    Redirect(Redirect),
    /// `URLRewrite`
    Rewrite(Rewrite),
    /// `RequestMirror`
    Mirror(Box<Mirror>),
    /// `CORS`
    Cors(Cors),
    /// `ExternalAuth`
    ExternalAuth(Box<ExternalAuth>),
    /// `ExtensionRef`: an implementation's own filter, of unknown effect.
    Extension(Reference),
    /// A type that is not understood.
    Unknown(Arc<str>),
}

/// `requestHeaderModifier`, `responseHeaderModifier`; names in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderModifier {
    /// `set`
    pub set: Vec<HeaderValue>,
    /// `add`
    pub add: Vec<HeaderValue>,
    /// `remove`
    pub remove: Vec<Arc<str>>,
}

/// A header name in lower case with a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HeaderValue {
    /// Name.
    pub name: Arc<str>,
    /// Value.
    pub value: Arc<str>,
}

/// `path` of a redirect or rewrite.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PathModifier {
    /// `ReplaceFullPath`
    Full(Arc<str>),
    /// `ReplacePrefixMatch`
    Prefix(Arc<str>),
}

/// `requestRedirect`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// `scheme` in lower case.
    pub scheme: Option<Arc<str>>,
    /// `hostname`
    pub hostname: Option<Arc<str>>,
    /// `path`
    pub path: Option<PathModifier>,
    /// `port`
    pub port: Option<u16>,
    /// `statusCode`, the API's default is 302.
    pub status: u16,
}

/// `urlRewrite`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewrite {
    /// `hostname`
    pub hostname: Option<Arc<str>>,
    /// `path`
    pub path: Option<PathModifier>,
}

/// `requestMirror`
#[derive(Debug, Clone, PartialEq)]
pub struct Mirror {
    /// `backendRef`; weight and filters mean nothing here.
    pub backend: BackendRef,
    /// The share that is mirrored.
    pub share: MirrorShare,
}

/// `percent` or `fraction` of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MirrorShare {
    /// Numerator; `percent` itself.
    pub numerator: u32,
    /// Denominator, the API's default is 100.
    pub denominator: u32,
}

impl MirrorShare {
    /// Every request.
    pub const ALL: Self = Self {
        numerator: 100,
        denominator: 100,
    };

    /// The share in percent, 0 to 100; a denominator of 0 mirrors nothing.
    #[must_use]
    pub fn percent(self) -> f64 {
        if self.denominator == 0 {
            return 0.0;
        }
        (f64::from(self.numerator) * 100.0 / f64::from(self.denominator)).min(100.0)
    }
}

/// `cors`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// `allowOrigins`, as written.
    pub allow_origins: Vec<Arc<str>>,
    /// `allowCredentials`
    pub allow_credentials: bool,
    /// `allowMethods`
    pub allow_methods: Vec<Arc<str>>,
    /// `allowHeaders`
    pub allow_headers: Vec<Arc<str>>,
    /// `exposeHeaders`
    pub expose_headers: Vec<Arc<str>>,
    /// `maxAge` in seconds; the API's default is 5.
    pub max_age: u32,
}

/// `externalAuth`
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalAuth {
    /// `protocol`
    pub protocol: AuthProtocol,
    /// `backendRef`
    pub backend: BackendRef,
    /// `http.path`: prefix of the path that is asked.
    pub path: Option<Arc<str>>,
    /// `http.allowedResponseHeaders`: headers that the answer may add to the request, in lower case.
    pub allowed_response_headers: Vec<Arc<str>>,
}

/// `externalAuth.protocol`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthProtocol {
    /// `HTTP`
    Http,
    /// `GRPC`
    Grpc,
}
