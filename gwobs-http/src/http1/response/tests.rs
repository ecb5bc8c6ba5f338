use super::*;

type Line = (&'static [u8], Option<(Version, u16)>);

#[test]
fn status_lines() {
    let table: [Line; 11] = [
        (b"HTTP/1.1 200 OK", Some((Version::Http11, 200))),
        (b"HTTP/1.0 404 Not Found", Some((Version::Http10, 404))),
        (b"HTTP/1.1 204 ", Some((Version::Http11, 204))),
        (b"HTTP/1.1 204", Some((Version::Http11, 204))),
        (b"HTTP/1.1 999 caf\xe9", Some((Version::Http11, 999))),
        (b"HTTP/1.1 099 x", None),
        (b"HTTP/1.1 20 OK", None),
        (b"HTTP/1.1 2000", None),
        (b"HTTP/1.1  200 OK", None),
        (b"HTTP/2 200", None),
        (b"ICY 200 OK", None),
    ];
    for (line, expected) in table {
        assert_eq!(split_line(line), expected, "{line:?}");
    }
}

#[test]
fn beginnings() {
    assert!([&b""[..], b"H", b"HTTP/1.", b"HTTP/1.1 2"].into_iter().all(may_begin));
    assert!(![&b"h"[..], b"HTTP/2", b"HTTPS"].into_iter().any(may_begin));
}
