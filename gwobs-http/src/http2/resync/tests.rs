use super::*;

const DATA: &[u8] = b"\0\0\x05\0\x01\0\0\0\x03hello";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0opaque!!";
const LONG: &[u8] = b"\0\x20\0\0\x01\0\0\0\x03hello";
const CONTINUATION: &[u8] = b"\0\0\x01\x09\x04\0\0\0\x03\x82";

fn begins(parts: &[&[u8]]) -> bool {
    begins_with_frames(&parts.concat())
}

#[test]
fn whole_frames() {
    assert!(begins(&[DATA]));
    assert!(begins(&[DATA, PING]));
}

#[test]
fn a_frame_that_goes_on_after_a_whole_one() {
    assert!(begins(&[DATA, LONG]));
    assert!(!begins(&[LONG]), "one alone proves nothing");
}

#[test]
fn a_cut_header_after_two_whole_frames() {
    assert!(begins(&[DATA, PING, b"\0\0"]));
    assert!(!begins(&[DATA, b"\0\0"]));
}

#[test]
fn what_is_no_frame() {
    assert!(!begins(&[]));
    assert!(!begins(&[b"GET / HTTP/1.1\r\n\r\n"]));
    assert!(!begins(&[DATA, b"no frame at all"]));
    assert!(!begins(&[CONTINUATION]), "of a section whose start was missed");
    assert!(!begins(&[b"\0\0\0"]));
}
