//! What exchanges look like when every byte is seen.

use gwobs_route::Inconclusive;

use super::script::{Script, Told, address};
use crate::connections::MAX_PIPELINED;
use crate::event::{Direction, Role};
use crate::exchange::Stage;

/// `>` begins a call of the client, `<` one of the gateway, `|` is the end of the connection.
fn play(script: &[&str]) -> Script {
    let mut played = Script::accepted();
    for call in script {
        match call.split_at(1) {
            (">", bytes) => played.request(bytes.as_bytes()),
            ("<", bytes) => played.response(bytes.as_bytes()),
            _ => played.close(),
        };
    }
    played
}

/// Name, calls, halves.
const EXCHANGES: &[(&str, &[&str], &[&str])] = &[
    (
        "keep-alive",
        &[
            ">GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            ">GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ],
        &["GET /a 0 -> 200 3 Completed", "GET /b 0 -> 404 0 Completed"],
    ),
    (
        "pipelining, answers in one call",
        &[
            ">GET /a HTTP/1.1\r\nHost: x\r\n\r\nHEAD /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 204 N\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 N\r\nContent-Length: 7\r\n\r\n",
        ],
        &[
            "GET /a 0 -> 204 0 Completed",
            "HEAD /b 0 -> 200 0 Completed",
            "GET /c 0 -> 304 0 Completed",
        ],
    ),
    (
        "100-continue",
        &[
            ">PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n",
            "<HTTP/1.1 100 Continue\r\n\r\n",
            ">abcd",
            "<HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        ],
        &["PUT /a 4 -> 201 0 Completed"],
    ),
    (
        "early response before the request body ended",
        &[
            ">POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nabcd",
            "<HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
            ">efgh",
            ">GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ],
        &["POST /a 4* -> 413 0 Completed", "GET /b 0 -> 200 0 Completed"],
    ),
    (
        "until close",
        &[">GET /a HTTP/1.0\r\n\r\n", "<HTTP/1.0 200 OK\r\n\r\nabc", "<def", "|"],
        &["GET /a 0 -> 200 6 Completed"],
    ),
    (
        "upgrade, then bytes that look like requests",
        &[
            ">GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
            "<HTTP/1.1 101 Switching\r\n\r\n",
            ">GET /not HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 200 OK\r\n\r\n",
            "|",
        ],
        &["GET /ws 0 -> 101 0 Upgraded"],
    ),
    (
        "connect",
        &[
            ">CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 200 OK\r\n\r\n",
            ">\u{16}\u{3}\u{1}",
            "|",
        ],
        &["CONNECT - 0 -> 200 0 Upgraded"],
    ),
    (
        "connect refused",
        &[
            ">CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno",
            ">GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
        &["CONNECT - 0 -> 403 2 Completed", "GET /b 0* -> ? 0* Open"],
    ),
    (
        "chunked both ways, with trailers",
        &[
            ">POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
            "<HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;e=1\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        ],
        &["POST /a 3 -> 200 5 Completed"],
    ),
    (
        "client gives up in the request body",
        &[">POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nabcd", "|"],
        &["POST /a 4* -> ? 0* Aborted aborted"],
    ),
    (
        "connection ends in the response body",
        &[
            ">GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
            "<HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcd",
            "|",
        ],
        &["GET /a 0 -> 200 4* Aborted aborted"],
    ),
    (
        "timeout of an idle connection",
        &["<HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n", "|"],
        &[],
    ),
    (
        "answer to half a head",
        &[
            ">GET /a HTTP/1.1\r\nHo",
            "<HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
            "|",
        ],
        &["? 0* -> 408 0* Aborted aborted"],
    ),
    (
        "contradictory framing",
        &[
            ">POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "<HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ],
        &["POST /a 0* -> 400 0 Completed unsupported_protocol"],
    ),
];

#[test]
fn exchanges_are_told_with_what_was_in_them() {
    for (name, script, expected) in EXCHANGES {
        assert_eq!(play(script).summary(), *expected, "{name}");
    }
}

#[test]
fn stages_come_in_order() {
    let script = play(&[
        ">GET /a HTTP/1.1\r\n",
        ">Host: x\r\n\r\n",
        "<HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n",
        "<a",
    ]);
    let stages = [
        Stage::RequestStarted,
        Stage::RequestHead,
        Stage::ResponseHead,
        Stage::Ended,
    ];
    assert_eq!(script.told, stages.map(|stage| Told::Stage(1, stage)));
    let half = &script.halves.values().next().unwrap();
    let orders = [
        Some(half.request.started),
        half.request.head_ended,
        half.response.started,
        half.response.head_ended,
        half.response.ended,
    ];
    assert_eq!(orders.map(|stamp| stamp.unwrap().order), [1, 2, 3, 3, 4]);
    assert_eq!(orders.map(|stamp| stamp.unwrap().thread_order), [0, 1, 2, 2, 3]);
}

#[test]
fn response_prefix_is_kept_and_bounded() {
    let mut script = Script::accepted();
    script.request(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    script
        .response(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        .response(&[b'x'; 90]);
    let half = script.halves.values().next().unwrap();
    assert_eq!(half.response.body_length, 100);
    assert_eq!(
        half.response.body_prefix,
        [b"0123456789".as_slice(), &[b'x'; 54]].concat()
    );
}

#[test]
fn upstream_connection_sends_its_requests() {
    let mut script = Script::empty();
    script.open(2, Role::Connected, false);
    script.bytes(2, Direction::Send, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    script.bytes(2, Direction::Receive, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    let connection = &script.halves.values().next().unwrap().connection;
    assert_eq!((connection.role, connection.peer), (Role::Connected, address(4000)));
}

#[test]
fn protocols_that_are_not_read_are_named() {
    let tls = b"\x16\x03\x01\0\x01\x01\x17\x03\x03\0\x09s";
    let proxied = [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".as_slice(), tls].concat();
    let table: [(&[u8], Inconclusive); 4] = [
        (tls, Inconclusive::Encrypted),
        (&proxied, Inconclusive::Encrypted),
        (b"\0\x01binary", Inconclusive::UnsupportedProtocol),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Inconclusive::UnsupportedProtocol),
    ];
    for (bytes, why) in table {
        let mut script = Script::accepted();
        script.request(bytes).request(b"more");
        assert_eq!(script.unreadable(), [why, why], "{bytes:?}");
        assert!(script.halves.values().all(|half| half.request.head.is_none()));
    }
}

#[test]
fn proxy_protocol_is_skipped() {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x01\xbb";
    for header in [b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".as_slice(), v2] {
        let mut script = Script::accepted();
        script.request(&[header, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"].concat());
        assert_eq!(script.summary(), ["GET /a 0* -> ? 0* Open"]);
        let mut script = Script::accepted();
        for byte in header {
            script.request(&[*byte]);
        }
        script.request(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(script.summary(), ["GET /a 0* -> ? 0* Open"]);
    }
}

#[test]
fn too_deep_a_pipeline_makes_the_connection_unreadable() {
    let mut script = Script::accepted();
    script.request(&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(MAX_PIPELINED + 3));
    assert_eq!(script.connections.counts().too_deep, 1);
    assert_eq!(script.summary(), ["GET / 0 -> ? 0* Aborted lost_events"; MAX_PIPELINED]);
}
