//! Whole streams: tables for the cases of RFC 9112, properties for splitting and gaps.

mod properties;
mod wire;

use super::*;
use crate::Version;
use wire::{requests, responses};

/// A step in few words; steps of one message on one line.
fn describe<H: std::fmt::Debug>(steps: &[Step<H>], name: impl Fn(&H) -> String) -> String {
    let mut text = String::new();
    for step in steps {
        text += &match step {
            Step::NeedMore => continue,
            Step::Item(Item::Started) => "[".to_owned(),
            Step::Item(Item::Interim(head)) => format!("{} interim]", name(head)),
            Step::Item(Item::Head(head)) => name(head),
            Step::Item(Item::Body { length, .. }) => format!("+{length}"),
            Step::Item(Item::End) => "]".to_owned(),
            Step::Item(Item::Tunnel) => " tunnel]".to_owned(),
            Step::Item(Item::Skipped(length)) => format!("({length})"),
            Step::Invalid(Invalid { fault, method: None }) => format!("!{fault:?}"),
            Step::Invalid(Invalid {
                fault,
                method: Some(method),
            }) => {
                format!("!{fault:?} {}", String::from_utf8_lossy(method))
            }
        };
    }
    text
}

fn request_steps(calls: &[Chunk]) -> String {
    describe(&requests(&mut RequestStream::new(0), calls), |head| {
        let path = head.path.as_deref().unwrap_or(b"-");
        format!(
            "{} {}",
            String::from_utf8_lossy(&head.method),
            String::from_utf8_lossy(path)
        )
    })
}

fn response_steps(methods: &[&str], calls: &[Chunk]) -> String {
    describe(&responses(&mut ResponseStream::new(0), methods, calls), |head| {
        head.status.to_string()
    })
}

fn bytes(text: &str) -> Chunk {
    Chunk::Bytes(Bytes::copy_from_slice(text.as_bytes()))
}

const GET: &str = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";

#[test]
fn request_streams() {
    let table: &[(&[Chunk], &str)] = &[
        (&[bytes(GET)], "[GET /a]"),
        (&[bytes("\r\n\n\r\nGET / HTTP/1.0\n\n\r\n")], "[GET /]"),
        (
            &[bytes(
                "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n",
            )],
            "[POST /+3][GET /]",
        ),
        (
            &[
                bytes("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"),
                Chunk::Gap(3),
                bytes(GET),
            ],
            "[POST /+3][GET /a]",
        ),
        (
            &[
                bytes("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n"),
                Chunk::Gap(4),
                bytes(GET),
            ],
            "[POST /+3]!Gap(1)[GET /a]",
        ),
        (
            &[
                bytes("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nab"),
                bytes(GET),
            ],
            "[POST /!Framing(2)[GET /a]",
        ),
        (
            &[bytes("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx")],
            "[POST /!Chunking",
        ),
        (
            &[bytes("HEAD /a"), Chunk::Gap(9), bytes("x\r\n\r\n"), bytes(GET)],
            "[!Gap HEAD(9)(5)[GET /a]",
        ),
        (&[Chunk::Gap(9), bytes(GET)], "!Gap(9)[GET /a]"),
        (
            &[bytes("BREW /a COFFEE\r\n"), bytes("Host: x\r\n\r\n"), bytes(GET)],
            "[!Syntax BREW(11)[GET /a]",
        ),
        (&[bytes("\x01\x02\x03"), bytes(GET)], "[!Syntax[GET /a]"),
        (&[bytes(&"A".repeat(40))], "[!Syntax"),
    ];
    for (calls, expected) in table {
        assert_eq!(request_steps(calls), *expected, "{calls:?}");
    }
}

#[test]
fn response_streams() {
    let table: &[(&[&str], &[Chunk], &str)] = &[
        (&["GET"], &[bytes(OK)], "[200+2]"),
        (
            &["HEAD", "GET"],
            &[bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"), bytes(OK)],
            "[200][200+2]",
        ),
        (
            &["GET", "GET"],
            &[bytes("HTTP/1.1 304 N\r\nContent-Length: 2\r\n\r\n"), bytes(OK)],
            "[304][200+2]",
        ),
        (
            &["PUT"],
            &[bytes("HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\n\r\n"), bytes(OK)],
            "[100 interim][103 interim][200+2]",
        ),
        (
            &["GET"],
            &[bytes("HTTP/1.1 101 S\r\n\r\n\x01"), bytes(OK)],
            "[101 tunnel](1)(40)",
        ),
        (
            &["CONNECT"],
            &[bytes("HTTP/1.1 200 S\r\nContent-Length: 1\r\n\r\n\x01")],
            "[200 tunnel](1)",
        ),
        (
            &["GET"],
            &[bytes("HTTP/1.0 200 OK\r\n\r\nab"), Chunk::Gap(7)],
            "[200+2+7",
        ),
        (
            &["GET"],
            &[bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab")],
            "[200+2",
        ),
        (
            &[],
            &[bytes("HTTP/1.1 408 T\r\nContent-Length: 0\r\n\r\n"), bytes(OK)],
            "[408!UnknownRequest[200!UnknownRequest(2)",
        ),
        (&["GET"], &[bytes("SSH-2.0\r\n")], "[!Syntax"),
        (
            &["GET"],
            &[Chunk::Gap(1), bytes("TTP/1.1 200 OK\r\n\r\n"), bytes(OK)],
            "!Gap(1)(18)[200+2]",
        ),
    ];
    for (methods, calls, expected) in table {
        assert_eq!(response_steps(methods, calls), *expected, "{calls:?}");
    }
}

/// Each of these begins a call on a stream that is desynchronised; only whole, strict heads are believed.
#[test]
fn garbage_is_not_taken_for_a_head() {
    let table: &[(&[Chunk], &str)] = &[
        (&[bytes("x"), bytes(GET)], "[GET /a]"),
        (&[bytes(&format!("x{GET}"))], ""),
        (&[bytes(&GET[..9]), bytes(&GET[9..])], "[GET /a]"),
        (&[bytes(&GET[..9]), Chunk::Gap(1), bytes(&GET[10..])], ""),
        (&[bytes(&GET[..9]), bytes(GET)], "[GET /a]"),
        (&[bytes("GET"), bytes("{}"), bytes(GET)], "[GET /a]"),
        (&[bytes("GET / HTTP/1.1\r\n\r\n")], ""),
        (&[bytes("GET / HTTP/1.0\r\n\r\n")], "[GET /]"),
        (&[bytes("GET / HTTP/1.1\nHost: x\n\n")], ""),
        (&[bytes("FOO / HTTP/1.1\r\nHost: x\r\n\r\n")], ""),
        (&[bytes("GET / HTTP/1.1\r\nHost: x\r\n{\"a\": 1}\r\n\r\n")], ""),
    ];
    for (calls, expected) in table {
        let mut stream = RequestStream::new(0);
        stream.desynchronise();
        let steps: Vec<_> = requests(&mut stream, calls)
            .into_iter()
            .filter(|step| !matches!(step, Step::Item(Item::Skipped(_))))
            .collect();
        let text = describe(&steps, |head| {
            format!(
                "{} {}",
                String::from_utf8_lossy(&head.method),
                String::from_utf8_lossy(head.path.as_deref().unwrap_or_default())
            )
        });
        assert_eq!(text, *expected, "{calls:?}");
    }
}

#[test]
fn prefix_of_the_body_is_handed_out_across_chunks_up_to_a_gap() {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let prefix = |calls: &[Chunk]| {
        let steps = responses(&mut ResponseStream::new(5), &["GET"], calls);
        let prefixes = steps.into_iter().filter_map(|step| match step {
            Step::Item(Item::Body { prefix, .. }) => Some(prefix),
            _ => None,
        });
        prefixes.flatten().collect::<Vec<u8>>()
    };
    assert_eq!(
        prefix(&[bytes(head), bytes("2\r\nab\r\n2\r\ncd\r\n9\r\nefghijklm\r\n0\r\n\r\n")]),
        b"abcde"
    );
    assert_eq!(
        prefix(&[
            bytes(head),
            bytes("9\r\nab"),
            Chunk::Gap(2),
            bytes("efghi\r\n0\r\n\r\n")
        ]),
        b"ab"
    );
}

#[test]
fn skippable_is_what_is_left_of_data() {
    let skippable = |prefix: usize, text: &str| {
        let mut stream = ResponseStream::new(prefix);
        responses(&mut stream, &["GET"], &[bytes(text)]);
        stream.skippable()
    };
    assert_eq!(skippable(0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), 7);
    assert_eq!(skippable(2, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), 7);
    assert_eq!(skippable(3, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), 0);
    assert_eq!(
        skippable(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab"),
        7
    );
    assert_eq!(
        skippable(0, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9"),
        0
    );
    assert_eq!(skippable(0, "HTTP/1.1 200 OK\r\n\r\n"), u64::MAX);
    assert_eq!(skippable(0, "HTTP/1.1 101 OK\r\n\r\n"), u64::MAX);
    assert_eq!(skippable(0, "HTTP/1.1 200 OK\r\nContent-Le"), 0);
}

#[test]
fn endings() {
    let ending = |text: &str| {
        let mut stream = ResponseStream::new(0);
        responses(&mut stream, &["GET"], &[bytes(text)]);
        stream.ending()
    };
    assert_eq!(ending(""), Ending::Clean);
    assert_eq!(ending(OK), Ending::Clean);
    assert_eq!(ending(&OK[..OK.len() - 1]), Ending::Truncated);
    assert_eq!(ending("HTTP/1.1 2"), Ending::Truncated);
    assert_eq!(ending("HTTP/1.1 200 OK\r\n\r\na"), Ending::Complete);
    assert_eq!(ending("HTTP/1.1 101 OK\r\n\r\na"), Ending::Clean);
}

#[test]
fn versions() {
    let steps = requests(&mut RequestStream::new(0), &[bytes("GET / HTTP/1.0\r\n\r\n")]);
    assert!(
        steps
            .iter()
            .any(|step| matches!(step, Step::Item(Item::Head(head)) if head.version == Version::Http10))
    );
}
