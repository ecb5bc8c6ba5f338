//! The stream parsers: one state machine for both directions.

use bytes::{Buf, Bytes};

use super::body::{Body, BodyStep};
use super::chunked::Chunked;
use super::direction::{Direction, Requests, Responses, Status};
use super::framing::Framing;
use super::head::{HeadBuffer, Progress, trim_line_end};
use super::item::{Ending, Fault, Invalid, Item, Step};
use super::limits::MAX_METHOD;
use super::resync;
use crate::{Chunk, RequestHead, ResponseHead};

/// The request direction of a connection.
#[derive(Debug)]
pub struct RequestStream(Stream<Requests>);

/// The response direction of a connection.
#[derive(Debug)]
pub struct ResponseStream(Stream<Responses>);

impl RequestStream {
    /// A stream from its first byte; `prefix` is how many bytes of each body are handed out.
    #[must_use]
    pub fn new(prefix: usize) -> Self {
        Self(Stream::new(prefix))
    }

    /// Consumes a part of `input` and answers what it is. To be called until it answers [`Step::NeedMore`].
    pub fn next(&mut self, input: &mut Chunk) -> Step<RequestHead> {
        self.0.next(input, None)
    }
}

impl ResponseStream {
    /// A stream from its first byte; `prefix` is how many bytes of each body are handed out.
    #[must_use]
    pub fn new(prefix: usize) -> Self {
        Self(Stream::new(prefix))
    }

    /// Consumes a part of `input` and answers what it is. To be called until it answers [`Step::NeedMore`].
    /// `method` is that of the oldest request that has no final response yet; `None` if that was not read: then the
    /// head is answered, and the stream is desynchronised after it unless the status alone rules a body out.
    pub fn next(&mut self, input: &mut Chunk, method: Option<&[u8]>) -> Step<ResponseHead> {
        self.0.next(input, method)
    }
}

macro_rules! common_methods {
    ($stream:ty) => {
        impl $stream {
            /// The next bytes are the first ones of a call: only there a desynchronised stream looks for a head.
            pub fn begin_call(&mut self) {
                self.0.call_begins = true;
            }

            /// Gives up the present message: the stream is desynchronised.
            pub fn desynchronise(&mut self) {
                self.0.state = State::Lost;
            }

            /// The connection left HTTP: all further bytes are opaque.
            pub fn leave_http(&mut self) {
                self.0.state = State::Tunnel;
            }

            /// True unless the place of the next message is lost.
            #[must_use]
            pub fn is_synchronised(&self) -> bool {
                !matches!(self.0.state, State::Lost | State::Candidate(_))
            }

            /// True if the next byte begins a message.
            #[must_use]
            pub fn is_between_messages(&self) -> bool {
                matches!(self.0.state, State::Between)
            }

            /// How many of the next bytes are not needed; `u64::MAX` if nothing more of the stream is.
            #[must_use]
            pub fn skippable(&self) -> u64 {
                self.0.skippable()
            }

            /// The connection ended.
            #[must_use]
            pub fn ending(&self) -> Ending {
                self.0.ending()
            }
        }
    };
}

common_methods!(RequestStream);
common_methods!(ResponseStream);

#[derive(Debug)]
enum State<H> {
    /// Before the first byte of a head.
    Between,
    /// In a head.
    Head(HeadBuffer),
    /// A head was completed by a stream that was desynchronised; it is answered next.
    Found(H, Framing),
    /// In a body.
    Body(Body),
    /// A message without a body is to be ended.
    Ended,
    /// A head was answered whose body cannot be read.
    Unreadable(Fault),
    /// A head was answered after which the connection leaves HTTP.
    EnteringTunnel,
    /// Outside HTTP.
    Tunnel,
    /// The place of the next message is lost.
    Lost,
    /// The same, and a head may have begun with a call.
    Candidate(HeadBuffer),
}

#[derive(Debug)]
struct Stream<D: Direction> {
    state: State<Box<D::Head>>,
    /// How much of a body is handed out.
    prefix: usize,
    /// How much of the present body is still to be handed out.
    prefix_left: usize,
    call_begins: bool,
}

impl<D: Direction> Stream<D> {
    fn new(prefix: usize) -> Self {
        Self {
            state: State::Between,
            prefix,
            prefix_left: 0,
            call_begins: false,
        }
    }

    fn next(&mut self, input: &mut Chunk, method: Option<&[u8]>) -> Step<D::Head> {
        let before = input.len();
        let step = self.step(input, method);
        if input.len() < before {
            self.call_begins = false;
        }
        step
    }

    fn step(&mut self, input: &mut Chunk, method: Option<&[u8]>) -> Step<D::Head> {
        match &mut self.state {
            State::Found(..) => return self.answer_found(),
            State::Ended => return self.become_with(State::Between, Item::End),
            State::EnteringTunnel => return self.become_with(State::Tunnel, Item::Tunnel),
            State::Unreadable(fault) => {
                let fault = *fault;
                return self.lose(fault);
            }
            State::Body(body) => {
                let step = body.advance(input);
                return self.body_step(step);
            }
            _ if input.is_empty() => return Step::NeedMore,
            _ => {}
        }
        match input {
            Chunk::Gap(length) => self.gap(length),
            Chunk::Bytes(bytes) => self.bytes(bytes, method),
        }
    }

    /// A gap outside a body.
    fn gap(&mut self, length: &mut u64) -> Step<D::Head> {
        match self.state {
            State::Tunnel => self.skip_gap(length),
            State::Lost | State::Candidate(_) => {
                self.state = State::Lost;
                self.skip_gap(length)
            }
            _ => self.lose(Fault::Gap),
        }
    }

    fn skip_gap(&mut self, length: &mut u64) -> Step<D::Head> {
        Step::Item(Item::Skipped(std::mem::take(length)))
    }

    /// Bytes outside a body.
    fn bytes(&mut self, bytes: &mut Bytes, method: Option<&[u8]>) -> Step<D::Head> {
        match &mut self.state {
            State::Between => self.begin(bytes),
            State::Head(head) => {
                let progress = head.push(bytes);
                self.head_progress(&progress, method)
            }
            State::Lost if self.call_begins && D::may_resume(first(bytes)) => {
                self.state = State::Candidate(HeadBuffer::default());
                self.candidate(bytes, method)
            }
            State::Candidate(_) if self.call_begins && begins_with_start_line::<D>(bytes) => {
                self.state = State::Candidate(HeadBuffer::default());
                self.candidate(bytes, method)
            }
            State::Candidate(_) => self.candidate(bytes, method),
            _ => skip(bytes),
        }
    }

    /// Passes over empty lines before a start line (RFC 9112 section 2.2); begins a head at any other byte.
    fn begin(&mut self, bytes: &mut Bytes) -> Step<D::Head> {
        let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        bytes.advance(blank);
        if bytes.is_empty() {
            return Step::NeedMore;
        }
        self.become_with(State::Head(HeadBuffer::default()), Item::Started)
    }

    fn head_progress(&mut self, progress: &Progress, method: Option<&[u8]>) -> Step<D::Head> {
        let State::Head(head) = &self.state else {
            return self.lose(Fault::Syntax);
        };
        match progress {
            Progress::TooLong => self.lose(Fault::HeadTooLong),
            Progress::Incomplete if is_credible::<D>(head) => Step::NeedMore,
            Progress::Incomplete => self.lose(Fault::Syntax),
            Progress::Complete => self.finish_head(method),
        }
    }

    fn finish_head(&mut self, method: Option<&[u8]>) -> Step<D::Head> {
        let State::Head(head) = std::mem::replace(&mut self.state, State::Lost) else {
            return self.lose(Fault::Syntax);
        };
        let named = D::method_of(head.bytes());
        match D::parse(head, method) {
            Ok((head, framing)) => self.answer_head(head, framing),
            Err(fault) => Step::Invalid(Invalid { fault, method: named }),
        }
    }

    fn answer_head(&mut self, head: D::Head, framing: Framing) -> Step<D::Head> {
        if head.is_interim() {
            return self.become_with(State::Between, Item::Interim(head));
        }
        self.prefix_left = self.prefix;
        self.become_with(after_head(framing), Item::Head(head))
    }

    fn body_step(&mut self, step: BodyStep) -> Step<D::Head> {
        match step {
            BodyStep::NeedMore => Step::NeedMore,
            BodyStep::Data { length, bytes } => Step::Item(Item::Body {
                length,
                prefix: self.wanted(bytes),
            }),
            BodyStep::End => self.become_with(State::Between, Item::End),
            BodyStep::Invalid(fault) => self.lose(fault),
        }
    }

    /// The part of body bytes that belongs to the wanted prefix; a gap ends the prefix.
    fn wanted(&mut self, mut bytes: Bytes) -> Bytes {
        if bytes.is_empty() {
            self.prefix_left = 0;
        }
        bytes.truncate(self.prefix_left);
        self.prefix_left -= bytes.len();
        bytes
    }

    /// Bytes that may belong to a head that the desynchronised stream found.
    fn candidate(&mut self, bytes: &mut Bytes, method: Option<&[u8]>) -> Step<D::Head> {
        let State::Candidate(mut head) = std::mem::replace(&mut self.state, State::Lost) else {
            return skip(bytes);
        };
        match head.push(bytes) {
            Progress::Incomplete if is_strictly_credible::<D>(&head) => {
                self.state = State::Candidate(head);
                Step::NeedMore
            }
            Progress::Complete => self.settle_candidate(head, method),
            Progress::Incomplete | Progress::TooLong => skipped(head.bytes().len()),
        }
    }

    fn settle_candidate(&mut self, head: HeadBuffer, method: Option<&[u8]>) -> Step<D::Head> {
        let length = head.bytes().len();
        let strict = is_strictly_credible::<D>(&head) && resync::has_strict_line_ends(head.bytes());
        match D::parse(head, method) {
            Ok((head, framing)) if strict && D::is_plausible(&head) => {
                self.become_with(State::Found(Box::new(head), framing), Item::Started)
            }
            _ => skipped(length),
        }
    }

    fn answer_found(&mut self) -> Step<D::Head> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Found(head, framing) => self.answer_head(*head, framing),
            _ => self.lose(Fault::Syntax),
        }
    }

    fn lose(&mut self, fault: Fault) -> Step<D::Head> {
        let method = match std::mem::replace(&mut self.state, State::Lost) {
            State::Head(head) => D::method_of(head.bytes()),
            _ => None,
        };
        Step::Invalid(Invalid { fault, method })
    }

    fn become_with(&mut self, state: State<Box<D::Head>>, item: Item<D::Head>) -> Step<D::Head> {
        self.state = state;
        Step::Item(item)
    }

    fn skippable(&self) -> u64 {
        match &self.state {
            State::Tunnel | State::EnteringTunnel => u64::MAX,
            State::Body(body) if self.prefix_left == 0 => body.remaining(),
            _ => 0,
        }
    }

    fn ending(&self) -> Ending {
        match &self.state {
            State::Body(Body::UntilClose) => Ending::Complete,
            State::Head(_) | State::Body(_) | State::Found(..) | State::Ended => Ending::Truncated,
            _ => Ending::Clean,
        }
    }
}

fn after_head<H>(framing: Framing) -> State<H> {
    match framing {
        Framing::None => State::Ended,
        Framing::Length(length) => State::Body(Body::Length(length)),
        Framing::Chunked => State::Body(Body::Chunked(Chunked::new())),
        Framing::UntilClose => State::Body(Body::UntilClose),
        Framing::Tunnel => State::EnteringTunnel,
        Framing::Faulty => State::Unreadable(Fault::Framing),
        Framing::UnknownRequest => State::Unreadable(Fault::UnknownRequest),
    }
}

/// Whether an unfinished head can still become one. Looks at few bytes, so that input byte by byte stays cheap: the
/// first ones while they are few, the start line whenever it is complete.
fn is_credible<D: Direction>(head: &HeadBuffer) -> bool {
    match head.new_first_line() {
        Some(line) => D::is_start_line(trim_line_end(line)),
        None => D::may_begin(first(head.bytes())),
    }
}

/// The same for a head that a desynchronised stream may have found.
fn is_strictly_credible<D: Direction>(head: &HeadBuffer) -> bool {
    D::may_resume(first(head.bytes())) && head.new_first_line().is_none_or(D::is_strict_start_line)
}

/// The bytes that tell whether a head can begin here.
fn first(bytes: &[u8]) -> &[u8] {
    bytes.get(..=MAX_METHOD).unwrap_or(bytes)
}

fn begins_with_start_line<D: Direction>(bytes: &[u8]) -> bool {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .next()
        .is_some_and(D::is_strict_start_line)
}

fn skip<H>(bytes: &mut Bytes) -> Step<H> {
    let length = bytes.len();
    bytes.clear();
    skipped(length)
}

fn skipped<H>(length: usize) -> Step<H> {
    Step::Item(Item::Skipped(length as u64))
}

#[cfg(test)]
mod tests;
