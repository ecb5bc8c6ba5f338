//! The response direction of a connection.

use gwobs_http::http1::{Ending, Fault, Invalid, Item, Step};
use gwobs_http::{Chunk, ResponseHead};
use gwobs_route::Inconclusive;

use super::Context;
use super::connection::{Doubt, Phase, State};
use super::exchanges::{Question, switches_to};
use super::flow::Reading;
use super::http2::Http2;
use crate::exchange::{Outcome, Stamp};

/// Status of an answer to a request that did not come (RFC 9110 section 15.5.9).
const REQUEST_TIMEOUT: u16 = 408;

impl State {
    /// Reads the next part of the response direction, up to a message that must wait for its request.
    pub(super) fn read_responses(&mut self, mut reading: Reading, force: bool, context: &mut Context<'_>) {
        if reading.begins_call {
            self.notice_http2(&reading, false);
        }
        match self.phase {
            Phase::Unreadable(why) => return self.pass_unread(&reading, why, context),
            Phase::Http2(_) => return self.read_http2_responses(reading, force, context),
            Phase::PassedOn => return,
            Phase::Tls(_) => return self.read_response_records(&mut reading),
            Phase::Opening(..) | Phase::Http1 => {}
        }
        if std::mem::take(&mut self.awaits_gap) && matches!(reading.chunk, Chunk::Bytes(_)) {
            return self.give_up(Inconclusive::LostEvents, &reading, context);
        }
        if std::mem::take(&mut reading.begins_call) {
            self.responses.begin_call();
        }
        let mut told_unread = false;
        loop {
            match self.phase {
                Phase::Unreadable(_) | Phase::PassedOn | Phase::Tls(_) => return,
                Phase::Http2(_) => return self.read_http2_responses(reading, force, context),
                Phase::Opening(..) | Phase::Http1 => {}
            }
            if !force && self.responses.is_between_messages() && !self.may_answer() && reading.advance() {
                self.rest = Some(Box::new(reading));
                return;
            }
            let method = match self.exchanges.question() {
                Question::Asked(method) => method,
                Question::Coming | Question::Missing => None,
            };
            match self.responses.next(&mut reading.chunk, method.as_deref()) {
                Step::NeedMore if reading.advance() => {}
                Step::NeedMore => return,
                Step::Item(Item::Skipped(_)) if told_unread || self.is_tunnel() => {}
                Step::Item(Item::Skipped(_)) => {
                    told_unread = true;
                    self.skip_responses(reading.stamp, context);
                }
                Step::Item(item) => self.response_item(item, reading.stamp, context),
                Step::Invalid(invalid) => self.response_invalid(&invalid, &reading, context),
            }
        }
    }

    /// Bytes were passed over that may have been the response to any request that is open.
    fn skip_responses(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        let why = self.response_flow.lost_because;
        self.unreadable(stamp, why, context);
        self.exchanges.abandon(why, context.tell);
    }

    /// The connection left HTTP.
    pub(super) fn is_tunnel(&self) -> bool {
        self.responses.skippable() == u64::MAX && self.requests.skippable() == u64::MAX
    }

    fn response_item(&mut self, item: Item<ResponseHead>, stamp: Stamp, context: &mut Context<'_>) {
        match item {
            Item::Started => self.exchanges.response_started(stamp),
            Item::Interim(_) => self.exchanges.response_interim(),
            Item::Head(head) if self.exchanges.is_empty() => self.unsolicited(&head, stamp, context),
            Item::Head(head) if switches_to(&head, b"h2c") => {
                self.switches_to_http2 = true;
                self.exchanges.response_interim();
            }
            Item::Head(head) => self.exchanges.response_head(head, stamp, context.tell),
            Item::Body { length, prefix } => self.exchanges.response_body(length, &prefix),
            Item::End => {
                let is_sure = self.exchanges.response_ended(stamp, Outcome::Completed, context.tell);
                self.settle_doubt(is_sure && self.requests.is_synchronised());
            }
            Item::Tunnel => self.leave_http(stamp, context),
            Item::Skipped(_) => {}
        }
    }

    /// A response was read; `is_sure` if it is certain which request it answers.
    fn settle_doubt(&mut self, is_sure: bool) {
        self.doubt = self
            .doubt
            .filter(|_| !is_sure)
            .map(|doubt| Doubt { in_turn: true, ..doubt });
    }

    /// A response that no request was seen for: a timeout of an idle connection, or the request was missed.
    fn unsolicited(&mut self, head: &ResponseHead, stamp: Stamp, context: &mut Context<'_>) {
        context.counts.unsolicited_responses += 1;
        self.unsolicited = true;
        self.settle_doubt(false);
        if head.status != REQUEST_TIMEOUT {
            let why = self
                .doubt
                .map_or(self.request_flow.why_missing(context), |doubt| doubt.why);
            self.unreadable(stamp, why, context);
        }
    }

    /// The connection carries something else from here on: HTTP/2, or nothing that is read.
    fn leave_http(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        if std::mem::take(&mut self.switches_to_http2)
            && let Some(half) = self.exchanges.take_first()
        {
            self.go_on_with_http2(Http2::upgraded(half));
            return;
        }
        self.exchanges.response_ended(stamp, Outcome::Upgraded, context.tell);
        self.exchanges.abandon(Inconclusive::UnsupportedProtocol, context.tell);
        self.requests.leave_http();
    }

    /// A response was lost: which later one answers which open request cannot be told.
    fn response_invalid(&mut self, invalid: &Invalid, reading: &Reading, context: &mut Context<'_>) {
        let unsolicited = invalid.fault == Fault::UnknownRequest && self.exchanges.is_empty();
        context.counts.invalid_messages += u64::from(!unsolicited);
        let why = reading.why(invalid.fault);
        let request_was_lost = invalid.fault == Fault::UnknownRequest;
        self.response_flow.lost_because = if request_was_lost {
            self.request_flow.lost_because
        } else {
            why
        };
        self.miss(self.response_flow.lost_because);
        self.doubt.get_or_insert(Doubt {
            why: self.response_flow.lost_because,
            in_turn: true,
        });
        self.exchanges.abandon(why, context.tell);
        if self.exchanges.pipelined() {
            self.phase = Phase::Unreadable(why);
        }
    }

    /// The response direction ended: that ends a body of unknown length.
    pub(super) fn end_responses(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        self.read(true, context);
        if self.responses.ending() == Ending::Complete {
            self.exchanges.response_ended(stamp, Outcome::Completed, context.tell);
            self.responses.leave_http();
        }
    }

    /// The connection ended.
    pub(super) fn close(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        self.end_responses(stamp, context);
        self.end_handshake(stamp, context);
        self.abandon(Inconclusive::Aborted, context);
    }
}
