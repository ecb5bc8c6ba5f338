//! One direction of an HTTP/2 connection: items from any bytes and gaps.
#![no_main]

use bytes::Bytes;
use gwobs_fuzz::{Input, halve};
use gwobs_http::Chunk;
use gwobs_http::http2::{Item, Step, Stream, request_head, response_head};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input::new(bytes);
    let kind = input.byte();
    let mut calls = Vec::new();
    if kind & 1 == 0 {
        calls.push(Chunk::Bytes(Bytes::from_static(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")));
    }
    while !input.is_empty() {
        calls.push(input.call());
    }
    let stream = || if kind & 1 == 0 { Stream::requests() } else { Stream::responses() };
    let whole = items(stream(), &calls, |call| vec![call.clone()]);
    let cut = items(stream(), &calls, |call| halve(call).to_vec());
    assert_eq!(whole, cut);
    items(Stream::joined(), &calls, |call| vec![call.clone()]);
});

/// Items until the stream is desynchronised for the first time, data that follows on data joined.
fn items(mut stream: Stream, calls: &[Chunk], parts: impl Fn(&Chunk) -> Vec<Chunk>) -> Vec<Item> {
    let (mut items, mut synchronised) = (Vec::new(), true);
    for call in calls {
        stream.begin_call();
        for mut part in parts(call) {
            loop {
                match stream.next(&mut part) {
                    Step::NeedMore => break,
                    Step::Item(item) if synchronised => add(&mut items, item),
                    Step::Item(_) => {}
                    Step::Invalid(_) => synchronised = false,
                }
            }
            assert!(part.is_empty(), "all input is consumed");
        }
    }
    items
}

fn add(items: &mut Vec<Item>, item: Item) {
    match (item, items.last_mut()) {
        (Item::Data { stream, length, bytes }, last) => {
            assert!(bytes.is_empty() || bytes.len() as u64 == length);
            match last {
                Some(Item::Data { stream: same, length: before, .. }) if *same == stream => *before += length,
                _ => items.push(Item::Data { stream, length, bytes: Bytes::new() }),
            }
        }
        (Item::Started { stream, .. }, _) => items.push(Item::Started { stream, split: false }),
        (item, _) => {
            if let Item::Section { lines, .. } = &item {
                let _ = (request_head(lines), response_head(lines));
            }
            items.push(item);
        }
    }
}
