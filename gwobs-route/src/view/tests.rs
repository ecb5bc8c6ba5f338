use super::*;
use crate::profile::PathReading;

#[test]
fn host_without_port_and_trailing_dot() {
    for (authority, host, port) in [
        ("example.com", "example.com", None),
        ("example.com:8080", "example.com", Some(8080)),
        ("example.com.", "example.com", None),
        ("example.com.:80", "example.com", Some(80)),
        ("[::1]:80", "[::1]", Some(80)),
        ("[::1]", "[::1]", None),
        ("", "", None),
    ] {
        assert_eq!(host_of(authority), host, "{authority}");
        assert_eq!(port_of(authority), port, "{authority}");
    }
}

#[test]
fn readings_of_a_path() {
    let all = PathReading {
        decode: true,
        merge_slashes: true,
        dot_segments: true,
    };
    for (path, read) in [
        ("/a/b", None),
        ("/a//b", Some("/a/b")),
        ("/a/./b", Some("/a/b")),
        ("/a/../b", Some("/b")),
        ("/../../b", Some("/b")),
        ("/a/..", Some("/")),
        ("/a/b/..", Some("/a/")),
        ("/%61", Some("/a")),
        ("/a%2Fb", None),
        ("/a%2", None),
        ("/a\\b", Some("/a/b")),
        ("*", None),
    ] {
        assert_eq!(normalise(path, all).as_deref(), read, "{path}");
    }
}

#[test]
fn query_is_decoded_as_forms_are() {
    assert_eq!(decode_query("a+b%20c%2F"), "a b c/");
    assert_eq!(decode_query("plain"), "plain");
    assert_eq!(decode_query("%zz%"), "%zz%");
}
