//! The response direction of an HTTP/2 connection.

use gwobs_http::http2::hpack::Line;
use gwobs_http::http2::{Fault, Invalid, Item, Step, response_head};
use gwobs_http::{Chunk, Field};
use gwobs_route::Inconclusive;

use super::{Http2, is_head};
use crate::connections::Context;
use crate::connections::connection::{Phase, State};
use crate::connections::flow::Reading;
use crate::exchange::{Outcome, Stamp};

impl State {
    /// Reads the next part of the responses, up to one that must wait for its request.
    pub(in crate::connections) fn read_http2_responses(
        &mut self,
        mut reading: Reading,
        force: bool,
        context: &mut Context<'_>,
    ) {
        let mut told_unread = false;
        loop {
            let may_be_late = !force && self.request_may_be_late();
            let Phase::Http2(http2) = &mut self.phase else { return };
            if std::mem::take(&mut reading.begins_call) {
                http2.responses.begin_call();
            }
            if may_be_late && http2.awaits_request() {
                self.rest = Some(Box::new(reading));
                return;
            }
            if let Some((stream, began)) = http2.awaited.take() {
                self.http2_response_started(stream, began, context);
                continue;
            }
            let is_gap = matches!(reading.chunk, Chunk::Gap(_));
            match http2.responses.next(&mut reading.chunk) {
                Step::NeedMore if reading.advance() => {}
                Step::NeedMore => return http2.note_response_frame(reading.stamp),
                Step::Item(Item::Skipped(_)) => {
                    if is_gap {
                        self.response_flow.lost_because = reading.why_missing;
                    }
                    if !std::mem::replace(&mut told_unread, true) {
                        self.http2_responses_lost(reading.stamp, context);
                    }
                }
                Step::Item(item) => self.http2_response_item(item, &reading, context),
                Step::Invalid(invalid) => {
                    told_unread = true;
                    self.http2_response_invalid(invalid, &reading, context);
                }
            }
        }
    }

    /// A header section began: of a response to a request that is open, or to one that nobody saw.
    fn http2_response_started(&mut self, stream: u32, began: Stamp, context: &mut Context<'_>) {
        let Phase::Http2(http2) = &mut self.phase else { return };
        let is_unseen = http2.is_unseen(stream);
        http2.streams.response_started(stream, began);
        if is_unseen {
            context.counts.unsolicited_responses += 1;
            self.unseen_answered(began, context);
        }
    }

    fn http2_response_item(&mut self, item: Item, reading: &Reading, context: &mut Context<'_>) {
        let unseen = self.response_flow.lost_because;
        let Phase::Http2(http2) = &mut self.phase else { return };
        let streams = &mut http2.streams;
        match item {
            Item::Started { stream, split } => {
                let began = http2.response_began.take().filter(|_| split).unwrap_or(reading.stamp);
                http2.awaited = Some((stream, began));
            }
            Item::Section {
                stream,
                lines,
                end_stream,
            } => {
                if streams.has_response(stream) && is_head(&lines) {
                    return self.http2_contradicted(reading.stamp, context);
                }
                http2.response_section(stream, &lines, reading, unseen, context);
                if end_stream {
                    http2.end(stream, reading.stamp, context);
                }
            }
            Item::Unreadable {
                stream,
                fault,
                end_stream,
            } => {
                let why = reading.why_http2(fault, unseen);
                context.counts.invalid_messages += 1;
                self.response_flow.lost_because = why;
                if streams.wants_response(stream) {
                    streams.response_head(stream, Err(why), reading.stamp, context.tell);
                }
                if end_stream {
                    http2.end(stream, reading.stamp, context);
                }
            }
            Item::Data { stream, length, bytes } => streams.response_body(stream, length, &bytes),
            Item::End { stream } => http2.end(stream, reading.stamp, context),
            Item::Reset { stream } => self.http2_reset(stream, reading.stamp, context),
            Item::GoAway { last_stream } => {
                streams.abandon(Inconclusive::Aborted, |stream| stream > last_stream, context.tell);
            }
            Item::Settings(settings) => http2.requests.apply(&settings),
            Item::Promise { .. } => context.counts.pushed_responses += 1,
            Item::Skipped(_) => {}
        }
    }

    /// The place of the next frame was lost.
    fn http2_response_invalid(&mut self, invalid: Invalid, reading: &Reading, context: &mut Context<'_>) {
        context.counts.invalid_messages += 1;
        self.response_flow.lost_because = reading.why_http2(invalid.fault, self.response_flow.lost_because);
        self.miss(self.response_flow.lost_because);
        self.http2_responses_lost(reading.stamp, context);
    }

    /// Bytes were passed over that may have been the response to any request that is open.
    fn http2_responses_lost(&mut self, stamp: Stamp, context: &mut Context<'_>) {
        let why = self.response_flow.lost_because;
        self.response_flow.lose_frames();
        self.unreadable(stamp, why, context);
        if let Phase::Http2(http2) = &mut self.phase {
            http2.abandon(why, context);
        }
    }
}

impl Http2 {
    /// A head, interim or final, or trailers, as the place on its stream says.
    fn response_section(
        &mut self,
        stream: u32,
        lines: &[Line],
        reading: &Reading,
        unseen: Inconclusive,
        context: &mut Context<'_>,
    ) {
        if !self.streams.wants_response(stream) {
            return self.streams.trailers(stream, &fields(lines));
        }
        match response_head(lines) {
            Ok(head) if head.status < 200 => self.streams.response_interim(stream),
            Ok(head) => self
                .streams
                .response_head(stream, Ok(head), reading.stamp, context.tell),
            Err(fault) => {
                context.counts.invalid_messages += u64::from(fault != Fault::Unknown);
                let why = reading.why_http2(fault, unseen);
                self.streams
                    .response_head(stream, Err(why), reading.stamp, context.tell);
            }
        }
    }

    fn end(&mut self, stream: u32, stamp: Stamp, context: &mut Context<'_>) {
        self.streams
            .response_ended(stream, stamp, Outcome::Completed, context.tell);
    }

    /// Remembers the call with the first byte of a frame header that is not complete.
    fn note_response_frame(&mut self, stamp: Stamp) {
        self.response_began = self
            .responses
            .is_in_frame_header()
            .then(|| self.response_began.unwrap_or(stamp));
    }
}

/// The lines that are known.
fn fields(lines: &[Line]) -> Vec<Field> {
    let field = |line: &Line| {
        Some(Field {
            name: line.name.clone()?,
            value: line.value.clone()?,
        })
    };
    lines.iter().filter_map(field).collect()
}
