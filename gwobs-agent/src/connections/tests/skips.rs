//! What the kernel side is told that it need not copy.

use super::frames::{PREFACE, SETTINGS, data};
use super::script::{
    START, Script,
    Side::{self, Requests, Responses},
};
use crate::connections::{MARK_INTERVAL, Skip};
use crate::event::{LeftOut, SocketCookie};

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

fn skip(side: Side, offset: usize) -> Skip {
    let direction = Script::accepted().direction(side);
    Skip {
        of_plaintext: false,
        framed: false,
        socket: SocketCookie(1),
        direction,
        until: START.wrapping_add(u32::try_from(offset).unwrap()),
    }
}

#[test]
fn a_long_body_is_skipped_to_its_end_once() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n";
    let mut script = Script::accepted();
    script.request(GET).response(head);
    assert_eq!(script.skips, [], "the first bytes are evidence");
    script.response(&[b'x'; 100]).response(&[b'x'; 100]);
    assert_eq!(script.skips, [skip(Responses, head.len() + 1_000_000)]);
}

#[test]
fn short_bodies_are_not_worth_telling() {
    let mut script = Script::accepted();
    script.request(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8191\r\n\r\n");
    assert_eq!(script.skips, []);
}

#[test]
fn the_rest_of_a_long_chunk_is_skipped() {
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n";
    let mut script = Script::accepted();
    script.request(head);
    assert_eq!(script.skips, [skip(Requests, head.len() + 0x10000)]);
}

#[test]
fn nothing_of_a_tunnel_or_foreign_protocol_is_needed() {
    let mut script = Script::accepted();
    script
        .request(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        .response(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(script.skips.len(), 2);
    let mut script = Script::accepted();
    script.request(b"\x16\x03\x01\0\x01\x01\x17\x03\x03\0\x09s");
    assert_eq!(script.skips, [skip(Requests, 12 + (1 << 30)), skip(Responses, 1 << 30)]);
}

#[test]
fn a_long_stream_in_one_direction_is_marked_before_the_window_is_used_up() {
    let small = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\n";
    let mut script = Script::accepted();
    let mut sent = 0;
    for _ in 0..20 {
        script.request(small).request(&[b'x'; 4000]);
        sent += small.len() + 4000;
        let marked = script.skips.last().map_or(START, |skip| skip.until);
        assert!(START.wrapping_add(u32::try_from(sent).unwrap()).wrapping_sub(marked) <= MARK_INTERVAL);
    }
    assert!(script.skips.len() <= sent / usize::try_from(MARK_INTERVAL).unwrap());
}

#[test]
fn turns_of_the_conversation_need_no_marks() {
    let mut script = Script::accepted();
    for _ in 0..2_000 {
        script.request(GET).response(b"HTTP/1.1 204 No\r\n\r\n");
    }
    assert_eq!(script.skips, []);
}

fn frame_at(side: Side, offset: usize) -> Skip {
    Skip {
        framed: true,
        ..skip(side, offset)
    }
}

/// HTTP/2, with a long frame of the responses whose first 100 bytes crossed.
fn in_a_long_frame(why: LeftOut) -> (Script, usize) {
    let mut script = Script::accepted();
    script.request(&[PREFACE, SETTINGS].concat()).response(SETTINGS);
    script.skips.clear();
    let body = data(1, &[b'x'; 50_000], false);
    script.cut(Responses, &body[..100], body.len() - 20_000, why);
    (script, SETTINGS.len() + body.len())
}

#[test]
fn where_frames_begin_is_told_as_soon_as_it_is_known() {
    let mut script = Script::accepted();
    script.request(PREFACE);
    let behind = PREFACE.len();
    assert_eq!(script.skips, [frame_at(Requests, behind), frame_at(Responses, 0)]);
    script.request(SETTINGS).response(SETTINGS);
    assert_eq!(script.skips.len(), 2, "once");
}

#[test]
fn frames_that_are_followed_need_no_marks() {
    let (mut script, _) = in_a_long_frame(LeftOut::FrameData);
    script.cut(Responses, b"", 20_000, LeftOut::FrameData);
    script.response(&data(1, &[b'x'; 900], false).repeat(40));
    assert_eq!(script.skips, []);
}

#[test]
fn where_frames_begin_is_told_again_when_they_are_not_followed() {
    let (script, end) = in_a_long_frame(LeftOut::Window);
    assert_eq!(script.skips, [frame_at(Responses, end)]);
}
