//! HTTP/2 on one connection: several exchanges at a time, each on a stream of its own.
//!
//! The id of the stream ties a response to its request, so nothing here depends on the order of responses, and a loss in
//! one direction costs what was lost and nothing else. What remains is the order of events: the answer to a request may
//! be logged before the request (a send is logged after it was made), and waits for it then.

mod open;
mod requests;
mod responses;

use std::collections::BTreeSet;

use gwobs_http::http2::hpack::Line;
use gwobs_http::http2::{Fault, Stream};
use gwobs_route::Inconclusive;

use self::open::Streams;
use super::Context;
use super::connection::{Phase, State};
use super::flow::Reading;
use super::limits::MAX_STREAMS;
use crate::exchange::{ExchangeEvent, Half, Stamp};

/// What is known of the HTTP/2 on a connection.
#[derive(Debug)]
pub(super) struct Http2 {
    requests: Stream,
    responses: Stream,
    streams: Streams,
    /// The call with the first byte of a frame whose header is not complete, of each direction.
    request_began: Option<Stamp>,
    response_began: Option<Stamp>,
    /// The stream of a response that waits for its request, and when it began.
    awaited: Option<(u32, Stamp)>,
    /// Requests on streams below this one may have been missed. Ids only grow (RFC 9113 section 5.1.1), so once a request
    /// is read again, all later ones are seen.
    missed_below: u32,
    /// Streams whose request was not seen, and that were given up.
    reset_unseen: BTreeSet<u32>,
    /// The header section that is being read in the direction of the requests is on a stream that had its request.
    is_out_of_order: bool,
}

impl Http2 {
    /// From the first byte of both directions.
    pub(super) fn new() -> Self {
        Self {
            requests: Stream::requests(),
            responses: Stream::responses(),
            streams: Streams::default(),
            request_began: None,
            response_began: None,
            awaited: None,
            missed_below: 0,
            reset_unseen: BTreeSet::new(),
            is_out_of_order: false,
        }
    }

    /// From the first byte of the requests, somewhere in the responses.
    pub(super) fn from_preface() -> Self {
        Self {
            responses: Stream::joined(),
            ..Self::new()
        }
    }

    /// Somewhere in both directions.
    pub(super) fn joined() -> Self {
        Self {
            requests: Stream::joined(),
            missed_below: u32::MAX,
            ..Self::from_preface()
        }
    }

    /// After an upgrade: `half` is the HTTP/1 request that asked for it, which is answered on stream 1 (RFC 7540
    /// section 3.2).
    pub(super) fn upgraded(half: Half) -> Self {
        let mut upgraded = Self::new();
        upgraded.streams.adopt(1, half);
        upgraded
    }

    /// True if no exchange is open.
    pub(super) fn is_idle(&self) -> bool {
        self.streams.is_empty()
    }

    /// How far off the next frame of the requests, and of the responses, begins, if what comes before it is not needed.
    pub(super) fn next_frames(&self) -> (Option<u64>, Option<u64>) {
        (self.requests.next_frame(), self.responses.next_frame())
    }

    /// True while a response that began waits for its request.
    pub(super) fn awaits_request(&self) -> bool {
        self.awaited.is_some_and(|(stream, _)| !self.streams.has_begun(stream))
    }

    /// Requests may go unseen until one is read again.
    fn miss_requests(&mut self) {
        self.missed_below = u32::MAX;
    }

    /// The request on that stream was read: so are those on all later ones, until some are missed.
    fn saw_request(&mut self, stream: u32) {
        self.missed_below = self.missed_below.min(stream);
    }

    /// True if a request on that stream was not seen, or may not have been.
    fn is_unseen(&self, stream: u32) -> bool {
        !self.streams.contains(stream) && (stream < self.missed_below || !self.streams.has_begun(stream))
    }

    /// No exchange that is open now will be read to its end.
    pub(super) fn abandon(&mut self, why: Inconclusive, context: &mut Context<'_>) {
        self.streams.abandon(why, |_| true, context.tell);
    }
}

impl State {
    /// Either side gave a stream up (RFC 9113 section 6.4).
    fn http2_reset(&mut self, stream: u32, stamp: Stamp, context: &mut Context<'_>) {
        let Phase::Http2(http2) = &mut self.phase else { return };
        if http2.is_unseen(stream) {
            // A client can name streams as long as it likes, but has no more of them open than that.
            if http2.reset_unseen.len() < MAX_STREAMS && http2.reset_unseen.insert(stream) {
                self.unseen_answered(stamp, context);
            }
            return;
        }
        http2
            .streams
            .abandon(Inconclusive::Aborted, |open| open == stream, context.tell);
    }

    /// A request that was not seen is over.
    fn unseen_answered(&self, stamp: Stamp, context: &mut Context<'_>) {
        (context.tell)(ExchangeEvent::UnseenAnswered {
            connection: &self.about,
            stamp,
            why: self.request_flow.lost_because,
        });
    }

    /// A stream got a second head: not all that was taken for frames can be frames, and what is open may be wrong.
    fn http2_contradicted(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        context.counts.invalid_messages += 1;
        let missed = self.about.missed;
        let why = missed.map_or(Inconclusive::UnsupportedProtocol, |missed| missed.why);
        self.unreadable(stamp, why, context);
        self.abandon(why, context);
        self.miss(why);
        self.request_flow.lost_because = why;
        self.response_flow.lost_because = why;
        self.go_on_with_http2(Http2::joined());
    }

    /// Calls that begin with frames tell HTTP/2 where the first bytes were not seen.
    pub(super) fn notice_http2(&mut self, reading: &Reading, is_request: bool) {
        let gwobs_http::Chunk::Bytes(bytes) = &reading.chunk else {
            return;
        };
        let joined = matches!(self.phase, Phase::Http1) && !self.proven && !self.requests.is_synchronised();
        let speaks_first = matches!(self.phase, Phase::Opening(..)) && !is_request;
        if joined && is_request && gwobs_http::http2::begins_with_preface(bytes) {
            self.go_on_with_http2(Http2::from_preface());
        } else if (joined || speaks_first) && gwobs_http::http2::begins_with_frames(bytes) {
            let http2 = if joined { Http2::joined() } else { Http2::new() };
            self.go_on_with_http2(http2);
        }
    }
}

/// True if a header section is that of a head: trailers have no pseudo-header fields (RFC 9113 section 8.1).
fn is_head(lines: &[Line]) -> bool {
    let names = lines.iter().filter_map(|line| line.name.as_ref());
    names.into_iter().any(|name| name.starts_with(b":"))
}

impl Reading {
    /// What a fault of the parser means for a verdict. `unseen`: why what was not seen was not.
    fn why_http2(&self, fault: Fault, unseen: Inconclusive) -> Inconclusive {
        match fault {
            Fault::Syntax | Fault::Compression(_) | Fault::Malformed => Inconclusive::UnsupportedProtocol,
            Fault::TooLong => Inconclusive::Truncated,
            Fault::Gap => self.why_missing,
            Fault::Unknown => unseen,
        }
    }
}
