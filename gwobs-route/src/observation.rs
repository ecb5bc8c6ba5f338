//! What the gateway did with a request, as far as it was seen.

use std::net::SocketAddr;

use crate::{HeaderField, Request};

/// What the gateway did with one request.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// Every upstream call made for the request, in order.
    pub attempts: &'a [Attempt<'a>],
    /// What the client got; `None` if the response was not seen.
    pub response: Option<Response<'a>>,
    /// When the request was decided by the gateway: nanoseconds on the clock of the snapshots' endpoint history.
    pub at: u64,
}

/// One upstream call.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Where the gateway connected to.
    pub address: SocketAddr,
    /// What it sent there; `None` if the connection failed or the bytes could not be read.
    pub request: Option<Request<'a>>,
    /// The upstream's final status.
    pub status: Option<u16>,
    /// What the call was for.
    pub purpose: Purpose,
}

/// What an upstream call was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The request itself.
    Forward,
    /// A copy of it.
    Mirror,
    /// The request again, after a failed attempt.
    Retry,
    /// A question to an authorization service.
    Auth,
    /// Not known.
    Unknown,
}

/// What the client got.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// Final status.
    pub status: u16,
    /// Who made it.
    pub origin: Origin,
    /// Field lines.
    pub headers: &'a [HeaderField<'a>],
}

/// Who made a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An upstream's answer was passed on.
    Upstream,
    /// The gateway answered by itself.
    Gateway,
}
