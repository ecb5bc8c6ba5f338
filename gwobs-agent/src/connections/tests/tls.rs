//! Connections that speak TLS, with and without their plaintext.

use gwobs_route::Inconclusive;

use super::script::{
    Script,
    Side::{Requests, Responses},
    Told,
};
use crate::connections::SKIP_THRESHOLD;
use crate::event::{EventKind, HandshakeOutcome, SocketCookie};

/// A ClientHello for `a.test`, in one record.
const HELLO: &[u8] = b"\x16\x03\x01\0\x3e\x01\0\0\x3a\x03\x03\
    01234567890123456789012345678901\0\0\x02\x13\x01\x01\0\
    \0\x0f\0\0\0\x0b\0\x09\0\0\x06a.test";
const SERVER_HELLO: &[u8] = b"\x16\x03\x03\0\x04\x02\0\0\0";
const APPLICATION_DATA: &[u8] = b"\x17\x03\x03\0\x06secret";

const GET: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A connection whose handshake is done by a library that is probed.
fn shaken() -> Script {
    let mut script = Script::accepted();
    script
        .ciphertext(Requests, HELLO)
        .ciphertext(Responses, SERVER_HELLO)
        .ciphertext(Requests, APPLICATION_DATA);
    script
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

#[test]
fn plaintext_is_read_and_ciphertext_is_not() {
    let mut script = shaken();
    script
        .plaintext(Requests, true, 0, GET)
        .plaintext(Responses, true, 0, OK);
    script
        .plaintext(Requests, true, length(GET), GET)
        .plaintext(Responses, true, length(OK), OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"; 2]);
    assert_eq!(script.unreadable(), []);
}

#[test]
fn the_name_in_the_handshake_is_that_of_every_request() {
    let mut script = shaken();
    script
        .plaintext(Requests, true, 0, GET)
        .plaintext(Responses, true, 0, OK);
    let half = script.halves.values().next().unwrap();
    let tls = half.connection.tls.as_ref().expect("TLS");
    assert_eq!(tls.server_name.as_deref(), Some("a.test"));
}

#[test]
fn a_handshake_carries_no_request() {
    let mut script = Script::accepted();
    script.request(HELLO).response(SERVER_HELLO);
    assert_eq!(script.unreadable(), []);
    script.request(APPLICATION_DATA).request(APPLICATION_DATA);
    assert_eq!(script.unreadable(), [Inconclusive::Encrypted; 2]);
    assert_eq!(script.connections.counts().encrypted, 2);
}

/// As TLSRoutes want it: the same hello goes on to a backend.
#[test]
fn what_passes_through_hides_no_request() {
    let mut script = Script::accepted();
    script.request(HELLO);
    assert_eq!(script.connections.drain_hellos().count(), 1);
    script.connections.passes_on(SocketCookie(1));
    script.response(SERVER_HELLO).response(APPLICATION_DATA);
    script.request(APPLICATION_DATA).request(APPLICATION_DATA);
    assert_eq!(script.unreadable(), []);
    assert_eq!(script.connections.counts().encrypted, 0);
    assert_eq!(script.summary(), [""; 0]);
}

/// A gateway may answer 500 for it, which is no reply without an attempt.
#[test]
fn a_handshake_with_a_backend_that_fails_is_an_attempt_that_failed() {
    let failed = |script: &Script| {
        let told = script.told.iter();
        told.filter(|told| matches!(told, Told::ConnectFailed(_))).count()
    };
    let mut script = Script::connected();
    script.ciphertext(Requests, HELLO).ciphertext(Responses, SERVER_HELLO);
    let outcome = HandshakeOutcome::Failed {
        library: 20,
        reason: 134,
    };
    let socket = SocketCookie(1);
    script.event(EventKind::Handshake { socket, outcome });
    assert_eq!(failed(&script), 1);
    script.event(EventKind::Closed { socket });
    assert_eq!(failed(&script), 1, "once");
    let mut script = Script::connected();
    script.ciphertext(Requests, HELLO);
    script.event(EventKind::Closed { socket });
    assert_eq!(failed(&script), 1, "the backend closed");
    let mut script = shaken();
    script.event(EventKind::Handshake { socket, outcome });
    assert_eq!(failed(&script), 0, "a client's");
}

#[test]
fn a_handshake_that_ends_without_a_word_of_the_library_failed_for_what_was_seen() {
    const ALERT: &[u8] = b"\x15\x03\x03\0\x02\x02\x28";
    let cases = [
        (&[][..], "closed"),
        (ALERT, "handshake_failure"),
        (OK, "wrong_version_number"),
    ];
    for (answer, expected) in cases {
        let mut script = Script::connected();
        script.ciphertext(Requests, HELLO).ciphertext(Responses, answer);
        script.event(EventKind::Closed {
            socket: SocketCookie(1),
        });
        let failures: Vec<_> = script.connections.drain_handshake_failures().collect();
        let told: Vec<_> = failures
            .iter()
            .map(|failure| (failure.side(), failure.reason))
            .collect();
        assert_eq!(told, [("upstream", expected)]);
    }
}

#[test]
fn early_data_may_be_a_request() {
    let mut script = Script::accepted();
    script.request(&[HELLO, APPLICATION_DATA].concat());
    assert_eq!(script.unreadable(), [Inconclusive::Encrypted]);
}

/// As Traefik, which looks at the name before it hands the connection to its TLS library.
#[test]
fn a_hello_that_somebody_else_read_names_the_server_too() {
    let mut script = Script::accepted();
    script.request(HELLO).ciphertext(Responses, SERVER_HELLO);
    script.ciphertext(Requests, APPLICATION_DATA);
    script
        .plaintext(Requests, true, 0, GET)
        .plaintext(Responses, true, 0, OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
    assert_eq!(script.unreadable(), []);
    let half = script.halves.values().next().unwrap();
    assert!(
        half.connection
            .tls
            .as_ref()
            .is_some_and(|tls| tls.server_name.is_some())
    );
}

#[test]
fn a_connection_that_was_joined_is_read_from_its_next_request_on() {
    let mut script = Script::joined();
    script.ciphertext(Requests, APPLICATION_DATA);
    script
        .plaintext(Responses, false, 0, b"rest of a body")
        .plaintext(Requests, false, 0, GET)
        .plaintext(Responses, false, 14, OK);
    assert_eq!(script.summary(), ["GET /a 0 -> 200 0 Completed"]);
}

#[test]
fn plaintext_that_is_missing_is_a_gap() {
    let mut script = shaken();
    script.plaintext(Requests, true, 0, &GET[..10]);
    script.plaintext(Requests, true, length(GET) + 5, GET);
    script.plaintext(Responses, true, 0, OK);
    let summary = script.summary();
    assert!(
        summary
            .iter()
            .all(|half| !half.contains("200 0 Completed") || half.contains("truncated")),
        "{summary:?}"
    );
}

#[test]
fn ciphertext_that_is_told_again_means_that_plaintext_no_longer_is() {
    let mut script = shaken();
    script.plaintext(Requests, true, 0, GET);
    script.response(APPLICATION_DATA);
    assert_eq!(script.summary(), ["GET /a 0 -> ? 0* Aborted lost_events"]);
    assert_eq!(script.unreadable(), [Inconclusive::LostEvents]);
    script.plaintext(Requests, true, length(GET), GET);
    assert_eq!(script.unreadable(), [Inconclusive::LostEvents; 2]);
}

#[test]
fn skips_count_the_plaintext() {
    let body = usize::try_from(SKIP_THRESHOLD).unwrap() * 4;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {body}\r\n\r\n");
    let mut script = shaken();
    script.plaintext(Requests, true, 0, GET);
    script.plaintext(Responses, true, 0, head.as_bytes());
    script.plaintext(Responses, true, length(head.as_bytes()), &[b'x'; 100]);
    let skip = script.skips.last().expect("a skip");
    assert!(skip.of_plaintext);
    assert_eq!(skip.until, length(head.as_bytes()) + u32::try_from(body).unwrap());
}

#[test]
fn what_speaks_no_http_within_tls_is_not_read() {
    let mut script = shaken();
    script.plaintext(Requests, true, 0, b"\x01\x02\x03\x04");
    assert_eq!(script.unreadable(), [Inconclusive::UnsupportedProtocol]);
    let mut script = shaken();
    script.plaintext(Requests, true, 0, HELLO);
    assert_eq!(script.unreadable(), [Inconclusive::Encrypted]);
}
