use bytes::Bytes;

use super::{FAILURES, Finding, Trials, looks_like_http};
use crate::event::{Data, Direction, EventKind, KernelEvent, Plaintext, SocketCookie, Timestamp};

fn plaintext(position: u32, bytes: &'static [u8]) -> KernelEvent {
    KernelEvent {
        time: Timestamp(1),
        pid: 7,
        tid: 7,
        kind: EventKind::Plaintext(Plaintext {
            data: Data {
                socket: SocketCookie(1),
                direction: Direction::Receive,
                position,
                length: u32::try_from(bytes.len()).unwrap(),
                bytes: Bytes::from_static(bytes),
                left_out: None,
            },
            from_start: true,
        }),
    }
}

#[test]
fn what_begins_like_http() {
    let like: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\n",
        b"M-SEARCH * HTTP/1.1\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\x12\x04\0\0\0\0\0\0\x03",
        b"\0\0\0\x04\x01\0\0\0\0",
    ];
    for bytes in like {
        assert!(looks_like_http(bytes), "{bytes:?}");
    }
    let unlike: [&[u8]; 6] = [
        b"",
        b"GET",
        b" / ",
        b"\x16\x03\x01\x02\0\x01",
        b"get / HTTP/1.1",
        b"\0\0\x05\x04\0\0\0\0\0",
    ];
    for bytes in unlike {
        assert!(!looks_like_http(bytes), "{bytes:?}");
    }
}

#[test]
fn a_candidate_is_trusted_once_its_bytes_look_right() {
    let mut trials = Trials::default();
    trials.begin(7);
    assert_eq!(trials.judge(&plaintext(0, b"\x01\x02\x03")), Finding::Doubt);
    assert_eq!(trials.judge(&plaintext(0, b"GET / HTTP/1.1\r\n")), Finding::Believe);
    assert_eq!(trials.judge(&plaintext(0, b"\x01\x02\x03")), Finding::Believe);
}

#[test]
fn a_candidate_that_yields_something_else_is_given_up() {
    let mut trials = Trials::default();
    trials.begin(7);
    for _ in 1..FAILURES {
        assert_eq!(trials.judge(&plaintext(0, b"\x01\x02\x03")), Finding::Doubt);
        assert_eq!(trials.judge(&plaintext(3, b"\x01\x02\x03")), Finding::Doubt);
    }
    assert_eq!(trials.judge(&plaintext(0, b"\x01\x02\x03")), Finding::GiveUp);
}

#[test]
fn what_the_image_names_is_believed() {
    assert_eq!(
        Trials::default().judge(&plaintext(0, b"\x01\x02\x03")),
        Finding::Believe
    );
}
