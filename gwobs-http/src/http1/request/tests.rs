use super::*;

fn parse_bytes(head: &[u8]) -> Result<RequestHead, Fault> {
    let mut buffer = HeadBuffer::default();
    buffer.push(&mut Bytes::copy_from_slice(head));
    parse(buffer).map(|(head, _)| head)
}

/// Method, authority, path.
type Target = (&'static str, Option<&'static str>, Option<&'static str>);

#[test]
fn targets() {
    let table: &[(&str, Target)] = &[
        (
            "GET /a?b=c HTTP/1.1\r\nHost: x:80\r\n\r\n",
            ("GET", Some("x:80"), Some("/a?b=c")),
        ),
        (
            "GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n",
            ("GET", Some("y"), Some("/a")),
        ),
        (
            "GET HTTPS://u:p@y:8443?q HTTP/1.1\r\nHost: x\r\n\r\n",
            ("GET", Some("y:8443"), Some("/?q")),
        ),
        (
            "GET http://y HTTP/1.1\r\nHost: x\r\n\r\n",
            ("GET", Some("y"), Some("/")),
        ),
        (
            "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
            ("OPTIONS", Some("x"), Some("*")),
        ),
        (
            "OPTIONS http://y:8001 HTTP/1.1\r\nHost: x\r\n\r\n",
            ("OPTIONS", Some("y:8001"), Some("*")),
        ),
        (
            "OPTIONS http://y/ HTTP/1.1\r\nHost: x\r\n\r\n",
            ("OPTIONS", Some("y"), Some("/")),
        ),
        (
            "CONNECT y:443 HTTP/1.1\r\nHost: x\r\n\r\n",
            ("CONNECT", Some("y:443"), None),
        ),
        ("GET //a/../b#c HTTP/1.0\r\n\r\n", ("GET", None, Some("//a/../b#c"))),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", ("GET", None, Some("/"))),
        ("get / HTTP/1.1\r\nHOST: x\r\n\r\n", ("get", Some("x"), Some("/"))),
        (
            "GET / HTTP/1.7\r\nHost: x\r\nhost: x\r\n\r\n",
            ("GET", Some("x"), Some("/")),
        ),
    ];
    for (bytes, (method, authority, path)) in table {
        let head = parse_bytes(bytes.as_bytes()).unwrap();
        assert_eq!(head.method, method.as_bytes(), "{bytes}");
        assert_eq!(head.authority.as_deref(), authority.map(str::as_bytes), "{bytes}");
        assert_eq!(head.path.as_deref(), path.map(str::as_bytes), "{bytes}");
        assert!(head.headers.is_empty());
    }
}

#[test]
fn refused() {
    let table = [
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / HTTP/1\r\n\r\n",
        "GET / HTTP/1.10\r\n\r\n",
        "GET a HTTP/1.1\r\n\r\n",
        "GET ://x/ HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        " / HTTP/1.1\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    ];
    for bytes in table {
        assert_eq!(parse_bytes(bytes.as_bytes()), Err(Fault::Syntax), "{bytes}");
    }
}

#[test]
fn methods_are_bounded_wherever_calls_end() {
    let line = |length: usize| [&vec![b'A'; length], &b" / HTTP/1.1"[..]].concat();
    assert!(split_line(&line(MAX_METHOD)).is_some());
    assert_eq!(split_line(&line(MAX_METHOD + 1)), None);
    assert!(may_begin(&line(MAX_METHOD)[..=MAX_METHOD]));
    assert!(!may_begin(&line(MAX_METHOD + 1)[..=MAX_METHOD]));
}

#[test]
fn bytes_above_ascii_are_kept() {
    let head = parse_bytes(b"GET /\xff\xc3 HTTP/1.1\r\nX: \xfe\r\n\r\n").unwrap();
    assert_eq!(head.path.as_deref(), Some(&b"/\xff\xc3"[..]));
    assert_eq!(head.headers[0].value, b"\xfe"[..]);
}

#[test]
fn fields_keep_order_and_repeats() {
    let head = parse_bytes(b"GET / HTTP/1.1\r\nB: 1\r\nHost: x\r\nA: 2\r\nb:  3 \r\nC:\r\n\r\n").unwrap();
    let fields: Vec<_> = head
        .headers
        .iter()
        .map(|field| (&field.name[..], &field.value[..]))
        .collect();
    assert_eq!(
        fields,
        [(&b"b"[..], &b"1"[..]), (b"a", b"2"), (b"b", b"3"), (b"c", b"")]
    );
}

#[test]
fn methods_of_unfinished_heads() {
    assert_eq!(method_of(b"HEAD /a HT").as_deref(), Some(&b"HEAD"[..]));
    assert_eq!(method_of(b"HEA"), None);
    assert_eq!(method_of(&[b'A'; 100]), None);
}
