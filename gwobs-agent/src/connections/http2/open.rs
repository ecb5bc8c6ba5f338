//! The open exchanges of an HTTP/2 connection, by the id of their stream.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use gwobs_http::{Field, RequestHead, ResponseHead};
use gwobs_route::Inconclusive;

use crate::connections::exchanges::{add_flaw, append, begin, progress};
use crate::connections::limits::MAX_STREAMS;
use crate::connections::{Context, Tell};
use crate::exchange::{Connection, Half, Outcome, Stage, Stamp};

/// The open exchanges.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: BTreeMap<u32, Open>,
    /// The highest stream that a request began on (RFC 9113 section 5.1.1: ids only grow).
    last: u32,
}

#[derive(Debug)]
struct Open {
    half: Half,
    request: Part,
    response: Part,
    /// All bytes of the response's body so far were read.
    prefix_grows: bool,
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Its head is not complete.
    Coming,
    /// Its head was read, or is known to be unreadable; what follows is body and trailers.
    Headed,
}

impl Streams {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// True if a request was seen on that stream, or on a later one.
    pub(super) fn has_begun(&self, stream: u32) -> bool {
        stream <= self.last
    }

    pub(super) fn contains(&self, stream: u32) -> bool {
        self.open.contains_key(&stream)
    }

    /// True if no request can begin on that stream: it had one, or a later one had, or it is the gateway's to begin.
    pub(super) fn is_over(&self, stream: u32) -> bool {
        stream.is_multiple_of(2) || self.has_begun(stream) && !self.contains(stream)
    }

    /// True if the head of a request on that stream was read.
    pub(super) fn has_request(&self, stream: u32) -> bool {
        let open = self.open.get(&stream);
        open.is_some_and(|open| open.half.request.head.is_some())
    }

    /// True if the final head of a response on that stream was read.
    pub(super) fn has_response(&self, stream: u32) -> bool {
        let open = self.open.get(&stream);
        open.is_some_and(|open| open.half.response.head.is_some())
    }

    /// A header section began in the direction of the requests: a request unless the stream is known. False if there is
    /// no room for it.
    pub(super) fn request_started(
        &mut self,
        stream: u32,
        connection: &Arc<Connection>,
        stamp: Stamp,
        context: &mut Context<'_>,
    ) -> bool {
        if self.has_begun(stream) || stream.is_multiple_of(2) {
            return true;
        }
        self.last = stream;
        if self.open.len() >= MAX_STREAMS {
            return false;
        }
        let half = begin(connection, None, stamp, context);
        self.insert(stream, half, Part::Coming);
        true
    }

    /// Takes over an exchange whose request was read before.
    pub(super) fn adopt(&mut self, stream: u32, half: Half) {
        self.last = stream;
        self.insert(stream, half, Part::Headed);
    }

    fn insert(&mut self, stream: u32, half: Half, request: Part) {
        let open = Open {
            half,
            request,
            response: Part::Coming,
            prefix_grows: true,
        };
        self.open.insert(stream, open);
    }

    /// True if the next header section of the stream is the request's head.
    pub(super) fn wants_request(&self, stream: u32) -> bool {
        self.open.get(&stream).is_some_and(|open| open.request == Part::Coming)
    }

    /// The head of a request is complete, or cannot be read.
    pub(super) fn request_head(
        &mut self,
        stream: u32,
        head: Result<RequestHead, Inconclusive>,
        stamp: Stamp,
        tell: &mut Tell<'_>,
    ) {
        let Some(open) = self.open.get_mut(&stream).filter(|open| open.request == Part::Coming) else {
            return;
        };
        open.request = Part::Headed;
        match head {
            Ok(head) => {
                open.half.request.head = Some(Arc::new(head));
                open.half.request.head_ended = Some(stamp);
            }
            Err(why) => add_flaw(&mut open.half, why),
        }
        progress(Stage::RequestHead, &open.half, tell);
    }

    pub(super) fn request_body(&mut self, stream: u32, length: u64) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.half.request.body_length += length;
        }
    }

    pub(super) fn request_ended(&mut self, stream: u32, stamp: Stamp) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.half.request.ended = Some(stamp);
        }
    }

    /// The heads that were being read never come.
    pub(super) fn requests_lost(&mut self, why: Inconclusive, stamp: Stamp, tell: &mut Tell<'_>) {
        let coming = self.open.iter().filter(|(_, open)| open.request == Part::Coming);
        let coming: Vec<u32> = coming.map(|(&stream, _)| stream).collect();
        for stream in coming {
            self.request_head(stream, Err(why), stamp, tell);
        }
    }

    /// True if the next header section of the stream is a response's head.
    pub(super) fn wants_response(&self, stream: u32) -> bool {
        self.open.get(&stream).is_some_and(|open| open.response == Part::Coming)
    }

    /// A header section began in the direction of the responses; it may turn out to be an interim response.
    pub(super) fn response_started(&mut self, stream: u32, stamp: Stamp) {
        if let Some(open) = self.open.get_mut(&stream).filter(|open| open.response == Part::Coming) {
            open.half.response.started = Some(stamp);
        }
    }

    pub(super) fn response_interim(&mut self, stream: u32) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.half.response.started = None;
        }
    }

    /// The final head of a response is complete, or cannot be read.
    pub(super) fn response_head(
        &mut self,
        stream: u32,
        head: Result<ResponseHead, Inconclusive>,
        stamp: Stamp,
        tell: &mut Tell<'_>,
    ) {
        if self.wants_request(stream) {
            // Answered before its head was complete, as one that is too long is: what is left of that comes too late.
            self.request_head(stream, Err(Inconclusive::Truncated), stamp, tell);
        }
        let Some(open) = self.open.get_mut(&stream) else { return };
        open.response = Part::Headed;
        let head = match head {
            Ok(head) => head,
            Err(why) => return add_flaw(&mut open.half, why),
        };
        let tunnel = is_tunnel(&open.half, &head);
        open.half.response.grpc_status = grpc_status(&head.headers);
        open.half.response.head = Some(Arc::new(head));
        open.half.response.head_ended = Some(stamp);
        progress(Stage::ResponseHead, &open.half, tell);
        if tunnel {
            self.response_ended(stream, stamp, Outcome::Upgraded, tell);
        }
    }

    pub(super) fn trailers(&mut self, stream: u32, fields: &[Field]) {
        if let Some(open) = self.open.get_mut(&stream) {
            let response = &mut open.half.response;
            response.grpc_status = grpc_status(fields).or(response.grpc_status);
        }
    }

    pub(super) fn response_body(&mut self, stream: u32, length: u64, bytes: &Bytes) {
        if let Some(open) = self.open.get_mut(&stream) {
            open.half.response.body_length += length;
            open.prefix_grows &= !bytes.is_empty();
            if open.prefix_grows {
                append(&mut open.half.response.body_prefix, bytes);
            }
        }
    }

    pub(super) fn response_ended(&mut self, stream: u32, stamp: Stamp, outcome: Outcome, tell: &mut Tell<'_>) {
        if let Some(mut open) = self.open.remove(&stream) {
            open.half.response.ended = Some(stamp);
            open.half.outcome = outcome;
            progress(Stage::Ended, &open.half, tell);
        }
    }

    /// No exchange on streams that are `meant` will be read to its end.
    pub(super) fn abandon(&mut self, why: Inconclusive, meant: impl Fn(u32) -> bool, tell: &mut Tell<'_>) {
        let streams: Vec<u32> = self.open.keys().copied().filter(|stream| meant(*stream)).collect();
        for mut open in streams.iter().filter_map(|stream| self.open.remove(stream)) {
            add_flaw(&mut open.half, why);
            open.half.outcome = Outcome::Aborted;
            progress(Stage::Ended, &open.half, tell);
        }
    }
}

/// CONNECT, extended or not, that succeeds makes a tunnel of the stream (RFC 9113 section 8.5, RFC 8441 section 5).
fn is_tunnel(half: &Half, response: &ResponseHead) -> bool {
    let is_connect = half.request.head.as_ref().is_some_and(|head| head.method == "CONNECT");
    is_connect && (200..300).contains(&response.status)
}

/// The status of a gRPC call, from trailers or from the head of a response that has nothing else.
fn grpc_status(fields: &[Field]) -> Option<u16> {
    let status = fields.iter().find(|field| field.name == b"grpc-status"[..])?;
    std::str::from_utf8(&status.value).ok()?.parse().ok()
}
