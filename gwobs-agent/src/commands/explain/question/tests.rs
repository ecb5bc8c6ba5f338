use gwobs_route::{Front, WireProtocol};
use serde_json::json;

use super::{Question, object_name};

fn fault(line: &str) -> String {
    Question::parse(line).expect_err("cannot be answered").to_string()
}

#[test]
fn a_full_line() {
    let question = Question::parse(
        r#"{"id":7,"gateway":"infra/web","port":8443,"protocol":"GRPC","sni":"a.example","method":"POST","host":"a.example:8443",
            "path":"/s/m","headers":{"X-A":"1","x-b":["2","3"]},"something":"else"}"#,
    )
    .expect("answerable");
    assert_eq!(question.id, json!(7));
    assert_eq!(
        question.arrival.front,
        Front::Gateway(object_name("infra/web").expect("a name"))
    );
    assert_eq!(
        (question.arrival.port, question.arrival.protocol),
        (8443, WireProtocol::Grpc)
    );
    assert_eq!(
        question.headers,
        [("x-a", "1"), ("x-b", "2"), ("x-b", "3")].map(|(n, v)| (n.to_owned(), v.to_owned()))
    );
    assert_eq!(question.request(&question.fields()).authority, Some("a.example:8443"));
}

#[test]
fn defaults() {
    let question =
        Question::parse(r#"{"gateway":"infra/web","headers":[["X-A","1"]],"host":null}"#).expect("answerable");
    assert_eq!(
        (question.arrival.port, question.arrival.protocol),
        (80, WireProtocol::Http)
    );
    assert_eq!(
        (
            question.method.as_str(),
            question.path.as_str(),
            question.host.as_deref()
        ),
        ("GET", "/", None)
    );
    assert_eq!(question.headers, [("x-a".to_owned(), "1".to_owned())]);
    let https = Question::parse(r#"{"gateway":"infra/web","protocol":"https"}"#).expect("answerable");
    assert_eq!(https.arrival.port, 443);
}

#[test]
fn faults_name_the_field() {
    let cases = [
        ("{", "not JSON: "),
        ("[]", "expected a mapping"),
        ("{}", "gateway: the field `gateway` is missing"),
        (r#"{"gateway":"web"}"#, "gateway: expected NAMESPACE/NAME"),
        (
            r#"{"gateway":"a/b","port":"80"}"#,
            "port: expected a whole number, found the text \"80\"",
        ),
        (r#"{"gateway":"a/b","port":0}"#, "port: a port is 1 to 65535, not 0"),
        (
            r#"{"gateway":"a/b","protocol":"FTP"}"#,
            "protocol: expected HTTP, HTTPS",
        ),
        (r#"{"gateway":"a/b","headers":{"a":1}}"#, "headers.a: "),
        (r#"{"gateway":"a/b","headers":[["a"]]}"#, "headers.0"),
        (
            r#"{"gateway":"a/b","service":"a/b"}"#,
            "service: a request goes to a gateway or",
        ),
        (r#"{"service":"b"}"#, "service: expected NAMESPACE/NAME"),
        (
            r#"{"service":"a/b","client":""}"#,
            "client: the namespace of the client is empty",
        ),
        (
            r#"{"service":"a/b","client":{"app":"c"}}"#,
            "client: the namespace of the client is empty",
        ),
        (
            r#"{"service":"a/b","client":7}"#,
            "client: expected the namespace of the client",
        ),
    ];
    for (line, expected) in cases {
        assert!(fault(line).starts_with(expected), "{line}: {}", fault(line));
    }
}

#[test]
fn a_client_in_a_mesh_is_known_by_its_namespace() {
    let cases = [
        (r#"{"service":"a/b","client":"c"}"#, "c"),
        (r#"{"service":"a/b","client":"c/pod-1"}"#, "c"),
        (r#"{"service":"a/b","client":{"app":"x","namespace":"c"}}"#, "c"),
        (r#"{"service":"a/b"}"#, "a"),
    ];
    for (line, namespace) in cases {
        let expected = Front::Service {
            service: object_name("a/b").expect("a name"),
            client: namespace.into(),
        };
        assert_eq!(
            Question::parse(line).expect("answerable").arrival.front,
            expected,
            "{line}"
        );
    }
}
