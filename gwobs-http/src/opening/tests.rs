use proptest::prelude::*;

use super::*;

/// The protocol and what it begins with.
fn open(bytes: &[u8], by: usize) -> Option<(Protocol, Vec<u8>)> {
    let mut opening = Opening::default();
    for (index, call) in bytes.chunks(by).enumerate() {
        let mut chunk = Chunk::Bytes(Bytes::copy_from_slice(call));
        if let OpeningStep::Protocol(protocol, consumed) = opening.next(&mut chunk) {
            let read = bytes.len().min((index + 1) * by) - usize::try_from(chunk.len()).unwrap();
            return Some((protocol, [&consumed, &bytes[read..]].concat()));
        }
    }
    None
}

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x01\xbb";

#[test]
fn protocols() {
    let table: [(&[u8], Option<Protocol>); 18] = [
        (b"GET / HTTP/1.1\r\n", Some(Protocol::Http1)),
        (b"POST /", Some(Protocol::Http1)),
        (b"PROPFIND /", Some(Protocol::Http1)),
        (b"\r\nGET /", Some(Protocol::Http1)),
        (b"\r\n\r\nGET /", Some(Protocol::Http1)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Protocol::Http2)),
        (b"PRI * HTTP/1.1\r\n", Some(Protocol::Http1)),
        (b"\x16\x03\x01\x02\x00\x01", Some(Protocol::Tls)),
        (b"\x16\x03", None),
        (b"\x16\x02", Some(Protocol::Unknown)),
        (b"\x16\x09\x09", Some(Protocol::Unknown)),
        (b"\0abc", Some(Protocol::Unknown)),
        (b"\xff", Some(Protocol::Unknown)),
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET /", Some(Protocol::Http1)),
        (b"PROXY UNKNOWN\r\n\x16\x03\x03", Some(Protocol::Tls)),
        (b"PROXY UNKNOWN\r\nPRI * HTTP/2.0\r\n", Some(Protocol::Http2)),
        (b"PROXY", None),
        (V2, None),
    ];
    for (bytes, expected) in table {
        assert_eq!(open(bytes, bytes.len()).map(|told| told.0), expected, "{bytes:?}");
    }
}

#[test]
fn version_2_header_is_skipped_with_its_additions() {
    let long = [&V2[..14], &[1, 0], &[0; 256], b"GET /"].concat();
    assert_eq!(open(&long, 7), Some((Protocol::Http1, b"GET /".to_vec())));
}

#[test]
fn version_1_header_is_bounded() {
    let long = [b"PROXY ".as_slice(), &[b'x'; 200]].concat();
    assert_eq!(open(&long, long.len()).map(|told| told.0), Some(Protocol::Unknown));
}

#[test]
fn a_gap_is_unknown_unless_a_header_was_being_skipped() {
    let mut opening = Opening::default();
    assert_eq!(
        opening.next(&mut Chunk::Bytes(Bytes::from_static(&V2[..16]))),
        OpeningStep::NeedMore
    );
    assert_eq!(opening.next(&mut Chunk::Gap(12)), OpeningStep::NeedMore);
    assert_eq!(
        opening.next(&mut Chunk::Gap(1)),
        OpeningStep::Protocol(Protocol::Unknown, Bytes::new())
    );
}

#[test]
fn records_are_told_in_mid_stream() {
    assert!(looks_encrypted(b"\x17\x03\x03\x40\x00x"));
    assert!(!looks_encrypted(b"\x17\x03\x03\xff\x00x"));
    assert!(!looks_encrypted(b"\x18\x03\x03\x00\x01x"));
    assert!(!looks_encrypted(b"\x17\x03\x03"));
}

proptest! {
    #[test]
    fn nothing_is_lost_however_bytes_are_cut(
        start in prop_oneof![
            Just(b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec()), Just(V2.to_vec()), Just(Vec::new())
        ],
        rest in prop_oneof![
            Just(b"POST / HTTP/1.1\r\n".to_vec()), Just(b"PRI * HTTP/2.0\r\n\r\n".to_vec()),
            Just(b"\x16\x03\x01\x02\0".to_vec()), Just(b"P\r\n".to_vec())
        ],
        by in 1..40_usize,
    ) {
        let bytes = [start, rest.clone()].concat();
        let whole = open(&bytes, bytes.len());
        prop_assert_eq!(&whole.as_ref().unwrap().1, &rest);
        prop_assert_eq!(open(&bytes, by), whole);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300), by in 1..50_usize) {
        prop_assert_eq!(open(&bytes, by), open(&bytes, bytes.len().max(1)));
    }
}
