//! RFC 9112 section 6.3, line by line.

use bytes::Bytes;

use super::*;

fn fields(lines: &[(&'static str, &'static str)]) -> Vec<Field> {
    let field = |&(name, value): &(&'static str, &'static str)| Field {
        name: Bytes::from(name),
        value: Bytes::from(value),
    };
    lines.iter().map(field).collect()
}

type Lines = &'static [(&'static str, &'static str)];

const CL: &str = "content-length";
const TE: &str = "transfer-encoding";

#[test]
fn requests() {
    let table: &[(Lines, Framing)] = &[
        (&[], Framing::None),
        (&[(CL, "0")], Framing::None),
        (&[(CL, "5")], Framing::Length(5)),
        (&[(CL, "5"), (CL, "5")], Framing::Length(5)),
        (&[(CL, "5, 5")], Framing::Length(5)),
        (&[(CL, "5"), (CL, "6")], Framing::Faulty),
        (&[(CL, "5, 6")], Framing::Faulty),
        (&[(CL, "5,")], Framing::Faulty),
        (&[(CL, "")], Framing::Faulty),
        (&[(CL, "+5")], Framing::Faulty),
        (&[(CL, "0x5")], Framing::Faulty),
        (&[(CL, "18446744073709551615")], Framing::Length(u64::MAX)),
        (&[(CL, "18446744073709551616")], Framing::Faulty),
        (&[(TE, "chunked")], Framing::Chunked),
        (&[(TE, "Chunked")], Framing::Chunked),
        (&[(TE, "gzip, chunked")], Framing::Chunked),
        (&[(TE, "gzip"), (TE, "chunked")], Framing::Chunked),
        (&[(TE, "chunked"), (CL, "5")], Framing::Chunked),
        (&[(TE, "chunked, gzip")], Framing::Faulty),
        (&[(TE, "chunked"), (TE, "chunked")], Framing::Faulty),
        (&[(TE, "gzip")], Framing::Faulty),
        (&[(TE, "xchunked")], Framing::Faulty),
        (&[(TE, "")], Framing::Faulty),
    ];
    for (lines, expected) in table {
        assert_eq!(of_request(Version::Http11, &fields(lines)), *expected, "{lines:?}");
    }
    assert_eq!(
        of_request(Version::Http10, &fields(&[(TE, "chunked")])),
        Framing::Faulty
    );
}

#[test]
fn responses() {
    let (length, chunked): (Lines, Lines) = (&[(CL, "5")], &[(TE, "chunked")]);
    let table: [(u16, &str, Lines, Framing); 15] = [
        (200, "GET", &[], Framing::UntilClose),
        (200, "GET", length, Framing::Length(5)),
        (200, "GET", chunked, Framing::Chunked),
        (200, "GET", &[(TE, "gzip")], Framing::UntilClose),
        (200, "GET", &[(TE, "chunked, gzip")], Framing::Faulty),
        (200, "GET", &[(CL, "5"), (CL, "6")], Framing::Faulty),
        (200, "HEAD", length, Framing::None),
        (200, "HEAD", chunked, Framing::None),
        (204, "GET", length, Framing::None),
        (304, "GET", length, Framing::None),
        (100, "GET", length, Framing::None),
        (101, "GET", length, Framing::Tunnel),
        (200, "CONNECT", length, Framing::Tunnel),
        (299, "CONNECT", chunked, Framing::Tunnel),
        (407, "CONNECT", length, Framing::Length(5)),
    ];
    for (status, method, lines, expected) in table {
        let framing = of_response(Version::Http11, status, &fields(lines), Some(method.as_bytes()));
        assert_eq!(framing, expected, "{status} {method} {lines:?}");
    }
}

#[test]
fn responses_to_unknown_requests() {
    for (status, expected) in [
        (200, Framing::UnknownRequest),
        (204, Framing::None),
        (304, Framing::None),
        (101, Framing::Tunnel),
    ] {
        assert_eq!(
            of_response(Version::Http11, status, &fields(&[(CL, "5")]), None),
            expected
        );
    }
}
