extern crate std;

use std::vec::Vec;

use super::*;

/// Positions of the bytes that are framing, and how it ends, when a body at `from` is followed.
fn framing(body: &[u8], from: u32) -> (Vec<usize>, Chunks) {
    let mut chunks = Chunks::at(from);
    let mut positions = Vec::new();
    while chunks.is_followed() {
        let at = usize::try_from(chunks.next.wrapping_sub(from)).unwrap();
        let Some(&byte) = body.get(at) else { break };
        positions.push(at);
        chunks.take(byte);
    }
    (positions, chunks)
}

/// `.` for data, anything else for framing.
fn assert_framing(body: &[u8]) {
    let expected: Vec<usize> = body
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte != b'.')
        .map(|(at, _)| at)
        .collect();
    for from in [0, u32::MAX - 3] {
        let (positions, end) = framing(body, from);
        assert_eq!(positions, expected, "{}", body.escape_ascii());
        assert!(end.is_last(), "{}", body.escape_ascii());
        assert_eq!(end.next, from.wrapping_add(u32::try_from(body.len()).unwrap()));
    }
}

#[test]
fn lines_are_framing_and_what_is_between_them_is_data() {
    assert_framing(b"0\r\n");
    assert_framing(b"3\r\n...\r\n0\r\n");
    assert_framing(b"00c\r\n............\r\n1;name=\"value\"\r\n.\r\n0;last\r\n");
    assert_framing(b"A \t\r\n..........\r\na\n..........\n0\n");
}

#[test]
fn what_is_no_framing_ends_it() {
    let bodies: [&[u8]; 8] = [
        b"x",
        b"\r\n3\r\n",
        b"3x\r\n",
        b"3\r\n...x",
        b"3\r\n...\rx",
        b"3\rx",
        b"123456789\r\n",
        b"40000001\r\n",
    ];
    for body in bodies {
        let (_, end) = framing(body, 7);
        assert!(!end.is_followed() && !end.is_last(), "{}", body.escape_ascii());
    }
}

#[test]
fn extensions_are_followed_up_to_a_limit() {
    let line = |length: usize| [&b"1;"[..], &b"e".repeat(length), b"\r\n.\r\n0\r\n"].concat();
    assert!(framing(&line(60), 0).1.is_last());
    assert!(!framing(&line(100), 0).1.is_last());
}

#[test]
fn it_is_sure_after_two_lines() {
    let mut chunks = Chunks::at(0);
    for byte in *b"1\r\n" {
        chunks.take(byte);
    }
    assert!(!chunks.is_sure());
    chunks = framing(b"1\r\n.\r\n5\r\n", 0).1;
    assert!(chunks.is_sure());
    assert_eq!(chunks.next, 14);
    assert!(!framing(b"1\r\n.\r\n0\r\n", 0).1.is_sure(), "its end has come");
}
