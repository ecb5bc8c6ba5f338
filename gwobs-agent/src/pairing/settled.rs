//! What pairing hands out.

use std::net::SocketAddr;

use gwobs_route::{Inconclusive, Purpose};

use crate::exchange::{Half, Stamp};
use crate::finished::Evidence;

/// Something that is over, as far as pairing goes.
#[derive(Debug, Clone)]
pub enum Settled {
    /// A downstream request.
    Request(SettledRequest),
    /// An upstream call that belongs to a request nobody could read.
    Call {
        /// The call.
        call: Half,
        /// Why its request could not be read.
        why: Inconclusive,
        /// The local ports of all connections by which the request can have come in; `None` if it may be any.
        ports: Option<Vec<u16>>,
    },
    /// A mirror began that no request is left for: one that was handed out may have been late to send it.
    Stray(Half),
    /// A call began that a request there could have made, but for another call that it owns for sure: the facts do not cover
    /// what happened, and requests that look alike may have been given each other's calls.
    Unexplained(Half),
}

/// A downstream request and its upstream calls.
#[derive(Debug, Clone)]
pub struct SettledRequest {
    /// The request.
    pub downstream: Half,
    /// What forwarded it, in order; empty if that is not known.
    pub attempts: Vec<SettledCall>,
    /// Mirrors and authorization calls.
    pub beside: Vec<(Half, Purpose)>,
    /// What ties the two sides together, or why nothing does.
    pub tie: Tie,
    /// The most requests that came into question for one of its calls.
    pub candidates: usize,
    /// Set if a mirror or authorization call may belong to it or to another request: nothing may be said about them.
    pub beside_in_doubt: bool,
    /// Set if the request's verdict was a mismatch and has been held already, in case newer specs explain it.
    pub held: bool,
}

/// What ties the two sides together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tie {
    /// These are its calls, in every reading.
    Sure(Vec<Evidence>),
    /// The verdict is the same in every reading; the calls are those of one of them.
    Verdict(Vec<Evidence>),
    /// The same, and the requests that come into question for its calls, which are handed out with it and equal for
    /// routing, own the same ones among themselves in every reading: counts of where they went are exact.
    Counted(Vec<Evidence>),
    /// Nothing is known for sure.
    Unknown(Inconclusive),
}

/// One attempt to forward a request.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all attempts are of the larger kind")]
pub enum SettledCall {
    /// A request was sent.
    Sent(Half),
    /// The connection failed.
    ConnectFailed {
        /// Where to.
        peer: SocketAddr,
        /// When it began.
        began: Stamp,
    },
}
