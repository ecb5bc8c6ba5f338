//! One half of a request's way through the gateway: the request and response of one connection, with the stamps that
//! pairing needs. A downstream half is on a connection the gateway accepted, an upstream half on one it opened.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use gwobs_http::{RequestHead, ResponseHead};
use gwobs_route::Inconclusive;

use crate::event::{Role, SocketCookie, Timestamp, Unread};

/// Where in the order of things a byte was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Stamp {
    /// When the call was seen.
    pub time: Timestamp,
    /// Position of the event among all events of this run, from 0.
    pub order: u64,
    /// The thread that made the call.
    pub tid: u32,
    /// Position of the call among the calls of this thread that moved bytes: two calls with consecutive numbers had
    /// nothing between them on the thread. Parts of one call share a number; numbers leave room where events may be
    /// missing. What is not such a call (a connect, a close) has the number that the next one will get.
    pub thread_order: u64,
}

/// The connection of a half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// The socket.
    pub socket: SocketCookie,
    /// The process that used it first.
    pub pid: u32,
    /// Who opened it.
    pub role: Role,
    /// The gateway's address.
    pub local: SocketAddr,
    /// The other side's address.
    pub peer: SocketAddr,
    /// True if it was open before the probes were attached.
    pub preexisting: bool,
    /// What is known of its encryption; `None` if it has none.
    pub tls: Option<Tls>,
    /// The last time that bytes were missed before the half began, so that the place of its messages had to be found;
    /// `None` if every byte since the connection's first was read, or left out on purpose.
    pub missed: Option<Missed>,
}

/// Bytes of a connection that were missed. Whatever is read after them may be the content of a message that began among
/// them, and somebody may have written it to be taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Missed {
    /// How often bytes of this connection were missed up to then.
    pub times: u32,
    /// Why they were.
    pub why: Inconclusive,
}

/// What is known of a connection's encryption.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// The name that the client asked for; `None` if it asked for none, or that was not seen.
    pub server_name: Option<Arc<str>>,
}

/// Names a half for as long as it is of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HalfId(pub u64);

/// The request and response of one exchange on one connection, as far as they have come.
#[derive(Debug, Clone)]
pub struct Half {
    /// Its name.
    pub id: HalfId,
    /// Its connection.
    pub connection: Arc<Connection>,
    /// The request.
    pub request: RequestPart,
    /// The response.
    pub response: ResponsePart,
    /// Whether it is over, and how.
    pub outcome: Outcome,
    /// What keeps this half from being used as proof, worst first; empty when all that matters was read.
    pub flaws: Vec<Inconclusive>,
}

/// The request of a half.
#[derive(Debug, Clone)]
pub struct RequestPart {
    /// The head; `None` if it could not be read (see the half's flaws).
    pub head: Option<Arc<RequestHead>>,
    /// First byte of the head.
    pub started: Stamp,
    /// The call that completed the head.
    pub head_ended: Option<Stamp>,
    /// The call that completed the body.
    pub ended: Option<Stamp>,
    /// Bytes of the body so far, after transfer coding.
    pub body_length: u64,
}

/// The response of a half. Interim (1xx) responses are not kept, except 101.
#[derive(Debug, Clone, Default)]
pub struct ResponsePart {
    /// The final head.
    pub head: Option<Arc<ResponseHead>>,
    /// First byte of the final head.
    pub started: Option<Stamp>,
    /// The call that completed the final head.
    pub head_ended: Option<Stamp>,
    /// The status of a gRPC call, from the head or the trailers.
    pub grpc_status: Option<u16>,
    /// The call that completed the body.
    pub ended: Option<Stamp>,
    /// The first bytes of the body, as evidence; at most [`BODY_PREFIX`].
    pub body_prefix: Bytes,
    /// Bytes of the body so far, after transfer coding.
    pub body_length: u64,
}

/// How much of a response body is kept as evidence for pairing.
pub const BODY_PREFIX: usize = 64;

/// Whether a half is over, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Not over.
    Open,
    /// Request and response were complete, or the response ended before the request did.
    Completed,
    /// 101 or 2xx to CONNECT: the connection left HTTP.
    Upgraded,
    /// The connection ended, or was lost from sight, before the response was complete.
    Aborted,
}

/// What the connections layer tells the pairing layer, in order.
#[derive(Debug, Clone)]
pub enum ExchangeEvent<'a> {
    /// A half reached its next stage; the half as it is now.
    Progress {
        /// Which stage.
        stage: Stage,
        /// The half.
        half: &'a Half,
    },
    /// Bytes moved on a connection whose messages cannot be read now (encrypted, not HTTP, not yet found again after
    /// a gap): it may carry requests that nobody sees.
    Unreadable {
        /// The connection.
        connection: &'a Arc<Connection>,
        /// The call.
        stamp: Stamp,
        /// Why.
        why: Inconclusive,
    },
    /// A response began, or a stream was given up, whose request was not seen: that request is over, and nothing is said about
    /// others. Only HTTP/2 tells so much, for a response names its stream.
    UnseenAnswered {
        /// The connection.
        connection: &'a Arc<Connection>,
        /// The call.
        stamp: Stamp,
        /// Why the request was not seen.
        why: Inconclusive,
    },
    /// Something, or the end, was received on a socket that is not read.
    Unread {
        /// The process.
        pid: u32,
        /// The socket.
        unread: &'a Unread,
        /// The call.
        stamp: Stamp,
    },
    /// A connect failed: an attempt without a request.
    ConnectFailed {
        /// The process.
        pid: u32,
        /// Where to.
        peer: SocketAddr,
        /// When the connect began, and on which thread.
        began: Stamp,
    },
    /// Events are missing somewhere before this point: whatever was in flight in any connection may be incomplete.
    Lost,
}

/// The stages of a half, in the order they are told. A stage that was not seen is not told; `Ended` always is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// First byte of a request.
    RequestStarted,
    /// The request head is complete (or known to be unreadable).
    RequestHead,
    /// The final response head is complete.
    ResponseHead,
    /// The half is over; nothing more will be told of it.
    Ended,
}
