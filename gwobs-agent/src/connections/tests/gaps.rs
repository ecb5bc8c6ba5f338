//! What exchanges look like when bytes are missing.

use gwobs_route::Inconclusive;

use super::script::{
    Script,
    Side::{Requests, Responses},
    Told,
};
use crate::event::LeftOut;

const GET_A: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const GET_B: &[u8] = b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const OK_100: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
const OK_300: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n";

#[test]
fn bytes_left_out_of_a_body_are_just_length() {
    for why in [
        LeftOut::Skipped,
        LeftOut::Window,
        LeftOut::NoBuffer,
        LeftOut::Fault,
        LeftOut::NotThisSocket,
    ] {
        let mut script = Script::accepted();
        script
            .request(GET_A)
            .cut(Responses, OK_100, OK_100.len() + 60, why)
            .cut(Responses, b"", 40, why);
        script.request(GET_B).response(OK);
        assert_eq!(
            script.summary(),
            ["GET /a 0 -> 200 100 Completed", "GET /b 0 -> 200 0 Completed"]
        );
    }
}

/// Nobody waits for it: what follows would wait too, and look as if it had been sent in a row. Of a response the first bytes
/// of the body are of interest, which come with its head.
#[test]
fn spliced_bodies_are_just_length() {
    const POST_100: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n";
    for mut script in [Script::accepted(), Script::connected()] {
        for _ in 0..3 {
            script
                .request(POST_100)
                .unseen(Requests, 100)
                .response(&[OK_300, &[b'x'; 200]].concat())
                .unseen(Responses, 100);
        }
        script.request(GET_B).response(OK);
        let whole = "POST /a 100 -> 200 300 Completed";
        assert_eq!(script.summary(), [whole, whole, whole, "GET /b 0 -> 200 0 Completed"]);
        assert_eq!(script.connections.counts().missing_bytes, 600);
        assert_eq!(script.unreadable(), []);
    }
}

#[test]
fn a_head_that_was_cut_costs_only_its_own_exchange() {
    let mut script = Script::accepted();
    script
        .cut(Requests, b"GET /a HTTP/1.1\r\nX: ", 900, LeftOut::Fault)
        .response(OK_100)
        .response(&[b'x'; 100]);
    script.request(GET_B).response(OK);
    assert_eq!(
        script.summary(),
        ["? 0* -> 200 100 Completed truncated", "GET /b 0 -> 200 0 Completed"]
    );
}

#[test]
fn the_method_of_a_cut_head_still_frames_its_response() {
    let mut script = Script::accepted();
    script
        .cut(Requests, b"HEAD /a HTTP/1.1\r\nX: ", 900, LeftOut::Fault)
        .response(OK_100);
    script.request(GET_B).response(OK);
    assert_eq!(
        script.summary(),
        ["? 0* -> 200 0 Completed truncated", "GET /b 0 -> 200 0 Completed"]
    );
}

#[test]
fn a_head_longer_than_the_limit_is_truncated() {
    let long = [
        b"GET /a HTTP/1.1\r\nHost: x\r\nCookie: ".as_slice(),
        &[b'c'; 20_000],
        b"\r\n\r\n",
    ]
    .concat();
    let mut script = Script::accepted();
    script
        .request(&long[..9_000])
        .request(&long[9_000..])
        .response(OK)
        .request(GET_B)
        .response(OK);
    assert_eq!(
        script.summary(),
        ["? 0* -> 200 0 Completed truncated", "GET /b 0 -> 200 0 Completed"]
    );
}

#[test]
fn a_response_head_that_was_cut_ends_its_exchange() {
    let mut script = Script::accepted();
    script
        .request(GET_A)
        .cut(Responses, b"HTTP/1.1 200 OK\r\nX: ", 900, LeftOut::NoBuffer);
    script.request(GET_B).response(OK);
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> ? 0* Aborted truncated", "GET /b 0 -> 200 0 Completed"]
    );
}

#[test]
fn lost_events_flaw_what_they_hit_and_nothing_else() {
    let mut script = Script::accepted();
    script
        .request(GET_A)
        .lose()
        .unseen(Responses, 50)
        .response(b"rest")
        .wait();
    script.request(GET_B).response(OK);
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> ? 0* Aborted lost_events", "GET /b 0 -> 200 0 Completed"]
    );
    assert!(script.told.contains(&Told::Lost));
}

#[test]
fn a_request_that_was_lost_whole_is_told_as_unreadable() {
    let mut script = Script::accepted();
    script.lose().unseen(Requests, GET_A.len()).response(OK).wait();
    script.request(GET_B).wait().response(OK);
    assert_eq!(
        script.unreadable(),
        [Inconclusive::LostEvents; 2],
        "the request, and a response to nothing"
    );
    assert_eq!(script.summary(), ["GET /b 0 -> 200 0 Completed"]);
}

#[test]
fn a_connection_joined_between_two_exchanges_is_read_from_the_next_on() {
    let mut script = Script::joined();
    script.request(GET_A).response(OK).request(GET_B).response(OK);
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 0 Completed", "GET /b 0 -> 200 0 Completed"]
    );
    assert_eq!(script.unreadable(), []);
}

#[test]
fn a_connection_joined_within_bodies_finds_its_place() {
    let mut script = Script::joined();
    script
        .request(b"rest of an upload")
        .response(b"rest of a download")
        .request(&GET_A[..10])
        .request(&GET_A[10..]);
    script.response(OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    assert_eq!(script.unreadable(), [Inconclusive::JoinedMidstream; 2]);
}

#[test]
fn the_response_to_a_request_from_before_is_nobodys() {
    let mut script = Script::joined();
    script
        .response(OK_100)
        .response(&[b'x'; 100])
        .wait()
        .request(GET_A)
        .response(OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    assert_eq!(script.connections.counts().unsolicited_responses, 1);
}

#[test]
fn encryption_is_told_in_mid_stream_too() {
    let mut script = Script::joined();
    script
        .request(b"\x17\x03\x03\x00\x20secret")
        .request(b"\x17\x03\x03\x00\x20secret");
    assert_eq!(script.unreadable(), [Inconclusive::Encrypted; 2]);
}

#[test]
fn a_loss_on_a_pipelining_connection_ends_its_use() {
    let mut script = Script::accepted();
    script
        .request(&[GET_A, GET_B].concat())
        .response(OK)
        .cut(Responses, b"HTTP/1.1 2", 900, LeftOut::Fault);
    script.request(GET_A).response(OK).response(OK);
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 0 Completed", "GET /b 0 -> ? 0* Aborted truncated"]
    );
    assert_eq!(script.unreadable(), [Inconclusive::Truncated; 3]);
}

#[test]
fn response_bytes_that_are_skipped_may_have_been_the_awaited_ones() {
    let mut script = Script::joined();
    script.request(GET_A).response(b"not a head").response(OK);
    assert_eq!(script.summary(), ["GET /a 0 -> ? 0* Aborted joined_midstream"]);
}
