//! Whole streams: tables for what RFC 9112 says, properties for splitting and gaps.

use bytes::Bytes;

use super::*;

fn requests(stream: &mut RequestStream, chunks: &[Chunk]) -> Vec<Step<RequestHead>> {
    let mut steps = Vec::new();
    for chunk in chunks {
        let mut chunk = chunk.clone();
        stream.begin_call();
        loop {
            match stream.next(&mut chunk) {
                Step::NeedMore => break,
                step => steps.push(step),
            }
        }
        assert!(chunk.is_empty());
    }
    steps
}

#[test]
fn smoke() {
    let mut stream = RequestStream::new(4);
    let steps = requests(
        &mut stream,
        &[Chunk::Bytes(Bytes::from_static(
            b"POST http://u@h:1/a?b HTTP/1.1\r\nHost: x\r\nX-Y: a\r\n b\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\n\n",
        ))],
    );
    println!("{steps:#?}");
}
