use super::{apply, covers};
use crate::model::Cors;
use crate::profile::Profile;
use crate::view::View;
use crate::{HeaderField, Request, ResponseHeaders};

#[test]
fn origins() {
    let cases = [
        ("*", "https://any.test", true),
        ("https://a.test", "https://a.test", true),
        ("https://a.test", "HTTPS://A.test", true),
        ("https://a.test", "http://a.test", false),
        ("https://a.test", "https://a.test:443", true),
        ("http://a.test:80", "http://a.test", true),
        ("https://a.test", "https://a.test:8443", false),
        ("https://*.a.test", "https://b.a.test", true),
        ("https://*.a.test", "https://c.b.a.test", true),
        ("https://*.a.test", "https://a.test", false),
        ("https://*.a.test", "https://evil.test/b.a.test", false),
        ("https://*", "https://a.test", true),
        ("https://*", "https://a.test:8443", false),
        ("https://*.a.test:8443", "https://b.a.test:8443", true),
    ];
    for (pattern, origin, expected) in cases {
        assert_eq!(covers(pattern, origin), expected, "{pattern} {origin}");
    }
}

/// What a preflight from `https://a.test` for PUT is told; `wanted`: its `Access-Control-Request-Headers`.
fn told(cors: &Cors, wanted: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![("origin", "https://a.test"), ("access-control-request-method", "PUT")];
    headers.extend(wanted.map(|wanted| ("access-control-request-headers", wanted)));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| HeaderField { name, value })
        .collect();
    let request = Request {
        method: "OPTIONS",
        authority: Some("h"),
        path: Some("/"),
        headers: &headers,
        sni: None,
    };
    let mut response = ResponseHeaders::default();
    let view = View::new(&request, Profile::Generic.behaviour());
    assert!(apply(cors, &view, &mut response).is_some_and(|reply| reply.doubt.is_none()));
    let plain = |name: &str| name.trim_start_matches("access-control-").to_owned();
    response
        .set
        .iter()
        .map(|(name, value)| (plain(name), value.clone()))
        .collect()
}

#[test]
fn wildcards_are_never_told_to_requests_with_credentials() {
    let list = |item: &str| vec![item.into()];
    let open = Cors {
        allow_origins: list("*"),
        allow_methods: list("*"),
        allow_headers: list("*"),
        expose_headers: list("*"),
        max_age: 5,
        allow_credentials: false,
    };
    let closed = Cors {
        allow_credentials: true,
        ..open.clone()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<_> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let origin = ("allow-origin", "https://a.test");
    let tail = ("max-age", "5");
    assert_eq!(
        told(&open, None),
        pairs(&[
            origin,
            ("expose-headers", "*"),
            ("allow-methods", "PUT"),
            ("allow-headers", "*"),
            tail
        ])
    );
    assert_eq!(
        told(&closed, None),
        pairs(&[origin, ("allow-credentials", "true"), ("allow-methods", "PUT"), tail])
    );
    assert_eq!(
        told(&closed, Some("x-a")),
        pairs(&[
            origin,
            ("allow-credentials", "true"),
            ("allow-methods", "PUT"),
            ("allow-headers", "x-a"),
            tail
        ])
    );
}
