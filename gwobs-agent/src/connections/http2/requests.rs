//! The request direction of an HTTP/2 connection.

use gwobs_http::Chunk;
use gwobs_http::http2::hpack::Line;
use gwobs_http::http2::{Invalid, Item, Step, request_head};
use gwobs_route::Inconclusive;

use super::{Http2, is_head};
use crate::connections::Context;
use crate::connections::connection::{Phase, State};
use crate::connections::flow::Reading;
use crate::exchange::Stamp;

impl State {
    /// Reads the next part of the requests.
    pub(in crate::connections) fn read_http2_requests(&mut self, mut reading: Reading, context: &mut Context<'_>) {
        let mut told_unread = false;
        loop {
            let Phase::Http2(http2) = &mut self.phase else { return };
            if std::mem::take(&mut reading.begins_call) {
                http2.requests.begin_call();
            }
            let is_gap = matches!(reading.chunk, Chunk::Gap(_));
            match http2.requests.next(&mut reading.chunk) {
                Step::NeedMore if reading.advance() => {}
                Step::NeedMore => return http2.note_request_frame(reading.stamp),
                Step::Item(Item::Skipped(_)) => {
                    http2.miss_requests();
                    if is_gap {
                        self.request_flow.lost_because = reading.why_missing;
                    }
                    if !std::mem::replace(&mut told_unread, true) {
                        self.unreadable(reading.stamp, self.request_flow.lost_because, context);
                    }
                }
                Step::Item(item) => self.http2_request_item(item, &reading, context),
                Step::Invalid(invalid) => {
                    told_unread = true;
                    self.http2_requests_lost(invalid, &reading, context);
                }
            }
        }
    }

    fn http2_request_item(&mut self, item: Item, reading: &Reading, context: &mut Context<'_>) {
        let unseen = self.request_flow.lost_because;
        let Phase::Http2(http2) = &mut self.phase else { return };
        let streams = &mut http2.streams;
        match item {
            Item::Started { stream, split } => {
                let began = http2.request_began.take().filter(|_| split).unwrap_or(reading.stamp);
                http2.is_out_of_order = streams.is_over(stream);
                if !streams.request_started(stream, &self.about, began, context) {
                    context.counts.too_deep += 1;
                    http2.miss_requests();
                    self.unreadable(reading.stamp, Inconclusive::LostEvents, context);
                }
            }
            Item::Section {
                stream,
                lines,
                end_stream,
            } => {
                let is_out_of_order = http2.is_out_of_order || streams.has_request(stream);
                if is_out_of_order && is_head(&lines) {
                    return self.http2_contradicted(reading.stamp, context);
                }
                if streams.wants_request(stream) {
                    http2.request_head(stream, &lines, reading, unseen, context);
                }
                if end_stream {
                    http2.streams.request_ended(stream, reading.stamp);
                }
            }
            Item::Unreadable { stream, fault, .. } => {
                let why = reading.why_http2(fault, unseen);
                self.request_flow.lost_because = why;
                context.counts.invalid_messages += 1;
                streams.request_head(stream, Err(why), reading.stamp, context.tell);
            }
            Item::Data { stream, length, .. } => streams.request_body(stream, length),
            Item::End { stream } => streams.request_ended(stream, reading.stamp),
            Item::Reset { stream } => self.http2_reset(stream, reading.stamp, context),
            Item::Settings(settings) => http2.responses.apply(&settings),
            Item::GoAway { .. } | Item::Promise { .. } | Item::Skipped(_) => {}
        }
    }

    /// The place of the next frame was lost: requests may go unseen from here on.
    fn http2_requests_lost(&mut self, invalid: Invalid, reading: &Reading, context: &mut Context<'_>) {
        context.counts.invalid_messages += 1;
        let why = reading.why_http2(invalid.fault, self.request_flow.lost_because);
        self.miss(why);
        self.request_flow.lost_because = why;
        self.request_flow.lose_frames();
        self.unreadable(reading.stamp, why, context);
        let Phase::Http2(http2) = &mut self.phase else { return };
        http2.miss_requests();
        http2.streams.requests_lost(why, reading.stamp, context.tell);
    }
}

impl Http2 {
    fn request_head(
        &mut self,
        stream: u32,
        lines: &[Line],
        reading: &Reading,
        unseen: Inconclusive,
        context: &mut Context<'_>,
    ) {
        let head = request_head(lines);
        context.counts.partial_heads += u64::from(head.as_ref().is_ok_and(|head| !head.unknown.is_nothing()));
        context.counts.invalid_messages += u64::from(head.is_err());
        if head.is_ok() {
            self.saw_request(stream);
        }
        let head = head.map_err(|fault| reading.why_http2(fault, unseen));
        self.streams.request_head(stream, head, reading.stamp, context.tell);
    }

    /// Remembers the call with the first byte of a frame header that is not complete.
    fn note_request_frame(&mut self, stamp: Stamp) {
        self.request_began = self
            .requests
            .is_in_frame_header()
            .then(|| self.request_began.unwrap_or(stamp));
    }
}
