//! The request direction of a connection.

use bytes::Bytes;
use gwobs_http::http1::{Fault, Invalid, Item, Step};
use gwobs_http::opening::{OpeningStep, Protocol, looks_encrypted};
use gwobs_http::{Chunk, RequestHead};
use gwobs_route::Inconclusive;

use super::Context;
use super::connection::{Doubt, Phase, State};
use super::flow::Reading;
use super::http2::Http2;
use super::tls::Library;
use crate::event::Role;
use crate::exchange::Stamp;

impl State {
    /// Reads the next part of the request direction.
    pub(super) fn read_requests(&mut self, mut reading: Reading, context: &mut Context<'_>) {
        if reading.begins_call {
            self.requests.begin_call();
            self.notice_encryption(&reading);
            self.notice_http2(&reading, true);
        }
        let is_gap = matches!(reading.chunk, Chunk::Gap(_));
        match &self.phase {
            Phase::Opening(..) => self.open(reading, context),
            Phase::Http1 => self.parse_requests(&mut reading, context),
            Phase::Http2(_) => self.read_http2_requests(reading, context),
            Phase::Tls(_) => self.read_records(&mut reading, context),
            Phase::PassedOn => {}
            Phase::Unreadable(why) => {
                let why = *why;
                if reading.begins_call {
                    self.count_encrypted(why, context);
                }
                self.pass_unread(&reading, why, context);
            }
        }
        self.unsolicited &= is_gap;
    }

    /// Tells once a call that nobody reads it.
    pub(super) fn pass_unread(&self, reading: &Reading, why: Inconclusive, context: &mut Context<'_>) {
        if reading.begins_call {
            self.unreadable(reading.stamp, why, context);
        }
    }

    /// A connection joined in mid-stream does not show its first bytes: TLS records are told from any call.
    fn notice_encryption(&mut self, reading: &Reading) {
        let Chunk::Bytes(bytes) = &reading.chunk else { return };
        let is_unknown = !self.proven && !self.requests.is_synchronised();
        if is_unknown && self.library == Library::Unwatched && looks_encrypted(bytes) {
            self.phase = Phase::Unreadable(Inconclusive::Encrypted);
        }
    }

    /// Reads the first bytes of the connection.
    fn open(&mut self, mut reading: Reading, context: &mut Context<'_>) {
        let Phase::Opening(opening, first) = &mut self.phase else {
            return;
        };
        let began = *first.get_or_insert(reading.stamp);
        let (protocol, consumed) = loop {
            match opening.next(&mut reading.chunk) {
                OpeningStep::Protocol(protocol, consumed) => break (protocol, consumed),
                OpeningStep::NeedMore if reading.advance() => {}
                OpeningStep::NeedMore => {
                    if opening.is_empty() {
                        *first = None;
                    }
                    return;
                }
            }
        };
        match protocol {
            Protocol::Http1 => self.begin_http(consumed, began, reading, context),
            Protocol::Http2 => self.begin_http2(consumed, began, reading, context),
            Protocol::Tls if self.library == Library::Told => {
                self.give_up(Inconclusive::Encrypted, &reading, context);
            }
            Protocol::Tls => {
                let first = reading.replay(consumed, began);
                self.begin_tls(first, reading, context);
            }
            Protocol::Unknown if matches!(reading.chunk, Chunk::Gap(_)) => self.miss_opening(reading, context),
            Protocol::Unknown => self.give_up(Inconclusive::UnsupportedProtocol, &reading, context),
        }
    }

    /// The first bytes are missing: as if joined in mid-stream, but for a reason that is known.
    fn miss_opening(&mut self, mut reading: Reading, context: &mut Context<'_>) {
        self.join_midstream();
        self.miss_requests(reading.why_missing);
        self.parse_requests(&mut reading, context);
    }

    fn begin_http(&mut self, consumed: Bytes, began: Stamp, mut reading: Reading, context: &mut Context<'_>) {
        self.phase = Phase::Http1;
        let mut first = reading.replay(consumed, began);
        self.parse_requests(&mut first, context);
        self.parse_requests(&mut reading, context);
    }

    fn begin_http2(&mut self, consumed: Bytes, began: Stamp, reading: Reading, context: &mut Context<'_>) {
        self.go_on_with_http2(Http2::new());
        self.read_http2_requests(reading.replay(consumed, began), context);
        self.read_http2_requests(reading, context);
    }

    /// Bytes are missing in which requests may have been.
    fn miss_requests(&mut self, why: Inconclusive) {
        self.miss(why);
        self.request_flow.lost_because = why;
        self.doubt = Some(Doubt {
            why,
            in_turn: self.unsolicited,
        });
    }

    /// Nothing of the connection can be read from here on.
    pub(super) fn give_up(&mut self, why: Inconclusive, reading: &Reading, context: &mut Context<'_>) {
        self.abandon(why, context);
        self.phase = Phase::Unreadable(why);
        self.count_encrypted(why, context);
        self.unreadable(reading.stamp, why, context);
    }

    /// A client's requests may be among what was not read.
    fn count_encrypted(&self, why: Inconclusive, context: &mut Context<'_>) {
        let is_client = self.about.role == Role::Accepted;
        context.counts.encrypted += u64::from(is_client && why == Inconclusive::Encrypted);
    }

    fn parse_requests(&mut self, reading: &mut Reading, context: &mut Context<'_>) {
        let mut told_unread = false;
        while !matches!(self.phase, Phase::Unreadable(_)) {
            let is_gap = matches!(reading.chunk, Chunk::Gap(_));
            match self.requests.next(&mut reading.chunk) {
                Step::NeedMore if reading.advance() => {}
                Step::NeedMore => return,
                Step::Item(Item::Skipped(_)) if self.is_tunnel() => {}
                Step::Item(Item::Skipped(_)) => {
                    if is_gap {
                        self.miss_requests(reading.why_missing);
                    }
                    if !std::mem::replace(&mut told_unread, true) {
                        self.unreadable(reading.stamp, self.request_flow.lost_because, context);
                    }
                }
                Step::Item(item) => self.request_item(item, reading, context),
                Step::Invalid(invalid) => self.request_invalid(invalid, reading, context),
            }
        }
    }

    fn request_item(&mut self, item: Item<RequestHead>, reading: &Reading, context: &mut Context<'_>) {
        match item {
            Item::Started if self.exchanges.is_full() => {
                context.counts.too_deep += 1;
                self.give_up(Inconclusive::LostEvents, reading, context);
            }
            Item::Started => self.begin_request(reading, context),
            Item::Head(head) => {
                self.proven = true;
                self.exchanges.request_head(head, reading.stamp, context.tell);
            }
            Item::Body { length, .. } => self.exchanges.request_body(length),
            Item::End => self.exchanges.request_ended(reading.stamp),
            Item::Interim(_) | Item::Tunnel | Item::Skipped(_) => {}
        }
    }

    /// A request after a loss: while others are open, or if the client did not wait for a response since, it is not
    /// clear which response answers it.
    fn begin_request(&mut self, reading: &Reading, context: &mut Context<'_>) {
        match self.doubt {
            Some(doubt) if !self.exchanges.is_empty() && !self.may_have_lost_answers(doubt.why) => {
                self.give_up(doubt.why, reading, context);
            }
            Some(doubt) if !self.exchanges.is_empty() => {
                self.awaits_gap = true;
                self.exchanges
                    .begin(&self.about, Some(doubt.why), reading.stamp, context);
            }
            Some(Doubt { why, in_turn: false }) => {
                self.exchanges.begin(&self.about, Some(why), reading.stamp, context);
            }
            _ => self.exchanges.begin(&self.about, None, reading.stamp, context),
        }
    }

    /// The answers to what is open may have been lost along with requests: then bytes are missing in the other direction
    /// too. Otherwise the client sends requests in a row, and nothing tells any more which of them are answered.
    fn may_have_lost_answers(&self, why: Inconclusive) -> bool {
        why == Inconclusive::LostEvents && !self.exchanges.pipelined()
    }

    /// A request, or the place of the next one, was lost.
    fn request_invalid(&mut self, invalid: Invalid, reading: &Reading, context: &mut Context<'_>) {
        context.counts.invalid_messages += 1;
        let why = reading.why(invalid.fault);
        self.miss_requests(why);
        if self.exchanges.pipelined() || (invalid.fault == Fault::Syntax && !self.proven) {
            return self.give_up(why, reading, context);
        }
        self.exchanges
            .request_unreadable(invalid.method, why, invalid.fault == Fault::Framing, context.tell);
        if invalid.fault == Fault::Gap {
            self.unreadable(reading.stamp, why, context);
        }
    }
}

impl Reading {
    /// What a fault of the parser means for a verdict.
    pub(super) fn why(&self, fault: Fault) -> Inconclusive {
        match fault {
            Fault::Syntax | Fault::Chunking | Fault::Framing => Inconclusive::UnsupportedProtocol,
            Fault::HeadTooLong | Fault::TooManyFields => Inconclusive::Truncated,
            Fault::UnknownRequest => Inconclusive::Aborted,
            Fault::Gap => self.why_missing,
        }
    }
}
