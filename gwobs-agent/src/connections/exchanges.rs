//! The open exchanges of one connection, in the order of their requests.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use gwobs_http::{Field, RequestHead, ResponseHead};
use gwobs_route::Inconclusive;

use super::limits::MAX_PIPELINED;
use super::{Context, Tell};
use crate::exchange::{
    BODY_PREFIX, Connection, ExchangeEvent, Half, HalfId, Outcome, RequestPart, ResponsePart, Stage, Stamp,
};

/// What is known of the request that a response would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// There is none.
    Missing,
    /// Its head is not complete.
    Coming,
    /// Its method; `None` if it could not be read.
    Asked(Option<Bytes>),
}

/// The open exchanges of one connection: the first of them is the one that is answered next.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    open: VecDeque<Open>,
    /// The exchange whose request is being received.
    receiving: Option<HalfId>,
    /// The client sends requests before it has the response to the one before: a response cannot be told by coming
    /// after its request.
    pipelined: bool,
}

#[derive(Debug)]
struct Open {
    half: Half,
    question: Question,
}

impl Exchanges {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.open.len() >= MAX_PIPELINED
    }

    pub(super) fn pipelined(&self) -> bool {
        self.pipelined
    }

    /// The request that a response would answer now.
    pub(super) fn question(&self) -> Question {
        self.open
            .front()
            .map_or(Question::Missing, |open| open.question.clone())
    }

    /// A request began, with a flaw if it is not clear which response will answer it.
    pub(super) fn begin(
        &mut self,
        connection: &Arc<Connection>,
        flaw: Option<Inconclusive>,
        stamp: Stamp,
        context: &mut Context<'_>,
    ) {
        let half = begin(connection, flaw, stamp, context);
        self.receiving = Some(half.id);
        self.open.push_back(Open {
            half,
            question: Question::Coming,
        });
    }

    /// The head of the request that is being received is complete.
    pub(super) fn request_head(&mut self, head: RequestHead, stamp: Stamp, tell: &mut Tell<'_>) {
        if let Some(open) = self.receiving() {
            open.question = Question::Asked(Some(head.method.clone()));
            open.half.request.head = Some(Arc::new(head));
            open.half.request.head_ended = Some(stamp);
            progress(Stage::RequestHead, &open.half, tell);
        }
    }

    /// The rest of the request that is being received cannot be read. If that is only its body, what was read of it
    /// stands, unless the head itself is `contradictory`.
    pub(super) fn request_unreadable(
        &mut self,
        method: Option<Bytes>,
        why: Inconclusive,
        contradictory: bool,
        tell: &mut Tell<'_>,
    ) {
        if let Some(open) = self.receiving() {
            if open.question == Question::Coming {
                add_flaw(&mut open.half, why);
                open.question = Question::Asked(method);
                progress(Stage::RequestHead, &open.half, tell);
            } else if contradictory {
                add_flaw(&mut open.half, why);
            }
        }
        self.receiving = None;
    }

    pub(super) fn request_body(&mut self, length: u64) {
        if let Some(open) = self.receiving() {
            open.half.request.body_length += length;
        }
    }

    pub(super) fn request_ended(&mut self, stamp: Stamp) {
        if let Some(open) = self.receiving() {
            open.half.request.ended = Some(stamp);
        }
        self.receiving = None;
    }

    /// A response head began; it may turn out to be an interim one.
    pub(super) fn response_started(&mut self, stamp: Stamp) {
        if let Some(open) = self.open.front_mut() {
            open.half.response.started = Some(stamp);
        }
    }

    /// An interim response was read.
    pub(super) fn response_interim(&mut self) {
        if let Some(open) = self.open.front_mut() {
            open.half.response.started = None;
        }
    }

    pub(super) fn response_head(&mut self, head: ResponseHead, stamp: Stamp, tell: &mut Tell<'_>) {
        if let Some(open) = self.open.front_mut() {
            open.half.response.head = Some(Arc::new(head));
            open.half.response.head_ended = Some(stamp);
            progress(Stage::ResponseHead, &open.half, tell);
        }
    }

    /// Hands over the exchange whose response is another protocol's.
    pub(super) fn take_first(&mut self) -> Option<Half> {
        let first = self.open.pop_front()?;
        self.receiving = self.receiving.filter(|id| *id != first.half.id);
        Some(first.half)
    }

    pub(super) fn response_body(&mut self, length: u64, prefix: &Bytes) {
        if let Some(open) = self.open.front_mut() {
            let response = &mut open.half.response;
            response.body_length += length;
            append(&mut response.body_prefix, prefix);
        }
    }

    /// The response of the first exchange is complete. Answers whether it surely belongs to its request: it began
    /// after the request's head was complete.
    pub(super) fn response_ended(&mut self, stamp: Stamp, outcome: Outcome, tell: &mut Tell<'_>) -> bool {
        let Some(mut open) = self.open.pop_front() else {
            return false;
        };
        open.half.response.ended = Some(stamp);
        let started = open.half.response.started.map(|started| started.order);
        let asked = open.half.request.head_ended.map(|ended| ended.order);
        let next_asked = self.open.front().map(|next| next.half.request.started.order);
        self.pipelined |= next_asked.is_some() && next_asked < started;
        let is_sure = asked.is_some() && asked < started && open.half.flaws.is_empty();
        self.finish(open, outcome, tell);
        self.release();
        is_sure
    }

    /// No exchange that is open now will be read to its end.
    pub(super) fn abandon(&mut self, why: Inconclusive, tell: &mut Tell<'_>) {
        while let Some(mut open) = self.open.pop_front() {
            add_flaw(&mut open.half, why);
            self.finish(open, Outcome::Aborted, tell);
        }
        self.release();
    }

    fn finish(&mut self, mut open: Open, outcome: Outcome, tell: &mut Tell<'_>) {
        if self.receiving == Some(open.half.id) {
            self.receiving = None;
        }
        open.half.outcome = outcome;
        progress(Stage::Ended, &open.half, tell);
    }

    /// An idle connection keeps no memory here.
    fn release(&mut self) {
        if self.open.is_empty() {
            self.open = VecDeque::new();
        }
    }

    fn receiving(&mut self) -> Option<&mut Open> {
        let id = self.receiving?;
        self.open.iter_mut().rev().find(|open| open.half.id == id)
    }
}

/// Begins a half, with a flaw if it is not clear which response will answer it.
pub(super) fn begin(
    connection: &Arc<Connection>,
    flaw: Option<Inconclusive>,
    stamp: Stamp,
    context: &mut Context<'_>,
) -> Half {
    let request = RequestPart {
        head: None,
        started: stamp,
        head_ended: None,
        ended: None,
        body_length: 0,
    };
    let half = Half {
        id: context.new_id(),
        connection: Arc::clone(connection),
        request,
        response: ResponsePart::default(),
        outcome: Outcome::Open,
        flaws: flaw.into_iter().collect(),
    };
    progress(Stage::RequestStarted, &half, context.tell);
    half
}

/// True if a response switches to that protocol (RFC 9110 section 15.2.2).
pub(super) fn switches_to(head: &ResponseHead, protocol: &[u8]) -> bool {
    let is_switch = |field: &Field| field.name == b"upgrade"[..] && field.value.eq_ignore_ascii_case(protocol);
    head.status == 101 && head.headers.iter().any(is_switch)
}

pub(super) fn progress(stage: Stage, half: &Half, tell: &mut Tell<'_>) {
    tell(ExchangeEvent::Progress { stage, half });
}

/// Adds a flaw once; worst first.
pub(super) fn add_flaw(half: &mut Half, flaw: Inconclusive) {
    if let Err(index) = half.flaws.binary_search(&flaw) {
        half.flaws.insert(index, flaw);
    }
}

/// Appends to the prefix of a body, in memory of its own: a slice would keep the whole call alive.
pub(super) fn append(prefix: &mut Bytes, more: &Bytes) {
    let more = more
        .get(..more.len().min(BODY_PREFIX.saturating_sub(prefix.len())))
        .unwrap_or_default();
    if !more.is_empty() {
        let mut joined = BytesMut::with_capacity(prefix.len() + more.len());
        joined.extend_from_slice(prefix);
        joined.extend_from_slice(more);
        *prefix = joined.freeze();
    }
}
