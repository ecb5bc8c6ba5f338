//! What pairing asks about the meaning of requests; it knows no specs itself.

use std::net::SocketAddr;

use gwobs_route::Verdict;

use crate::exchange::Half;

/// Answers questions that depend on the specs. The pipeline answers them with every snapshot that is live.
pub trait Oracle {
    /// True if any filter of the specs, or none at all, can have turned the downstream half's request into what the
    /// upstream half sent. False is a hard fact: it excludes, so in doubt the answer is true.
    fn may_become(&self, downstream: &Half, upstream: &Half) -> bool;

    /// True if [`Self::may_become`] answers the same for both requests, whatever the call.
    fn same_target(&self, a: &Half, b: &Half) -> bool;

    /// The verdict on a request if these were its upstream calls, in order.
    fn judge(&self, downstream: &Half, attempts: &[Attempt<'_>]) -> Verdict;

    /// True if [`Self::judge`] answers the same for both requests, whatever the attempts.
    fn equal_for_routing(&self, a: &Half, b: &Half) -> bool;

    /// What an upstream call is for. `candidates`: requests that it may simply forward; what a client sent is no sign of
    /// the gateway's own doing.
    fn purpose(&self, upstream: &Half, candidates: &[&Half]) -> CallPurpose;

    /// True if whatever the gateway says to this address is its own traffic: its control plane, to which no route leads.
    fn is_control(&self, peer: SocketAddr) -> bool;

    /// True if no filter of the specs touches this request header (name in lower case).
    fn leaves_alone(&self, header: &[u8]) -> bool;
}

/// What an upstream call is for, as far as its looks tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallPurpose {
    /// To forward a request: belongs to exactly one, if one that it can belong to was there.
    Route,
    /// A copy of a request, beside the one that is answered.
    Mirror,
    /// A question to an authorization service about a request.
    Auth,
    /// A health check or the gateway's own traffic: belongs to no request.
    NoRequest,
}

/// One attempt to forward a request.
#[derive(Debug, Clone, Copy)]
pub enum Attempt<'a> {
    /// A request was sent.
    Sent(&'a Half),
    /// The connection failed.
    ConnectFailed(SocketAddr),
}
