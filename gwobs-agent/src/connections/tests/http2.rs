//! HTTP/2: several exchanges at a time on one connection.

use gwobs_http::Version;
use gwobs_route::Inconclusive;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::frames::{CONTINUATION, END_HEADERS, GOAWAY, PREFACE, Peer, RESET, SETTINGS, data, frame};
use super::script::{
    START, Script,
    Side::{self, Requests, Responses},
    Told,
};
use crate::connections::MAX_STREAMS;
use crate::event::{LeftOut, Role};
use crate::exchange::{Half, Stage};

/// A connection with both peers past their first frames.
fn opened(role: Role) -> (Script, Peer, Peer) {
    let mut script = Script::on(role, false);
    script.request(&[PREFACE, SETTINGS].concat());
    script.response(SETTINGS);
    (script, Peer::new(), Peer::new())
}

impl Script {
    fn half(&self, index: usize) -> &Half {
        let mut halves: Vec<_> = self.halves.values().collect();
        halves.sort_by_key(|half| half.id);
        halves[index]
    }
}

#[test]
fn interleaved_streams() {
    for role in [Role::Accepted, Role::Connected] {
        let (mut script, mut client, mut server) = opened(role);
        script.request(&[client.get(1, "/a"), client.get(3, "/b")].concat());
        script.request(&client.get(5, "/c"));
        script.response(&server.headers(3, &[(":status", "200")], false));
        script.response(&[server.status(5, "404"), data(3, b"three", true)].concat());
        script.response(&server.status(1, "204"));
        let expected = [
            "GET /a 0 -> 204 0 Completed",
            "GET /b 0 -> 200 5 Completed",
            "GET /c 0 -> 404 0 Completed",
        ];
        assert_eq!(script.summary(), expected);
        assert!(script.unreadable().is_empty());
        let half = script.half(1);
        assert_eq!(half.request.head.as_ref().unwrap().version, Version::H2);
        assert_eq!(half.response.body_prefix, "three");
        assert_eq!(half.request.started, half.request.head_ended.unwrap());
    }
}

#[test]
fn a_request_begins_with_its_first_byte() {
    let (mut script, mut client, _) = opened(Role::Accepted);
    let get = client.get(1, "/a");
    script
        .request(&get[..1])
        .request(&get[1..5])
        .request(&get[5..20])
        .request(&get[20..]);
    let request = &script.half(0).request;
    assert_eq!(request.head_ended.unwrap().order - request.started.order, 3);
}

/// A head that is too long is answered before its end, and the rest of it may still come.
#[test]
fn a_request_that_is_answered_before_its_head_is_complete() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    let mut head = client.headers(1, &[(":method", "GET"), (":scheme", "http"), (":path", "/a")], true);
    head[4] &= !END_HEADERS;
    script.request(&head);
    script.response(&server.status(1, "431"));
    script.request(&frame(CONTINUATION, END_HEADERS, 1, b""));
    script.request(&client.get(3, "/b")).response(&server.status(3, "200"));
    let half = script.half(0);
    assert_eq!(
        (half.request.head.is_some(), &half.flaws[..]),
        (false, &[Inconclusive::Truncated][..])
    );
    let expected = [
        Stage::RequestStarted,
        Stage::RequestHead,
        Stage::ResponseHead,
        Stage::Ended,
    ];
    assert_eq!(stages(&script)[0], expected);
    assert_eq!(script.summary()[1], "GET /b 0 -> 200 0 Completed");
}

#[test]
fn grpc_status_of_trailers_and_of_trailers_only() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&[client.get(1, "/s/a"), client.get(3, "/s/b")].concat());
    script.response(&server.headers(1, &[(":status", "200")], false));
    script.response(&data(1, b"\0\0\0\0\x01x", false));
    script.response(&server.headers(1, &[("grpc-status", "5")], true));
    script.response(&server.headers(3, &[(":status", "200"), ("grpc-status", "12")], true));
    let status = |index| script.half(index).response.grpc_status;
    assert_eq!([status(0), status(1)], [Some(5), Some(12)]);
    assert_eq!(
        script.summary(),
        ["GET /s/a 0 -> 200 6 Completed", "GET /s/b 0 -> 200 0 Completed"]
    );
}

#[test]
fn interim_responses_are_not_the_response() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.headers(1, &[(":method", "PUT"), (":scheme", "http"), (":path", "/a")], false));
    script.response(&server.headers(1, &[(":status", "100")], false));
    script.request(&data(1, b"abc", true));
    script.response(&server.status(1, "201"));
    assert_eq!(script.summary(), ["PUT /a 3 -> 201 0 Completed"]);
}

#[test]
fn streams_that_are_given_up() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(
        &[
            client.get(1, "/a"),
            client.get(3, "/b"),
            client.get(5, "/c"),
            client.get(7, "/d"),
        ]
        .concat(),
    );
    script.request(&frame(RESET, 0, 1, &[0, 0, 0, 8]));
    script.response(&frame(RESET, 0, 3, &[0, 0, 0, 2]));
    script.response(&frame(GOAWAY, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0]));
    script.response(&server.status(5, "200"));
    let expected = [
        "GET /a 0 -> ? 0* Aborted aborted",
        "GET /b 0 -> ? 0* Aborted aborted",
        "GET /c 0 -> 200 0 Completed",
        "GET /d 0 -> ? 0* Aborted aborted",
    ];
    assert_eq!(script.summary(), expected);
}

#[test]
fn the_end_of_the_connection_ends_all_that_is_open() {
    let (mut script, mut client, _) = opened(Role::Accepted);
    script
        .request(&[client.get(1, "/a"), client.get(3, "/b")].concat())
        .close();
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> ? 0* Aborted aborted", "GET /b 0 -> ? 0* Aborted aborted"]
    );
}

#[test]
fn connect_makes_a_tunnel_of_its_stream_only() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.headers(1, &[(":method", "CONNECT"), (":authority", "x:1")], false));
    script.response(&server.headers(1, &[(":status", "200")], false));
    script.response(&data(1, b"HTTP/1.1 500 no\r\n\r\n", false));
    script.request(&client.get(3, "/a")).response(&server.status(3, "200"));
    assert_eq!(
        script.summary(),
        ["CONNECT - 0* -> 200 0 Upgraded", "GET /a 0 -> 200 0 Completed"]
    );
}

#[test]
fn upgrade_from_http1_is_answered_on_stream_1() {
    let mut script = Script::accepted();
    let mut server = Peer::new();
    script.request(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n");
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    script.response(&[switch, SETTINGS, &server.status(1, "200")].concat());
    let mut client = Peer::new();
    script.request(&[PREFACE, SETTINGS, &client.get(3, "/b")].concat());
    script.response(&server.status(3, "404"));
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 0 Completed", "GET /b 0 -> 404 0 Completed"]
    );
    assert_eq!(script.half(0).request.head.as_ref().unwrap().version, Version::Http11);
    assert!(script.unreadable().is_empty());
}

/// A send is logged after it was made: the answer may be there before.
#[test]
fn an_answer_that_is_logged_before_its_request_waits_for_it() {
    let (mut script, mut client, mut server) = opened(Role::Connected);
    script.request(&client.get(1, "/a"));
    script.response(&[server.status(1, "200"), server.status(3, "404")].concat());
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    script.request(&client.get(3, "/b"));
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 0 Completed", "GET /b 0 -> 404 0 Completed"]
    );
    assert!(script.unreadable().is_empty());
    script.response(&server.status(5, "200")).wait();
    assert_eq!(script.unseen_answered().len(), 1, "nobody asked: a request was missed");
}

#[test]
fn joined_midway_by_the_first_whole_frames() {
    let (_, mut client, mut server) = opened(Role::Accepted);
    client.get(1, "/before");
    server.status(1, "302");
    let mut script = Script::joined();
    script.request(&client.get(3, "/a")).response(&server.status(3, "302"));
    script.request(&client.get(5, "/b")).response(&server.status(5, "200"));
    let expected = ["GET /a 0 -> 302 0 Completed", "GET /b 0 -> 200 0 Completed"];
    assert_eq!(script.summary(), expected);
    let unknown = script.half(1).request.head.as_ref().unwrap().unknown;
    assert_eq!(unknown.fields, 1, "x-a refers to what was sent before");
    assert_eq!(script.connections.counts().partial_heads, 2);
    script.response(&server.status(1, "200"));
    assert!(script.unreadable().is_empty());
    assert_eq!(
        script.unseen_answered(),
        [Inconclusive::JoinedMidstream],
        "a request from before is answered"
    );
}

/// Ids only grow: what is told of a stream after its end is about one that was seen if requests were seen from it on.
#[test]
fn streams_that_are_over_are_not_unseen_ones() {
    let (_, mut client, mut server) = opened(Role::Accepted);
    let mut script = Script::joined();
    script.request(&client.get(7, "/a")).response(&server.status(7, "200"));
    script.response(&frame(RESET, 0, 7, &[0, 0, 0, 0]));
    assert!(script.unseen_answered().is_empty());
    script
        .response(&frame(RESET, 0, 5, &[0, 0, 0, 8]))
        .response(&server.status(3, "200"));
    assert_eq!(script.unseen_answered(), [Inconclusive::JoinedMidstream; 2]);
    assert!(script.unreadable().is_empty());
}

/// A client can name streams as long as it likes; each of them casts doubt once.
#[test]
fn an_unseen_stream_is_given_up_once() {
    let (_, mut client, _) = opened(Role::Accepted);
    let mut script = Script::joined();
    script.request(&client.get(u32::MAX >> 1, "/a"));
    for stream in [1, 3, 1, 3, 3] {
        script.request(&frame(RESET, 0, stream, &[0, 0, 0, 8]));
    }
    assert_eq!(script.unseen_answered().len(), 2);
    for stream in 0..2 * u32::try_from(MAX_STREAMS).unwrap() {
        script.request(&frame(RESET, 0, 2 * stream + 1, &[0, 0, 0, 8]));
    }
    assert_eq!(script.unseen_answered().len(), MAX_STREAMS);
}

/// One of two heads on a stream is none: all that is open is in doubt, and the place is found anew.
#[test]
fn a_second_head_on_a_stream() {
    for (first, second) in [(3, 3), (3, 1), (3, 2)] {
        let (mut script, mut client, mut server) = opened(Role::Accepted);
        script.request(&client.get(first, "/forged"));
        script.request(&client.get(second, "/real"));
        script.response(&server.status(first, "200"));
        assert_eq!(
            script.summary(),
            ["GET /forged 0 -> ? 0* Aborted unsupported_protocol"],
            "{second}"
        );
        script.request(&client.get(5, "/b")).response(&server.status(5, "200"));
        assert_eq!(script.summary()[1], "GET /b 0 -> 200 0 Completed", "{second}");
        assert!(script.half(0).connection.missed.is_none() && script.half(1).connection.missed.is_some());
    }
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.get(1, "/a"));
    script.response(&server.headers(1, &[(":status", "200")], false));
    script.response(&server.status(1, "404"));
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0* Aborted unsupported_protocol"]);
}

#[test]
fn a_preface_on_a_connection_that_was_open_before() {
    let mut script = Script::joined();
    let (mut client, mut server) = (Peer::new(), Peer::new());
    script.request(&[PREFACE, SETTINGS, &client.get(1, "/a")].concat());
    script.response(&[SETTINGS, &server.status(1, "200")].concat());
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    assert!(script.half(0).request.head.as_ref().unwrap().unknown.is_nothing());
}

#[test]
fn http1_is_still_joined() {
    let mut script = Script::joined();
    script
        .request(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        .response(b"HTTP/1.1 204 N\r\n\r\n");
    assert_eq!(script.summary(), ["GET /a 0 -> 204 0 Completed"]);
}

#[test]
fn missing_requests_cost_no_other_request() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.get(1, "/a"));
    script.unseen(Requests, client.get(3, "/b").len()).lose();
    script.request(&client.get(5, "/c"));
    script.response(
        &[
            server.status(5, "200"),
            server.status(3, "200"),
            server.status(1, "200"),
        ]
        .concat(),
    );
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 0 Completed", "GET /c 0 -> 200 0 Completed"]
    );
    assert_eq!(script.unreadable(), [Inconclusive::LostEvents], "the gap");
    assert_eq!(
        script.unseen_answered(),
        [Inconclusive::LostEvents],
        "the answer to stream 3"
    );
}

#[test]
fn missing_responses_cost_what_was_open() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.get(1, "/a"));
    script.unseen(Responses, server.status(1, "200").len()).lose();
    script.request(&client.get(3, "/b")).response(&server.status(3, "200"));
    script.request(&client.get(5, "/c")).response(&server.status(5, "200"));
    let summary = script.summary();
    assert_eq!(summary[0], "GET /a 0 -> ? 0* Aborted lost_events");
    assert_eq!(summary[2], "GET /c 0 -> 200 0 Completed");
}

#[test]
fn data_that_was_left_out_costs_nothing() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.get(1, "/a"));
    let head = server.headers(1, &[(":status", "200")], false);
    let body = data(1, &vec![b'x'; 10_000], true);
    let length = head.len() + body.len();
    script.cut(Responses, &[&head[..], &body[..50]].concat(), length, LeftOut::Window);
    script.request(&client.get(3, "/b")).response(&server.status(3, "200"));
    assert_eq!(
        script.summary(),
        ["GET /a 0 -> 200 10000 Completed", "GET /b 0 -> 200 0 Completed"]
    );
}

#[test]
fn the_rest_of_a_long_frame_is_not_needed() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script.request(&client.get(1, "/a"));
    let head = [
        server.headers(1, &[(":status", "200")], false),
        data(1, &vec![b'x'; 16_000], false),
    ]
    .concat();
    script.skips.clear();
    script.response(&head[..100]);
    let end = START.wrapping_add(u32::try_from(SETTINGS.len() + head.len()).unwrap());
    assert_eq!(script.skips.iter().map(|skip| skip.until).collect::<Vec<_>>(), [end]);
}

#[test]
fn more_streams_than_are_followed() {
    let (mut script, mut client, _) = opened(Role::Accepted);
    for number in 0..=u32::try_from(MAX_STREAMS).unwrap() {
        script.request(&client.get(2 * number + 1, "/a"));
    }
    assert_eq!(script.halves.len(), MAX_STREAMS);
    assert_eq!(script.connections.counts().too_deep, 1);
    assert_eq!(script.unreadable(), [Inconclusive::LostEvents]);
}

#[test]
fn a_malformed_head_is_an_exchange_without_request() {
    let (mut script, mut client, mut server) = opened(Role::Accepted);
    script
        .request(&client.headers(1, &[("a", "b")], true))
        .response(&server.status(1, "400"));
    assert_eq!(script.summary(), ["? 0 -> 400 0 Completed unsupported_protocol"]);
}

/// Stages of every half, by id.
fn stages(script: &Script) -> Vec<Vec<Stage>> {
    let mut stages = vec![Vec::new(); script.halves.len()];
    for told in &script.told {
        if let Told::Stage(id, stage) = told {
            stages[usize::try_from(*id).unwrap() - 1].push(*stage);
        }
    }
    stages
}

proptest! {
    /// However the frames are interleaved and cut into calls, every exchange is read whole, and once.
    #[test]
    fn every_exchange_is_read_whole(
        role in prop_oneof![Just(Role::Accepted), Just(Role::Connected)],
        order in vec(any::<Index>(), 1..20),
        cuts in vec(any::<Index>(), 0..40),
    ) {
        let (mut script, mut client, mut server) = opened(role);
        let count = u32::try_from(order.len()).unwrap();
        let requests: Vec<u8> = (0..count).flat_map(|number| client.get(2 * number + 1, &format!("/{number}"))).collect();
        let mut left: Vec<u32> = (0..count).collect();
        let mut responses = Vec::new();
        for index in &order {
            let number = left.swap_remove(index.index(left.len()));
            responses.extend(server.headers(2 * number + 1, &[(":status", "200")], false));
            responses.extend(data(2 * number + 1, format!("{number}").as_bytes(), true));
        }
        cut(&mut script, Requests, &requests, &cuts);
        cut(&mut script, Responses, &responses, &cuts);
        let expected: Vec<_> = (0..count)
            .map(|number| format!("GET /{number} 0 -> 200 {} Completed", number.to_string().len()))
            .collect();
        prop_assert_eq!(script.summary(), expected);
        let all = [Stage::RequestStarted, Stage::RequestHead, Stage::ResponseHead, Stage::Ended];
        prop_assert!(stages(&script).iter().all(|stages| stages == &all));
    }
}

fn cut(script: &mut Script, side: Side, bytes: &[u8], cuts: &[Index]) {
    let mut at: Vec<_> = cuts
        .iter()
        .map(|cut| cut.index(bytes.len() + 1))
        .chain([0, bytes.len()])
        .collect();
    at.sort_unstable();
    at.dedup();
    for range in at.windows(2) {
        script.send(side, &bytes[range[0]..range[1]]);
    }
}
