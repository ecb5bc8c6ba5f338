use gwobs_route::WireProtocol;

use super::{BadUrl, Target, header};

fn target(url: &str) -> (WireProtocol, u16, Option<String>, String) {
    let target = Target::parse(url).expect("a URL");
    (target.protocol, target.port, target.authority, target.path)
}

#[test]
fn urls() {
    let cases = [
        (
            "http://a.example/b?c=d",
            WireProtocol::Http,
            80,
            Some("a.example"),
            "/b?c=d",
        ),
        ("a.example", WireProtocol::Http, 80, Some("a.example"), "/"),
        (
            "HTTPS://A.example:8443",
            WireProtocol::Https,
            8443,
            Some("A.example:8443"),
            "/",
        ),
        (
            "https://user@a.example?x",
            WireProtocol::Https,
            443,
            Some("a.example"),
            "/?x",
        ),
        ("/only/a//path/../x", WireProtocol::Http, 80, None, "/only/a//path/../x"),
        ("http://[::1]:81/#part", WireProtocol::Http, 81, Some("[::1]:81"), "/"),
        ("grpcs://a/s/m", WireProtocol::Grpc, 443, Some("a"), "/s/m"),
        ("tls://a:9443", WireProtocol::Tls, 9443, Some("a:9443"), "/"),
        ("udp://a:53", WireProtocol::Udp, 53, Some("a:53"), "/"),
    ];
    for (url, protocol, port, authority, path) in cases {
        assert_eq!(
            target(url),
            (protocol, port, authority.map(str::to_owned), path.to_owned()),
            "{url}"
        );
    }
}

#[test]
fn what_is_no_url() {
    assert_eq!(Target::parse("ftp://a"), Err(BadUrl::Scheme("ftp".to_owned())));
    for port in ["0", "65536", "x"] {
        assert_eq!(
            Target::parse(&format!("http://a:{port}/")),
            Err(BadUrl::Port(port.to_owned()))
        );
    }
}

#[test]
fn server_names_are_names() {
    for (url, name) in [
        ("https://a.example:1", Some("a.example")),
        ("https://10.0.0.1", None),
        ("https://[::1]", None),
    ] {
        assert_eq!(Target::parse(url).expect("a URL").host_name(), name, "{url}");
    }
}

#[test]
fn headers() {
    assert_eq!(
        header("X-Tenant:  a: b "),
        Ok(("x-tenant".to_owned(), "a: b".to_owned()))
    );
    assert!(header("no colon").is_err());
    assert!(header(": value").is_err());
}
