use super::*;

#[test]
fn beginnings_of_requests() {
    let yes: [&[u8]; 5] = [b"G", b"GET", b"GET ", b"GET /x HT", b"PROPFIND /"];
    let no: [&[u8]; 6] = [b"g", b"GETX", b"FOO /", b"TTP/1.1", b"{\"GET\"", b"Host: x"];
    assert!(yes.into_iter().all(may_begin_request));
    assert!(!no.into_iter().any(may_begin_request));
}

#[test]
fn start_lines() {
    assert!(is_request_line(b"GET / HTTP/1.1\r\n"));
    assert!(!is_request_line(b"GET / HTTP/1.1\n"));
    assert!(!is_request_line(b"FOO / HTTP/1.1\r\n"));
    assert!(is_status_line(b"HTTP/1.1 200 OK\r\n"));
    assert!(!is_status_line(b"HTTP/1.1 200 OK"));
}

#[test]
fn line_ends() {
    assert!(has_strict_line_ends(b"a\r\nb\r\n\r\n"));
    assert!(!has_strict_line_ends(b"a\r\nb\n\r\n"));
}
