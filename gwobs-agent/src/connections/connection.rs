//! One connection: its two directions put in order, read, and tied together.

use std::sync::Arc;

use bytes::Bytes;
use gwobs_http::Chunk;
use gwobs_http::http1::{RequestStream, ResponseStream};
use gwobs_http::opening::Opening;
use gwobs_route::Inconclusive;

use super::Context;
use super::exchanges::{Exchanges, Question};
use super::limits::REORDER_NANOSECONDS;
use super::sequence::{Next, Piece, Sequencer};
use super::skip::{Skip, Window};
use crate::event::{Direction, Opened, Role, Timestamp};
use crate::exchange::{BODY_PREFIX, Connection, ExchangeEvent, Stamp};

/// What the bytes of a connection are.
#[derive(Debug)]
pub(super) enum Phase {
    /// Its first bytes have not told yet; with the call of the first of them.
    Opening(Opening, Option<Stamp>),
    /// HTTP/1.
    Http1,
    /// Nothing of it will be read.
    Unreadable(Inconclusive),
}

/// One direction.
#[derive(Debug)]
pub(super) struct Flow {
    sequencer: Sequencer,
    window: Window,
    /// Losses that had been told when bytes of this direction were last seen.
    losses: u64,
    /// Why the stream was desynchronised last.
    pub(super) lost_because: Inconclusive,
    /// It was, and no message has begun since.
    pub(super) is_lost: bool,
}

/// A part of the stream that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) chunk: Chunk,
    /// Bytes that follow it and were left out.
    left_out: u64,
    pub(super) stamp: Stamp,
    pub(super) begins_call: bool,
    /// Why bytes are missing, if they are.
    pub(super) why_missing: Inconclusive,
}

/// A connection and everything that is open on it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) about: Arc<Connection>,
    pub(super) phase: Phase,
    pub(super) request_flow: Flow,
    pub(super) response_flow: Flow,
    pub(super) requests: RequestStream,
    pub(super) responses: ResponseStream,
    pub(super) exchanges: Exchanges,
    /// Part of a call whose first messages were answered and whose next one waits for its request.
    pub(super) rest: Option<Box<Reading>>,
    /// A message was read on this connection.
    pub(super) proven: bool,
    last_direction: Option<Direction>,
    /// More than one process was seen to use it.
    is_shared: bool,
    /// Order of the last event, for the choice of which to forget.
    pub(super) last_used: u64,
    /// Its deadline is noted.
    pub(super) is_scheduled: bool,
}

impl State {
    pub(super) fn new(opened: &Opened, pid: u32, losses: u64) -> Self {
        let about = Connection {
            socket: opened.socket,
            pid,
            role: opened.role,
            local: opened.local,
            peer: opened.peer,
            preexisting: opened.preexisting,
        };
        let (received, sent) = opened.positions.unzip();
        let (requests_at, responses_at) = match opened.role {
            Role::Accepted => (received, sent),
            Role::Connected => (sent, received),
        };
        let mut state = Self {
            about: Arc::new(about),
            phase: Phase::Opening(Opening::default(), None),
            request_flow: Flow::new(requests_at, losses),
            response_flow: Flow::new(responses_at, losses),
            requests: RequestStream::new(0),
            responses: ResponseStream::new(BODY_PREFIX),
            exchanges: Exchanges::default(),
            rest: None,
            proven: false,
            last_direction: None,
            is_shared: false,
            last_used: 0,
            is_scheduled: false,
        };
        if opened.preexisting {
            state.join_midstream();
        }
        state
    }

    /// The place in both directions is not known.
    pub(super) fn join_midstream(&mut self) {
        if !matches!(self.phase, Phase::Unreadable(_)) {
            self.phase = Phase::Http1;
        }
        self.requests.desynchronise();
        self.responses.desynchronise();
        self.request_flow.lose(Inconclusive::JoinedMidstream);
        self.response_flow.lose(Inconclusive::JoinedMidstream);
    }

    /// Takes a part of a call and reads what can be read now.
    pub(super) fn on_data(&mut self, direction: Direction, piece: Piece, context: &mut Context<'_>) {
        let turned = self.last_direction != Some(direction);
        self.last_direction = Some(direction);
        let flow = self.flow(direction);
        if turned {
            flow.window.turned(piece.position);
        }
        flow.sequencer.offer(piece, context.counts);
        self.read(false, context);
        self.tell_skips(context);
    }

    /// Gives up waiting if something has waited too long; answers when that will be otherwise.
    pub(super) fn on_deadline(&mut self, now: Timestamp, context: &mut Context<'_>) -> Option<Timestamp> {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.read(true, context);
            self.tell_skips(context);
        }
        self.deadline()
    }

    /// When waiting parts of calls are to be read whatever is missing.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let rest = self.rest.as_ref().map(|rest| rest.stamp.time);
        let flows = [&self.request_flow, &self.response_flow];
        let waiting = flows
            .into_iter()
            .filter_map(|flow| flow.sequencer.waiting_since())
            .chain(rest)
            .min()?;
        Some(Timestamp(waiting.0.saturating_add(REORDER_NANOSECONDS)))
    }

    /// A process used it.
    pub(super) fn used_by(&mut self, pid: u32, order: u64) {
        self.is_shared |= pid != self.about.pid;
        self.last_used = order;
    }

    /// No other process was seen to use it.
    pub(super) fn is_used_only_by(&self, pid: u32) -> bool {
        self.about.pid == pid && !self.is_shared
    }

    /// The only process that was seen to use it ended: what is open has ended with it.
    pub(super) fn orphan(&mut self, context: &mut Context<'_>) {
        self.read(true, context);
        self.exchanges.abandon(Inconclusive::Aborted, context.tell);
        self.join_midstream();
    }

    /// It is forgotten, open as it is.
    pub(super) fn forgotten(&mut self, context: &mut Context<'_>) {
        self.read(true, context);
        self.exchanges.abandon(Inconclusive::LostEvents, context.tell);
    }

    /// One direction ended in order.
    pub(super) fn end_direction(&mut self, direction: Direction, stamp: Stamp, context: &mut Context<'_>) {
        if direction == self.response_direction() {
            self.end_responses(stamp, context);
        }
    }

    /// True if forgetting it loses nothing that is open.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// Reads as far as the order of things allows; all there is if `force` is set.
    pub(super) fn read(&mut self, force: bool, context: &mut Context<'_>) {
        loop {
            let mut moved = false;
            while let Some(next) = self.request_flow.pop(force, context) {
                self.read_requests(next, context);
                moved = true;
            }
            while let Some(next) = self.next_response(force, context) {
                self.read_responses(next, force, context);
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    /// The next part of the response direction, unless it must wait for the request it answers.
    fn next_response(&mut self, force: bool, context: &mut Context<'_>) -> Option<Reading> {
        let force = force || self.response_flow.sequencer.is_full();
        if !force && !self.may_read_response() {
            return None;
        }
        let rest = self.rest.take().map(|rest| *rest);
        rest.or_else(|| self.response_flow.pop(force, context))
    }

    /// False while a response would be read whose request has not been seen: its event may be late.
    fn may_read_response(&self) -> bool {
        match self.exchanges.question() {
            _ if matches!(self.phase, Phase::Unreadable(_)) => true,
            Question::Asked(_) => true,
            Question::Coming | Question::Missing if self.responses.is_between_messages() => false,
            Question::Coming | Question::Missing => self.responses.is_synchronised() || !self.head_may_come(),
        }
    }

    /// The desynchronised response stream may find its place with the next part.
    fn head_may_come(&self) -> bool {
        self.response_flow
            .sequencer
            .peek()
            .is_some_and(|piece| piece.begins_call && piece.bytes.starts_with(b"HTTP/1."))
    }

    fn flow(&mut self, direction: Direction) -> &mut Flow {
        match direction == self.response_direction() {
            true => &mut self.response_flow,
            false => &mut self.request_flow,
        }
    }

    fn response_direction(&self) -> Direction {
        match self.about.role {
            Role::Accepted => Direction::Send,
            Role::Connected => Direction::Receive,
        }
    }

    /// Bytes moved that nobody reads.
    pub(super) fn unreadable(&self, stamp: Stamp, why: Inconclusive, context: &mut Context<'_>) {
        (context.tell)(ExchangeEvent::Unreadable {
            connection: &self.about,
            stamp,
            why,
        });
    }

    fn tell_skips(&mut self, context: &mut Context<'_>) {
        let response_direction = self.response_direction();
        let request_direction = match response_direction {
            Direction::Send => Direction::Receive,
            Direction::Receive => Direction::Send,
        };
        let nothing_is_read = matches!(self.phase, Phase::Unreadable(_));
        let skippable = |of_stream: u64| if nothing_is_read { u64::MAX } else { of_stream };
        let flows = [
            (
                &mut self.request_flow,
                request_direction,
                skippable(self.requests.skippable()),
            ),
            (
                &mut self.response_flow,
                response_direction,
                skippable(self.responses.skippable()),
            ),
        ];
        for (flow, direction, skippable) in flows {
            let until = flow
                .sequencer
                .position()
                .and_then(|position| flow.window.tell(position, skippable));
            context.skips.extend(until.map(|until| Skip {
                socket: self.about.socket,
                direction,
                until,
            }));
        }
    }
}

impl Flow {
    fn new(position: Option<u32>, losses: u64) -> Self {
        Self {
            sequencer: Sequencer::at(position),
            window: Window::default(),
            losses,
            lost_because: Inconclusive::Truncated,
            is_lost: false,
        }
    }

    /// The stream is desynchronised.
    pub(super) fn lose(&mut self, why: Inconclusive) {
        (self.lost_because, self.is_lost) = (why, true);
    }

    fn pop(&mut self, force: bool, context: &mut Context<'_>) -> Option<Reading> {
        let force = force || self.sequencer.is_full();
        let next = self.sequencer.pop(force, context.counts)?;
        let lost_events = std::mem::replace(&mut self.losses, context.losses) < context.losses;
        let why_missing = if lost_events {
            Inconclusive::LostEvents
        } else {
            Inconclusive::Truncated
        };
        Some(match next {
            Next::Missing(length, stamp) => Reading {
                chunk: Chunk::Gap(length),
                left_out: 0,
                stamp,
                begins_call: false,
                why_missing,
            },
            Next::Piece(piece) => Reading::of(piece),
        })
    }
}

impl Reading {
    fn of(piece: Piece) -> Self {
        Self {
            left_out: u64::from(piece.length).saturating_sub(piece.bytes.len() as u64),
            chunk: Chunk::Bytes(piece.bytes),
            stamp: piece.stamp,
            begins_call: piece.begins_call,
            why_missing: Inconclusive::Truncated,
        }
    }

    /// Bytes of the same direction that were consumed before without being read.
    pub(super) fn replay(&self, bytes: Bytes, stamp: Stamp) -> Self {
        let chunk = Chunk::Bytes(bytes);
        Self {
            chunk,
            left_out: 0,
            stamp,
            begins_call: false,
            why_missing: self.why_missing,
        }
    }

    /// Goes on to what was left out after the bytes; false if all has been read.
    pub(super) fn advance(&mut self) -> bool {
        if self.chunk.is_empty() && self.left_out > 0 {
            self.chunk = Chunk::Gap(std::mem::take(&mut self.left_out));
        }
        !self.chunk.is_empty()
    }
}
