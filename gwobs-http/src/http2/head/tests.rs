use super::*;

fn line(name: &str, value: &str) -> Line {
    Line {
        name: Some(name.to_owned().into()),
        value: Some(value.to_owned().into()),
    }
}

const UNKNOWN: Line = Line {
    name: None,
    value: None,
};

fn get(more: &[Line]) -> Vec<Line> {
    let start = [
        line(":method", "GET"),
        line(":scheme", "http"),
        line(":authority", "a.test"),
        line(":path", "/x?y"),
    ];
    [&start, more].concat()
}

fn without(name: &str) -> Vec<Line> {
    let lines = get(&[line("a", "b")]);
    lines
        .into_iter()
        .filter(|line| line.name != Some(name.to_owned().into()))
        .collect()
}

fn fields(head: &RequestHead) -> Vec<(&[u8], &[u8])> {
    head.headers.iter().map(|field| (&*field.name, &*field.value)).collect()
}

#[test]
fn a_request() {
    let head = request_head(&get(&[line("accept", " */* "), line("x", "")])).unwrap();
    assert_eq!(head.version, Version::H2);
    assert_eq!(head.method, "GET");
    assert_eq!(head.authority.as_deref(), Some(&b"a.test"[..]));
    assert_eq!(head.path.as_deref(), Some(&b"/x?y"[..]));
    assert_eq!(fields(&head), [(&b"accept"[..], &b"*/*"[..]), (b"x", b"")]);
    assert!(head.unknown.is_nothing());
}

#[test]
fn host_stands_in_for_the_authority() {
    let mut lines = without(":authority");
    assert_eq!(request_head(&lines).unwrap().authority, None);
    lines.push(line("host", "b.test"));
    let head = request_head(&lines).unwrap();
    assert_eq!(head.authority.as_deref(), Some(&b"b.test"[..]));
    assert_eq!(fields(&head), [(&b"a"[..], &b"b"[..])]);
    let head = request_head(&get(&[line("host", "b.test")])).unwrap();
    assert_eq!(head.authority.as_deref(), Some(&b"a.test"[..]));
}

#[test]
fn cookies_are_joined_where_the_first_one_stands() {
    let head = request_head(&get(&[line("cookie", "a=1"), line("x", "y"), line("cookie", "b=2")])).unwrap();
    assert_eq!(fields(&head), [(&b"cookie"[..], &b"a=1; b=2"[..]), (b"x", b"y")]);
}

#[test]
fn connect_has_no_path_but_extended_connect_has() {
    let plain = [line(":method", "CONNECT"), line(":authority", "a:1")];
    let head = request_head(&plain).unwrap();
    assert_eq!((head.path, head.unknown), (None, Unknown::default()));
    let mut extended = get(&[]);
    extended[0] = line(":method", "CONNECT");
    extended.push(line(":protocol", "websocket"));
    assert_eq!(request_head(&extended).unwrap().path.as_deref(), Some(&b"/x?y"[..]));
}

#[test]
fn malformed_requests() {
    for name in [":method", ":scheme", ":path"] {
        assert_eq!(request_head(&without(name)), Err(Fault::Malformed), "without {name}");
    }
    for more in [
        line(":path", "/again"),
        line("Upper", "case"),
        line("", "nameless"),
        line("a", "split\r\nhead"),
    ] {
        assert_eq!(
            request_head(&get(std::slice::from_ref(&more))),
            Err(Fault::Malformed),
            "{more:?}"
        );
    }
    let late = get(&[line("a", "b"), line(":protocol", "x")]);
    assert_eq!(request_head(&late), Err(Fault::Malformed));
    assert_eq!(request_head(&[]), Err(Fault::Malformed));
}

/// As nghttp2 sends it: the authority refers to the table, the path is literal.
#[test]
fn an_unknown_line_between_pseudo_header_fields_is_the_authority() {
    let mut lines = get(&[line("a", "b")]);
    lines[2] = UNKNOWN;
    let unknown = request_head(&lines).unwrap().unknown;
    assert_eq!(
        unknown,
        Unknown {
            authority: true,
            path: false,
            fields: 0
        }
    );
}

#[test]
fn an_unknown_line_at_the_border_counts_as_both() {
    let lines = [
        line(":method", "GET"),
        line(":scheme", "http"),
        line(":path", "/"),
        UNKNOWN,
        line("a", "b"),
    ];
    let unknown = request_head(&lines).unwrap().unknown;
    assert_eq!(
        unknown,
        Unknown {
            authority: true,
            path: false,
            fields: 1
        }
    );
    let with_authority = [&lines[..3], &[line(":authority", "a"), UNKNOWN, line("a", "b")]].concat();
    let unknown = request_head(&with_authority).unwrap().unknown;
    assert_eq!(
        unknown,
        Unknown {
            authority: false,
            path: false,
            fields: 1
        }
    );
}

#[test]
fn what_is_missing_is_among_the_unknown() {
    let lines = [
        line(":method", "GET"),
        line(":scheme", "http"),
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ];
    let head = request_head(&lines).unwrap();
    assert_eq!(head.path, None);
    assert_eq!(
        head.unknown,
        Unknown {
            authority: true,
            path: true,
            fields: 2
        }
    );
    let one = request_head(&lines[..3]).unwrap().unknown;
    assert_eq!(
        one,
        Unknown {
            authority: false,
            path: true,
            fields: 0
        }
    );
    assert_eq!(request_head(&lines[..2]), Err(Fault::Malformed));
    assert_eq!(
        request_head(&[line(":scheme", "http"), UNKNOWN, UNKNOWN]),
        Err(Fault::Unknown)
    );
}

#[test]
fn unknown_fields_after_a_known_one() {
    let lines = get(&[
        line("a", "b"),
        UNKNOWN,
        Line {
            name: None,
            value: Some("c".into()),
        },
    ]);
    assert_eq!(
        request_head(&lines).unwrap().unknown,
        Unknown {
            authority: false,
            path: false,
            fields: 2
        }
    );
}

#[test]
fn responses() {
    let head = response_head(&[line(":status", "404"), line("a", "b"), UNKNOWN]).unwrap();
    assert_eq!(
        (head.version, head.status, head.headers.len(), head.unknown),
        (Version::H2, 404, 1, 1)
    );
    assert_eq!(response_head(&[line("a", "b")]), Err(Fault::Malformed));
    assert_eq!(response_head(&[UNKNOWN, line("a", "b")]), Err(Fault::Unknown));
    for status in ["", "20", "2000", "abc", "+20", "099"] {
        assert_eq!(
            response_head(&[line(":status", status)]),
            Err(Fault::Malformed),
            "{status}"
        );
    }
}
