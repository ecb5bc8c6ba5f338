//! One direction of a connection: request messages from any bytes and gaps.
#![no_main]

use gwobs_fuzz::{Input, halve};
use gwobs_http::http1::{Item, RequestStream, Step};
use gwobs_http::{Chunk, RequestHead};
use libfuzzer_sys::fuzz_target;

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
fn messages(calls: &[Chunk], parts: impl Fn(&Chunk) -> Vec<Chunk>) -> Vec<(Option<RequestHead>, u64)> {
    let mut stream = RequestStream::new(16);
    let (mut messages, mut synchronised) = (Vec::new(), true);
    for call in calls {
        stream.begin_call();
        for mut part in parts(call) {
            loop {
                match stream.next(&mut part) {
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

fn add(messages: &mut Vec<(Option<RequestHead>, u64)>, item: Item<RequestHead>) {
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
