//! Secrets are judged by their certificate and by the presence of a key, which is never kept.

use gwobs_route::model::{Object, Secret};

use super::loaded;

/// A certificate for `abc.example.com`, made for this test, valid until 2126; its key was thrown away.
const CERTIFICATE: &str = include_str!("certificate.pem");

fn secret(data: &str) -> Secret {
    let text = format!("{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: s}}, {data}}}");
    match loaded(&text).objects.into_iter().next() {
        Some(Object::Secret(secret)) => secret,
        other => panic!("{other:?}"),
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

#[test]
fn a_certificate_and_a_key() {
    let secret = secret(&format!(
        "stringData: {{tls.crt: {}, tls.key: anything}}",
        quoted(CERTIFICATE)
    ));
    assert!(secret.has_certificate && secret.has_key && !secret.has_authority);
    let certificate = secret.certificate.as_ref().expect("a certificate");
    assert_eq!(
        certificate.hosts.iter().map(|host| &**host).collect::<Vec<_>>(),
        ["abc.example.com", "*.example.org"]
    );
    assert!(certificate.not_after > 4_000_000_000);
    assert!(!format!("{secret:?}").contains("anything"), "the key is not kept");
}

#[test]
fn what_is_no_certificate() {
    let cut = CERTIFICATE.replace("-----END CERTIFICATE-----", "");
    let chain = format!("{CERTIFICATE}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    for text in ["", "Hello world\n", &cut, &chain] {
        let secret = secret(&format!("stringData: {{tls.crt: {}}}", quoted(text)));
        assert!(!secret.has_certificate && !secret.has_key, "{text:?}");
    }
    for data in [
        "data: {tls.crt: '!!', tls.key: ''}",
        "data: {tls.crt: SGVsbG8gd29ybGQK, tls.key: 7}",
    ] {
        let secret = secret(data);
        assert!(!secret.has_certificate && secret.has_key, "{data}");
    }
}

#[test]
fn authorities_of_config_maps() {
    for (text, expected) in [(CERTIFICATE, true), ("Hello", false)] {
        let text = format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{ca.crt: {}}}}}",
            quoted(text)
        );
        let loaded = loaded(&text);
        let Object::ConfigMap(map) = &loaded.objects[0] else {
            panic!("{:?}", loaded.objects)
        };
        assert_eq!(map.has_authority, expected);
    }
}
