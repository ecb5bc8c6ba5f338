//! A request that the gateway finished with, judged: what the pipeline hands to every sink.

use std::net::SocketAddr;
use std::sync::Arc;

use gwobs_http::{RequestHead, ResponseHead, Version};
use gwobs_route::{BackendName, Decision, Judgement, ObjectName, Origin, Purpose};

use crate::event::Timestamp;

/// One finished request. `INTERFACE.md` names the JSONL fields that it is written as.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Unique in this run and across agents.
    pub id: String,
    /// When the request's first byte was read (the upstream's first byte was written, without a downstream side).
    pub started: Timestamp,
    /// When the response ended.
    pub ended: Timestamp,
    /// The gateway process.
    pub process: Process,
    /// The Gateway that owns the local port, if any.
    pub gateway: Option<ObjectName>,
    /// The client's side; `None` if it could not be seen.
    pub downstream: Option<Downstream>,
    /// The request as the client sent it; `None` if it could not be read.
    pub request: Option<RequestHead>,
    /// Every upstream call, in order.
    pub upstreams: Vec<Upstream>,
    /// What the client got; `None` if that could not be read.
    pub response: Option<Response>,
    /// What the specs said; `None` without a readable request or without specs.
    pub decision: Option<Arc<Decision>>,
    /// Right or wrong; `None` when running without a gateway.
    pub judgement: Option<Judgement>,
    /// How the two sides were tied together.
    pub pairing: Pairing,
}

impl Finished {
    /// The upstream call that the request ended with; mirrors and the like do not count.
    #[must_use]
    pub fn answered(&self) -> Option<&Upstream> {
        let is_forward = |upstream: &&Upstream| matches!(upstream.purpose, Purpose::Forward | Purpose::Retry);
        self.upstreams.iter().rfind(is_forward)
    }
}

/// A process of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Process {
    /// Process id.
    pub pid: u32,
    /// Command name.
    pub name: Arc<str>,
}

/// The client's side of a request.
#[derive(Debug, Clone)]
pub struct Downstream {
    /// The client's address.
    pub peer: SocketAddr,
    /// The gateway's address.
    pub local: SocketAddr,
    /// What the client speaks, as far as it can be read.
    pub protocol: ClientProtocol,
    /// Whether it came over TLS.
    pub tls: bool,
    /// Server name of the handshake.
    pub sni: Option<Arc<str>>,
}

/// What a client speaks, as far as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientProtocol {
    /// HTTP.
    Http(Version),
    /// TLS that the gateway passes on.
    Tls,
}

/// One upstream call.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Where the gateway connected to.
    pub address: SocketAddr,
    /// The backend that the address belongs to: the expected one if it does, else the first by name.
    pub backend: Option<BackendName>,
    /// All backends that the address belongs to.
    pub backend_candidates: Vec<BackendName>,
    /// The pod (`namespace/name`) behind the address, if known.
    pub pod: Option<ObjectName>,
    /// The request as the gateway sent it; `None` if the connection failed.
    pub request: Option<RequestHead>,
    /// The upstream's final response.
    pub response: Option<ResponseHead>,
    /// What the call was for.
    pub purpose: Purpose,
}

/// What the client got.
#[derive(Debug, Clone)]
pub struct Response {
    /// The final head.
    pub head: ResponseHead,
    /// The status of a gRPC call, from the head or the trailers.
    pub grpc_status: Option<u16>,
    /// Who made it.
    pub origin: Origin,
}

/// How the two sides were tied together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairing {
    /// The kinds of evidence that agreed.
    pub evidence: Vec<Evidence>,
    /// Upstream calls that came into question.
    pub candidates: usize,
}

/// A kind of evidence (`DESIGN.md`, decision 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// Only this upstream call can belong to the request: time, transformation and ownership leave no other.
    Only,
    /// The read and the write follow one another on one event-loop thread.
    Adjacent,
    /// An id that is unique on both sides.
    Id,
    /// A header that proxies leave alone, unique on both sides.
    Header,
    /// The response's status, length and first bytes, unique on both sides.
    Response,
    /// Several requests equal for routing: the counts are exact, this one is a representative.
    Interchangeable,
}

impl Evidence {
    /// The public name, as in JSONL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Only => "only",
            Self::Adjacent => "adjacent",
            Self::Id => "id",
            Self::Header => "header",
            Self::Response => "response",
            Self::Interchangeable => "interchangeable",
        }
    }
}
