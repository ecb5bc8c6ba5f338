use super::*;

fn matched() -> Redaction {
    Redaction::all_but(["x-tenant".into()], ["version".into()])
}

#[test]
fn only_matched_headers_are_written() {
    assert_eq!(matched().header("x-tenant", "blue".into()), "blue");
    assert_eq!(matched().header("authorization", "Bearer abc".into()), PLACEHOLDER);
    assert_eq!(
        Redaction::off().header("authorization", "Bearer abc".into()),
        "Bearer abc"
    );
}

#[test]
fn only_matched_query_values_are_written() {
    for (path, written) in [
        ("/a/b", "/a/b"),
        ("/a?", "/a?"),
        ("/a?version=2", "/a?version=2"),
        ("/a?version=2&token=abc", "/a?version=2&token=[redacted]"),
        ("/a?token=a=b", "/a?token=[redacted]"),
        ("/a?token=", "/a?token=[redacted]"),
        ("/a?s3cr3t", "/a?[redacted]"),
        ("/a?=s3cr3t", "/a?=[redacted]"),
        ("/a?version&&x=1", "/a?version&&x=[redacted]"),
        ("/a?x=1?version=2", "/a?x=[redacted]"),
        ("*", "*"),
    ] {
        assert_eq!(matched().path(path.into()), written, "{path}");
        assert_eq!(Redaction::off().path(path.into()), path);
    }
}

#[test]
fn user_information_is_not_written() {
    assert_eq!(
        matched().authority("user:secret@shop.example:80".into()),
        "[redacted]@shop.example:80"
    );
    assert_eq!(matched().authority("shop.example:80".into()), "shop.example:80");
    assert_eq!(
        Redaction::off().authority("user:secret@shop.example".into()),
        "user:secret@shop.example"
    );
}
