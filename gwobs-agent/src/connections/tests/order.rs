//! Events that were logged in another order than their calls happened.

use super::script::{
    START, Script,
    Side::{Requests, Responses},
};
use crate::connections::MAX_HELD;

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";

#[test]
fn a_response_logged_before_its_request_waits() {
    let mut script = Script::connected();
    script.response(OK);
    assert!(script.told.is_empty());
    script.request(GET);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"]);
    let half = script.halves.values().next().unwrap();
    assert!(half.response.ended.unwrap().order < half.request.started.order);
}

#[test]
fn a_response_sent_before_a_request_was_received_is_not_its_response() {
    let mut script = Script::accepted();
    script.response(OK).request(GET).response(OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"]);
    assert_eq!(script.connections.counts().unsolicited_responses, 1);
}

#[test]
fn the_second_of_two_pipelined_responses_waits_for_its_request() {
    let mut script = Script::connected();
    script.request(GET).response(&OK.repeat(2)).request(GET);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"; 2]);
    assert_eq!(script.connections.counts().unsolicited_responses, 0);
}

#[test]
fn calls_of_one_direction_are_put_in_order() {
    let mut script = Script::accepted();
    let second = START.wrapping_add(10);
    script.at(Requests, second, &GET[10..]).at(Requests, START, &GET[..10]);
    script.response(OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"]);
    assert_eq!(script.connections.counts().reordered, 1);
    assert_eq!(script.connections.counts().gaps, 0);
}

#[test]
fn what_comes_after_it_was_given_up_is_dropped() {
    let mut script = Script::accepted();
    script
        .at(Requests, START.wrapping_add(10), &GET[10..])
        .wait()
        .at(Requests, START, &GET[..10]);
    assert_eq!(script.summary(), [""; 0]);
    assert_eq!(
        (script.connections.counts().gaps, script.connections.counts().overlaps),
        (1, 1)
    );
}

#[test]
fn repeated_bytes_are_dropped() {
    let mut script = Script::accepted();
    script
        .at(Requests, START, &GET[..20])
        .at(Requests, START.wrapping_add(5), &GET[5..]);
    script.at(Responses, START, OK).at(Responses, START, OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 3 Completed"]);
    assert_eq!(script.connections.counts().overlaps, 2);
}

#[test]
fn waiting_is_bounded_by_time() {
    let mut script = Script::connected();
    script.response(OK).wait();
    assert_eq!(script.connections.counts().unsolicited_responses, 1);
}

#[test]
fn parts_of_a_call_share_its_number_and_calls_do_not() {
    let mut script = Script::accepted();
    script.time -= 1_000;
    script.request(&GET[..10]);
    script.time -= 1_000;
    script.request(&GET[10..]);
    script.tid = 8;
    script.response(OK);
    script.tid = 7;
    script.request(GET);
    let mut halves: Vec<_> = script.halves.values().collect();
    halves.sort_by_key(|half| half.id);
    assert_eq!(
        halves[0].request.started.thread_order,
        halves[0].request.head_ended.unwrap().thread_order
    );
    assert_eq!(
        halves[1].request.started.thread_order,
        halves[0].request.started.thread_order + 1
    );
}

#[test]
fn no_call_is_adjacent_over_a_loss() {
    let mut script = Script::accepted();
    script.request(GET).lose().response(OK);
    let half = script.halves.values().next().unwrap();
    assert!(half.response.started.unwrap().thread_order > half.request.started.thread_order + 1);
}

#[test]
fn waiting_is_bounded_by_what_waits() {
    let mut script = Script::connected();
    script.response(&OK[..5]);
    for byte in &OK[5..] {
        script.response(&[*byte]);
    }
    assert_eq!(script.connections.counts().unsolicited_responses, 1);
    let mut script = Script::connected();
    script.request(GET).response(&OK.repeat(2));
    for _ in 0..2 * MAX_HELD {
        script.response(OK);
    }
    assert!(script.connections.counts().unsolicited_responses > 1);
}
