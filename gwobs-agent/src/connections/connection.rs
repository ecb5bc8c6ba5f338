//! One connection: its two directions put in order, read, and tied together.

use std::sync::Arc;

use gwobs_http::Chunk;
use gwobs_http::http1::{RequestStream, ResponseStream};
use gwobs_http::opening::Opening;
use gwobs_http::tls::Records;
use gwobs_route::Inconclusive;

use super::Context;
use super::exchanges::{Exchanges, Question};
use super::flow::{Flow, Reading, Unneeded};
use super::handshake::Handshake;
use super::http2::Http2;
use super::limits::REORDER_NANOSECONDS;
use super::skip::Skip;
use super::tls::Library;
use crate::event::{Data, Direction, Opened, Role, Timestamp};
use crate::exchange::{BODY_PREFIX, Connection, ExchangeEvent, Missed, Stamp};

/// What the bytes of a connection are.
#[derive(Debug)]
pub(super) enum Phase {
    /// Its first bytes have not told yet; with the call of the first of them.
    Opening(Opening, Option<Stamp>),
    /// HTTP/1.
    Http1,
    /// HTTP/2.
    Http2(Box<Http2>),
    /// The ciphertext of TLS: the records of requests and responses.
    Tls(Box<[Records; 2]>),
    /// TLS that goes on to a backend as it came, or comes from there: it carries no request of this gateway's.
    PassedOn,
    /// Nothing of it will be read.
    Unreadable(Inconclusive),
}

/// Messages may have been missed: which response answers which request is told only by one coming after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    pub(super) why: Inconclusive,
    /// A response came after what was missed of the requests: the next request is not one of several sent in a row.
    pub(super) in_turn: bool,
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
    /// Messages may have been missed, and no whole exchange was seen since.
    pub(super) doubt: Option<Doubt>,
    /// The response that is being read agrees to go on with HTTP/2.
    pub(super) switches_to_http2: bool,
    /// A response to no known request came after the last request bytes that were seen.
    pub(super) unsolicited: bool,
    /// Requests are open over a loss: the next response bytes must come after a gap.
    pub(super) awaits_gap: bool,
    /// A message was read on this connection.
    pub(super) proven: bool,
    pub(super) last_direction: Option<Direction>,
    /// Whether its plaintext is told, if it is encrypted.
    pub(super) library: Library,
    /// When the gateway began to connect, if it did and that was seen.
    pub(super) began: Option<Stamp>,
    pub(super) handshake: Handshake,
    /// Its hello went on to a backend, or came from a client.
    pub(super) passes_on: bool,
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
            tls: None,
            missed: None,
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
            doubt: None,
            switches_to_http2: false,
            unsolicited: false,
            awaits_gap: false,
            proven: false,
            last_direction: None,
            library: Library::default(),
            began: None,
            handshake: Handshake::default(),
            passes_on: false,
            is_shared: false,
            last_used: 0,
            is_scheduled: false,
        };
        if opened.preexisting {
            state.join_midstream();
        }
        state
    }

    /// Bytes were missed, and the place of the next message with them.
    pub(super) fn miss(&mut self, why: Inconclusive) {
        let about = Arc::make_mut(&mut self.about);
        let times = about.missed.map_or(0, |missed| missed.times).wrapping_add(1);
        about.missed = Some(Missed { times, why });
    }

    /// The place in both directions is not known.
    pub(super) fn join_midstream(&mut self) {
        match &mut self.phase {
            Phase::Unreadable(_) | Phase::PassedOn => {}
            Phase::Http2(_) => self.go_on_with_http2(Http2::joined()),
            Phase::Tls(records) => **records = [Records::midstream(), Records::midstream()],
            Phase::Opening(..) | Phase::Http1 => self.phase = Phase::Http1,
        }
        self.miss(Inconclusive::JoinedMidstream);
        self.requests.desynchronise();
        self.responses.desynchronise();
        self.request_flow.lost_because = Inconclusive::JoinedMidstream;
        self.response_flow.lost_because = Inconclusive::JoinedMidstream;
        self.doubt = Some(Doubt {
            why: Inconclusive::JoinedMidstream,
            in_turn: true,
        });
    }

    /// The connection carries HTTP/2 from here on; the kernel side is told where frames are as soon as that is known.
    pub(super) fn go_on_with_http2(&mut self, http2: Http2) {
        self.phase = Phase::Http2(Box::new(http2));
        self.request_flow.lose_frames();
        self.response_flow.lose_frames();
    }

    /// Takes a part of a call on the socket itself.
    pub(super) fn on_wire(&mut self, data: &Data, stamp: Stamp, begins_call: bool, context: &mut Context<'_>) {
        match self.library {
            Library::Told => self.lose_plaintext(stamp, context),
            Library::Watched | Library::Unwatched => self.on_data(data, stamp, begins_call, context),
        }
    }

    /// Takes a part of a call and reads what can be read now.
    pub(super) fn on_data(&mut self, data: &Data, stamp: Stamp, begins_call: bool, context: &mut Context<'_>) {
        let last_direction = self.last_direction.replace(data.direction);
        let turned = last_direction != Some(data.direction);
        self.flow(data.direction)
            .offer(data, stamp, begins_call, turned, context.counts);
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
            .filter_map(|flow| flow.waiting_since())
            .chain(rest)
            .min()?;
        Some(Timestamp(waiting.0.saturating_add(REORDER_NANOSECONDS)))
    }

    /// Its deadline, if it has one that is not noted; it is now.
    pub(super) fn take_deadline(&mut self) -> Option<Timestamp> {
        let deadline = if self.is_scheduled { None } else { self.deadline() };
        self.is_scheduled |= deadline.is_some();
        deadline
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
        self.abandon(Inconclusive::Aborted, context);
        self.join_midstream();
    }

    /// It is forgotten, open as it is.
    pub(super) fn forgotten(&mut self, context: &mut Context<'_>) {
        self.read(true, context);
        self.abandon(Inconclusive::LostEvents, context);
    }

    /// No exchange that is open now will be read to its end.
    pub(super) fn abandon(&mut self, why: Inconclusive, context: &mut Context<'_>) {
        self.exchanges.abandon(why, context.tell);
        if let Phase::Http2(http2) = &mut self.phase {
            http2.abandon(why, context);
        }
    }

    /// One direction ended in order.
    pub(super) fn end_direction(&mut self, direction: Direction, stamp: Stamp, context: &mut Context<'_>) {
        if direction == self.response_direction() {
            self.end_responses(stamp, context);
        }
    }

    /// True if forgetting it loses nothing that is open.
    pub(super) fn is_idle(&self) -> bool {
        let http2_is_idle = !matches!(&self.phase, Phase::Http2(http2) if !http2.is_idle());
        self.exchanges.is_empty() && http2_is_idle
    }

    /// Reads as far as the order of things allows; all there is if `force` is set.
    pub(super) fn read(&mut self, force: bool, context: &mut Context<'_>) {
        loop {
            let mut moved = false;
            while let Some(next) = self.next_request(force, context) {
                let unseen_until = matches!(next.chunk, Chunk::Gap(_)).then_some(next.stamp.order);
                if unseen_until.is_none() && self.about.role == Role::Accepted {
                    // They were sent before it was received, and waited with it.
                    self.read_responses_before(next.stamp.order, context);
                }
                self.read_requests(next, context);
                self.read_responses_before(unseen_until.unwrap_or(0), context);
                moved = true;
            }
            let force = force || self.response_flow.is_full();
            while let Some(next) = self.next_response(force, context) {
                self.read_responses(next, force, context);
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    /// The next part of the request direction. What nobody needs of a body is not waited for: it may have been spliced.
    fn next_request(&mut self, force: bool, context: &mut Context<'_>) -> Option<Reading> {
        let unneeded = self.is_http1() && self.request_flow.missing() <= self.requests.skippable();
        self.request_flow.pop(force || unneeded, context)
    }

    fn is_http1(&self) -> bool {
        matches!(self.phase, Phase::Http1)
    }

    /// Reads responses that came before the event with that order, for they do not answer what comes with it.
    fn read_responses_before(&mut self, order: u64, context: &mut Context<'_>) {
        let comes_before = |stamp: Option<Stamp>| stamp.is_some_and(|stamp| stamp.order < order);
        while comes_before(self.next_response_stamp()) {
            match self.next_response(true, context) {
                Some(next) => self.read_responses(next, true, context),
                None => return,
            }
        }
    }

    fn next_response_stamp(&self) -> Option<Stamp> {
        let rest = self.rest.as_ref().map(|rest| rest.stamp);
        rest.or_else(|| self.response_flow.first())
    }

    /// The next part of the response direction, unless it must wait for the request it answers.
    fn next_response(&mut self, force: bool, context: &mut Context<'_>) -> Option<Reading> {
        if !force && !self.may_read_response() {
            return None;
        }
        if let Some(rest) = self.rest.take() {
            return Some(*rest);
        }
        let unneeded = self.is_http1() && self.response_flow.missing() <= self.responses.skippable();
        self.response_flow.pop(force || unneeded, context)
    }

    /// False while a response would be read whose request has not been seen: its event may be late.
    fn may_read_response(&self) -> bool {
        match &self.phase {
            Phase::Http2(http2) => !http2.awaits_request() || !self.request_may_be_late(),
            _ => !self.responses.is_between_messages() || self.may_answer(),
        }
    }

    /// True if the response that comes next need not wait for its request.
    pub(super) fn may_answer(&self) -> bool {
        let is_asked = matches!(self.exchanges.question(), Question::Asked(_));
        let is_read = !matches!(self.phase, Phase::Unreadable(_) | Phase::PassedOn | Phase::Tls(_));
        is_asked || self.doubt.is_some() || !is_read || !self.request_may_be_late()
    }

    /// The event of a send comes after the send, so an answer to it may be logged first; a receive is logged before
    /// the process knows of it.
    pub(super) fn request_may_be_late(&self) -> bool {
        self.about.role == Role::Connected || self.request_flow.waiting_since().is_some()
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
        let (of_requests, of_responses) = match &self.phase {
            Phase::Unreadable(_) | Phase::PassedOn => (Unneeded::Bytes(u64::MAX), Unneeded::Bytes(u64::MAX)),
            Phase::Http2(http2) => {
                let (requests, responses) = http2.next_frames();
                (Unneeded::Frame(requests), Unneeded::Frame(responses))
            }
            Phase::Tls(_) => return,
            Phase::Opening(..) | Phase::Http1 => (
                Unneeded::Bytes(self.requests.skippable()),
                Unneeded::Bytes(self.responses.skippable()),
            ),
        };
        let flows = [
            (&mut self.request_flow, request_direction, of_requests),
            (&mut self.response_flow, response_direction, of_responses),
        ];
        for (flow, direction, unneeded) in flows {
            let until = flow.tell(unneeded);
            context.skips.extend(until.map(|until| Skip {
                socket: self.about.socket,
                direction,
                of_plaintext: self.library == Library::Told,
                until,
                framed: matches!(unneeded, Unneeded::Frame(_)),
            }));
        }
    }
}
