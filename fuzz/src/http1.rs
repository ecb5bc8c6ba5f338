//! One direction of a connection: HTTP/1 messages from any bytes and gaps.

use std::fmt::Debug;

use gwobs_http::Chunk;
use gwobs_http::http1::{Item, RequestStream, ResponseStream, Step};
use gwobs_http::{RequestHead, ResponseHead};

use crate::input::{Input, halve};

/// Methods that responses answer, in turn.
const METHODS: [Option<&[u8]>; 5] = [Some(b"GET"), Some(b"HEAD"), Some(b"POST"), Some(b"CONNECT"), None];

/// One input, as what a client sends.
pub fn run_requests(bytes: &[u8]) {
    run(bytes, || RequestStream::new(16));
}

/// One input, as what a server sends.
pub fn run_responses(bytes: &[u8]) {
    run(bytes, || ResponseStream::new(16));
}

/// A stream of messages, whichever way they go.
trait Messages {
    type Head: Debug + PartialEq;
    fn begin_call(&mut self);
    /// `seen`: how many messages came before.
    fn next(&mut self, part: &mut Chunk, seen: usize) -> Step<Self::Head>;
}

impl Messages for RequestStream {
    type Head = RequestHead;

    fn begin_call(&mut self) {
        self.begin_call();
    }

    fn next(&mut self, part: &mut Chunk, _: usize) -> Step<RequestHead> {
        self.next(part)
    }
}

impl Messages for ResponseStream {
    type Head = ResponseHead;

    fn begin_call(&mut self) {
        self.begin_call();
    }

    fn next(&mut self, part: &mut Chunk, seen: usize) -> Step<ResponseHead> {
        self.next(part, METHODS[seen % METHODS.len()])
    }
}

/// However calls are cut, the messages are the same.
fn run<S: Messages>(bytes: &[u8], stream: impl Fn() -> S) {
    let mut input = Input::new(bytes);
    let mut calls = Vec::new();
    while !input.is_empty() {
        calls.push(input.call());
    }
    let whole = messages(stream(), &calls, |call| vec![call.clone()]);
    let cut = messages(stream(), &calls, |call| halve(call).to_vec());
    assert_eq!(whole, cut);
}

/// Heads and ends until the stream is desynchronised for the first time, with the length of each body.
fn messages<S: Messages>(
    mut stream: S,
    calls: &[Chunk],
    parts: impl Fn(&Chunk) -> Vec<Chunk>,
) -> Vec<(Option<S::Head>, u64)> {
    let (mut messages, mut synchronised) = (Vec::new(), true);
    for call in calls {
        stream.begin_call();
        for mut part in parts(call) {
            loop {
                match stream.next(&mut part, messages.len()) {
                    Step::NeedMore => break,
                    Step::Item(item) if synchronised => add(&mut messages, item),
                    Step::Item(_) => {}
                    Step::Invalid(_) => synchronised = false,
                }
            }
            assert!(part.is_empty(), "all input is consumed");
        }
    }
    messages
}

fn add<H>(messages: &mut Vec<(Option<H>, u64)>, item: Item<H>) {
    match item {
        Item::Head(head) | Item::Interim(head) => messages.push((Some(head), 0)),
        Item::Body { length, prefix } => {
            assert!(prefix.len() as u64 <= length);
            messages.last_mut().expect("a body follows a head").1 += length;
        }
        Item::End | Item::Tunnel => messages.push((None, 0)),
        Item::Started | Item::Skipped(_) => {}
    }
}
