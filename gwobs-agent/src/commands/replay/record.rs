//! A decision as `observe` wrote it, as far as it is needed (`INTERFACE.md`). Unknown fields are ignored.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What `observe` puts in place of a value that is personal data.
pub(super) const REDACTED: &str = "[redacted]";

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Record {
    #[serde(default)]
    pub(super) id: String,
    #[serde(default)]
    pub(super) time: String,
    pub(super) gateway: Option<String>,
    pub(super) listener: Option<String>,
    pub(super) downstream: Option<Downstream>,
    pub(super) request: Option<Request>,
    #[serde(default)]
    pub(super) upstreams: Vec<Upstream>,
    pub(super) response: Option<Response>,
    pub(super) expected: Option<Expected>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Downstream {
    pub(super) local: SocketAddr,
    #[serde(default)]
    pub(super) tls: bool,
    pub(super) sni: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) authority: Option<String>,
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(super) lossy: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    pub(super) backend: Option<String>,
    #[serde(default)]
    pub(super) backend_candidates: Vec<String>,
    #[serde(default)]
    pub(super) purpose: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) origin: String,
}

/// What was due by the specs of then.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Expected {
    #[serde(default)]
    pub(super) action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) route: Option<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backends: Option<Vec<Backend>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub(super) struct Route {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) rule: u16,
    pub(super) r#match: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Backend {
    pub(super) backend: String,
    pub(super) weight: u32,
}

impl Record {
    /// The upstream call by which the gateway chose: the last that carried the request itself.
    pub(super) fn chosen(&self) -> Option<&Upstream> {
        let carried = |upstream: &&Upstream| matches!(&*upstream.purpose, "forward" | "retry");
        self.upstreams.iter().rev().find(carried)
    }

    /// True if there is a call of which it is not known whether it carried the request.
    pub(super) fn has_unknown_calls(&self) -> bool {
        self.upstreams.iter().any(|upstream| upstream.purpose == "unknown")
    }
}

impl Upstream {
    /// All backends that the address belonged to, by name.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.backend.iter().chain(&self.backend_candidates).map(String::as_str)
    }
}
