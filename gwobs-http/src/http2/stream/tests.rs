use super::super::{request_head, response_head};
use super::*;
use wire::{Wire, items, line, sections};

mod properties;
mod wire;

fn bytes(bytes: &[u8]) -> Chunk {
    Chunk::Bytes(Bytes::copy_from_slice(bytes))
}

fn section(stream: u32, pairs: &[(&str, &str)], end_stream: bool) -> Item {
    let lines = pairs.iter().map(|(name, value)| line(name, value)).collect();
    Item::Section {
        stream,
        lines,
        end_stream,
    }
}

fn started(stream: u32) -> Item {
    Item::Started { stream, split: false }
}

fn data(stream: u32, data: &'static [u8]) -> Item {
    Item::Data {
        stream,
        length: data.len() as u64,
        bytes: Bytes::from_static(data),
    }
}

const GET: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "a.test"),
];

#[test]
fn a_request() {
    let wire = Wire::client().headers(1, GET, true);
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    let settings = Item::Settings(Settings::default());
    assert_eq!(read, [settings, started(1), section(1, GET, true)]);
    let Item::Section { lines, .. } = &read[2] else {
        panic!()
    };
    assert_eq!(request_head(lines).unwrap().method, "GET");
}

#[test]
fn interleaved_streams_with_data_and_trailers() {
    let wire = Wire::server()
        .headers(3, &[(":status", "200")], false)
        .headers(1, &[(":status", "404")], false)
        .data(3, b"three", false)
        .data(1, b"one", true)
        .headers(3, &[("grpc-status", "0")], true);
    let read = items(&mut Stream::responses(), &[bytes(&wire.bytes)]);
    let expected = [
        Item::Settings(Settings::default()),
        started(3),
        section(3, &[(":status", "200")], false),
        started(1),
        section(1, &[(":status", "404")], false),
        data(3, b"three"),
        data(1, b"one"),
        Item::End { stream: 1 },
        started(3),
        section(3, &[("grpc-status", "0")], true),
    ];
    assert_eq!(read, expected);
    let Item::Section { lines, .. } = &read[4] else {
        panic!()
    };
    assert_eq!(response_head(lines).unwrap().status, 404);
}

#[test]
fn padding_and_priority_are_taken_off() {
    let block = Wire::client().encode(GET);
    let headers = [&[3][..], &[0, 0, 0, 0, 7], &block, &[0; 3]].concat();
    let wire = Wire::client()
        .frame(1, 0x4 | 0x8 | 0x20, 1, &headers)
        .frame(0, 0x8, 1, b"\x02data\0\0")
        .frame(0, 0x8 | 0x1, 1, b"\x02\0\0");
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    let expected = [
        started(1),
        section(1, GET, false),
        data(1, b"data"),
        Item::End { stream: 1 },
    ];
    assert_eq!(read[1..], expected);
}

#[test]
fn padding_longer_than_its_frame() {
    for wire in [
        Wire::client().frame(0, 0x8, 1, b"\x06data\0"),
        Wire::client().frame(1, 0x4 | 0x8, 1, b"\x05\x82\0\0\0"),
        Wire::client().frame(1, 0x4 | 0x8, 1, b""),
        Wire::client().frame(0, 0x8, 1, b""),
        Wire::client().frame(1, 0x4 | 0x20, 1, b"\0\0\0"),
    ] {
        assert_eq!(
            wire::first_fault(&mut Stream::requests(), &wire.bytes),
            Some(Fault::Syntax)
        );
    }
}

#[test]
fn a_section_over_several_frames() {
    let block = Wire::client().encode(GET);
    let (one, rest) = block.split_at(3);
    let (two, three) = rest.split_at(2);
    let wire = Wire::client()
        .frame(1, 0x1, 1, one)
        .frame(9, 0, 1, two)
        .frame(9, 0, 1, b"")
        .frame(9, 0x4, 1, three);
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    assert_eq!(read[1..], [started(1), section(1, GET, true)]);
}

#[test]
fn nothing_comes_between_the_frames_of_a_section() {
    for wire in [
        Wire::client().frame(1, 0, 1, b"\x82").data(1, b"x", false),
        Wire::client().frame(1, 0, 1, b"\x82").frame(9, 0x4, 3, b"\x82"),
        Wire::client().frame(1, 0, 1, b"\x82").frame(6, 0, 0, b"12345678"),
        Wire::client().frame(9, 0x4, 1, b"\x82"),
    ] {
        assert_eq!(
            wire::first_fault(&mut Stream::requests(), &wire.bytes),
            Some(Fault::Syntax)
        );
    }
}

#[test]
fn other_frames() {
    let wire = Wire::client()
        .frame(4, 0, 0, &[0, 5, 0, 1, 0, 0, 0, 8, 0, 0, 0, 1, 0x77, 0, 0, 0, 0, 0])
        .frame(4, 1, 0, b"")
        .frame(2, 0, 5, &[0; 5])
        .frame(6, 1, 0, &[0; 8])
        .frame(8, 0, 0, &[0, 0, 1, 0])
        .frame(0xbe, 0xff, 9, b"an extension")
        .frame(3, 0, 5, &[0, 0, 0, 8])
        .frame(7, 0, 0, &[0, 0, 0, 9, 0, 0, 0, 0, b'd', b'e', b'b', b'u', b'g']);
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    let settings = Settings {
        max_frame_size: Some(1 << 16),
        connect_protocol: Some(true),
    };
    let expected = [
        Item::Settings(settings),
        Item::Reset { stream: 5 },
        Item::GoAway { last_stream: 9 },
    ];
    assert_eq!(read[1..], expected);
}

#[test]
fn a_push_keeps_the_table_in_step() {
    let mut wire = Wire::server();
    let block = wire.encode(&[(":path", "/pushed"), ("x", "y")]);
    let wire = wire.frame(5, 0x4, 1, &[&[0, 0, 0, 2][..], &block].concat()).headers(
        1,
        &[(":status", "200"), ("x", "y")],
        true,
    );
    let read = items(&mut Stream::responses(), &[bytes(&wire.bytes)]);
    let response = section(1, &[(":status", "200"), ("x", "y")], true);
    assert_eq!(read[1..], [Item::Promise { promised: 2 }, started(1), response]);
}

#[test]
fn what_is_not_http2() {
    for wire in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"] {
        assert_eq!(wire::first_fault(&mut Stream::requests(), wire), Some(Fault::Syntax));
    }
    let without_settings = [PREFACE, b"\0\0\x08\x06\0\0\0\0\0opaque!!"].concat();
    assert_eq!(
        wire::first_fault(&mut Stream::requests(), &without_settings),
        Some(Fault::Syntax)
    );
    assert_eq!(
        wire::first_fault(&mut Stream::responses(), b"HTTP/1.1 200 OK\r\n"),
        Some(Fault::Syntax)
    );
}

#[test]
fn data_need_not_be_there() {
    let start = Wire::server().headers(1, &[(":status", "200")], false);
    let frame = Wire::server().data(1, &[b'x'; 100], true);
    let (head, _) = frame.bytes[9..].split_at(9);
    let next = start.clone().frame(0, 0, 0, b"").bytes.len();
    let mut stream = Stream::responses();
    items(&mut stream, &[bytes(&start.bytes), bytes(head)]);
    assert_eq!(stream.skippable(), 100);
    assert!(next > 0 && !stream.is_between_frames());
    let read = items(
        &mut stream,
        &[Chunk::Gap(60), bytes(&[b'x'; 40]), bytes(&Wire::server().bytes)],
    );
    let gap = Item::Data {
        stream: 1,
        length: 60,
        bytes: Bytes::new(),
    };
    let rest = Item::Data {
        stream: 1,
        length: 40,
        bytes: vec![b'x'; 40].into(),
    };
    assert_eq!(
        read,
        [gap, rest, Item::End { stream: 1 }, Item::Settings(Settings::default())]
    );
}

#[test]
fn a_gap_in_a_section_costs_that_section_and_what_refers_to_it() {
    let wire = Wire::client();
    let (start, rest) = wire.headers_apart(1, &[GET, &[("x", "y")]].concat());
    let later = rest
        .clone()
        .headers(3, &[GET, &[("x", "y"), ("new", "z")]].concat(), true);
    let last = later.headers(5, &[("new", "z")], true);
    let gap = rest.bytes.len() - start.len();
    let calls = [
        bytes(&start),
        Chunk::Gap(gap as u64),
        bytes(&last.bytes[rest.bytes.len()..]),
    ];
    let read = items(&mut Stream::requests(), &calls);
    let lost = Item::Unreadable {
        stream: 1,
        fault: Fault::Gap,
        end_stream: false,
    };
    assert_eq!(read[1..3], [started(1), lost]);
    let Item::Section { lines, .. } = &read[4] else {
        panic!("{read:?}")
    };
    let unknown = lines.iter().filter(|line| line.name.is_none()).count();
    assert_eq!((lines.len(), unknown), (6, 1), "{lines:?}");
    assert_eq!(read[6], section(5, &[("new", "z")], true));
}

#[test]
fn a_gap_between_frames_is_over_when_a_call_begins_with_frames() {
    let first = Wire::client().headers(1, GET, true);
    let second = first.clone().headers(3, GET, true);
    let third = second.clone().headers(5, &[(":method", "GET"), ("a", "b")], true);
    let mut stream = Stream::requests();
    items(&mut stream, &[bytes(&first.bytes)]);
    let cut = second.bytes.len() - first.bytes.len();
    assert_eq!(
        wire::steps(&mut stream, &[Chunk::Gap(cut as u64)])[0],
        Step::Invalid(Invalid {
            fault: Fault::Gap,
            stream: None
        })
    );
    assert!(!stream.is_synchronised());
    let read = items(
        &mut stream,
        &[bytes(b"not a frame"), bytes(&third.bytes[second.bytes.len()..])],
    );
    assert_eq!(read[0], Item::Skipped(11));
    assert_eq!(sections(&read), [(5, vec![line(":method", "GET"), line("a", "b")])]);
}

#[test]
fn a_joined_direction_begins_with_any_frames() {
    let wire = Wire::client();
    let before = wire.bytes.len();
    let wire = wire.headers(7, GET, true);
    let read = items(&mut Stream::joined(), &[bytes(&wire.bytes[before..])]);
    assert_eq!(read, [started(7), section(7, GET, true)]);
}

#[test]
fn a_section_that_is_too_long() {
    let long = vec![0; 15_000];
    let mut wire = Wire::client().frame(1, 0, 1, &long);
    for _ in 0..5 {
        wire = wire.frame(9, 0, 1, &long);
    }
    let wire = wire.frame(9, 0x4, 1, b"").headers(3, &[("a", "b")], true);
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    let lost = Item::Unreadable {
        stream: 1,
        fault: Fault::TooLong,
        end_stream: false,
    };
    assert_eq!(read[2], lost);
    assert_eq!(sections(&read), [(3, vec![line("a", "b")])]);
}

#[test]
fn too_many_lines() {
    let wire = Wire::client().frame(1, 0x4, 1, &[0x82; MAX_FIELDS + 1]);
    let read = items(&mut Stream::requests(), &[bytes(&wire.bytes)]);
    assert_eq!(
        read[2],
        Item::Unreadable {
            stream: 1,
            fault: Fault::TooLong,
            end_stream: false
        }
    );
}

#[test]
fn a_section_tells_when_its_first_byte_came_before() {
    let wire = Wire::client();
    let before = wire.bytes.len();
    let wire = wire.headers(1, GET, true).headers(3, GET, true);
    for cut in [before, before + 1, before + 8] {
        let read = items(
            &mut Stream::requests(),
            &[bytes(&wire.bytes[..cut]), bytes(&wire.bytes[cut..])],
        );
        assert_eq!(
            read[1],
            Item::Started {
                stream: 1,
                split: cut > before
            }
        );
        assert_eq!(read[3], started(3));
    }
}
