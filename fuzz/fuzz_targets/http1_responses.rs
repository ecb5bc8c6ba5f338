//! One direction of a connection: response messages from any bytes and gaps.
#![no_main]

use gwobs_fuzz::{Input, halve};
use gwobs_http::http1::{Item, ResponseStream, Step};
use gwobs_http::{Chunk, ResponseHead};
use libfuzzer_sys::fuzz_target;

/// Methods that the responses answer, in turn.
const METHODS: [Option<&[u8]>; 5] = [Some(b"GET"), Some(b"HEAD"), Some(b"POST"), Some(b"CONNECT"), None];

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let mut calls = Vec::new();
    while !input.is_empty() {
        calls.push(input.call());
    }
    let whole = messages(&calls, |call| vec![call.clone()]);
    let cut = messages(&calls, |call| halve(call).to_vec());
    assert_eq!(whole, cut);
});

/// Heads and ends until the stream is desynchronised for the first time, with the length of each body.
fn messages(calls: &[Chunk], parts: impl Fn(&Chunk) -> Vec<Chunk>) -> Vec<(Option<ResponseHead>, u64)> {
    let mut stream = ResponseStream::new(16);
    let (mut messages, mut synchronised) = (Vec::new(), true);
    for call in calls {
        stream.begin_call();
        for mut part in parts(call) {
            loop {
                match stream.next(&mut part, METHODS[messages.len() % METHODS.len()]) {
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

fn add(messages: &mut Vec<(Option<ResponseHead>, u64)>, item: Item<ResponseHead>) {
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
