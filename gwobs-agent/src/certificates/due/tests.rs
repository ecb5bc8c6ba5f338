use std::fmt::Write as _;

use gwobs_route::Objects;
use rcgen::generate_simple_self_signed;

use super::*;
use crate::specs::load_text;

const GATEWAY: &str = "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: c
  listeners:
";

/// A TLS Secret in this namespace for these hosts.
fn secret(namespace: &str, name: &str, hosts: &[&str]) -> String {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let pem = generate_simple_self_signed(hosts).expect("a certificate").cert.pem();
    let pem = serde_json::to_string(&pem).expect("text");
    format!(
        "---\n{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {name}, namespace: {namespace}}}, \
         stringData: {{tls.crt: {pem}, tls.key: x}}}}\n"
    )
}

fn listener(name: &str, hostname: &str, secret: &str) -> String {
    let hostname = if hostname.is_empty() {
        String::new()
    } else {
        format!("hostname: '{hostname}', ")
    };
    format!("  - {{name: {name}, port: 443, protocol: HTTPS, {hostname}tls: {{certificateRefs: [{secret}]}}}}\n")
}

/// What is due at a pod that binds 8443 for 443: listener, Secret, server name, and whether the certificate is known.
fn found(specs: &str) -> Vec<String> {
    let loaded = load_text("specs.yaml", specs).expect("specs");
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let mut objects = Objects::new(None);
    loaded.objects.into_iter().for_each(|object| objects.apply(object, 0));
    let plane = Plane {
        pod: "infra/web-0"
            .split_once('/')
            .map(|(namespace, name)| ObjectName {
                namespace: namespace.into(),
                name: name.into(),
            })
            .expect("a name"),
        containers: Vec::new(),
        gateways: objects.gateways().map(|gateway| gateway.meta.name.clone()).collect(),
        ports: vec![(443, 8443)],
        address: Some([10, 0, 0, 7].into()),
    };
    let snapshot = objects.snapshot();
    let shown = due(&[plane], &objects, &snapshot).into_iter().map(|due| {
        assert_eq!(due.target.address, ([10, 0, 0, 7], 8443).into());
        let mut text = format!(
            "{} {} {}",
            due.target.listener,
            due.target.secret,
            due.server_name.as_deref().unwrap_or("-")
        );
        if due.expected.is_none() {
            text.push_str(" unknown");
        }
        if !due.others.is_empty() {
            let _ = write!(text, " or {} others", due.others.len());
        }
        text
    });
    shown.collect()
}

#[test]
fn a_listener_is_asked_for_its_own_name() {
    let specs = format!(
        "{GATEWAY}{}{}{}{}",
        listener("exact", "shop.test", "{name: a}"),
        listener("wild", "*.shop.test", "{name: b}"),
        secret("infra", "a", &["shop.test"]),
        secret("infra", "b", &["*.shop.test"]),
    );
    assert_eq!(
        found(&specs),
        ["exact infra/a shop.test", "wild infra/b gwobs-any.shop.test"]
    );
}

/// A name of the certificate is asked for, but none that belongs to a listener which is more specific.
#[test]
fn a_listener_for_all_hosts_is_asked_for_what_is_left_to_it() {
    let specs = format!(
        "{GATEWAY}{}{}{}",
        listener("all", "", "{name: a}"),
        listener("own", "one.test", "{name: b}"),
        secret("infra", "a", &["one.test", "two.test"]),
    );
    assert_eq!(found(&specs), ["all infra/a two.test", "own infra/b one.test unknown"]);
    let nothing_left = format!(
        "{GATEWAY}{}{}{}",
        listener("all", "", "{name: a}"),
        listener("own", "*.one.test", "{name: b}"),
        secret("infra", "a", &["x.one.test"]),
    );
    assert_eq!(found(&nothing_left), ["own infra/b gwobs-any.one.test unknown"]);
    let unread = format!("{GATEWAY}{}", listener("all", "", "{name: a}"));
    assert_eq!(found(&unread), ["all infra/a - unknown"]);
}

#[test]
fn several_certificates_of_a_listener_for_one_name() {
    let specs = format!(
        "{GATEWAY}{}{}{}{}",
        listener("https", "shop.test", "{name: ecdsa}, {name: rsa}, {name: other}"),
        secret("infra", "ecdsa", &["shop.test"]),
        secret("infra", "rsa", &["shop.test"]),
        secret("infra", "other", &["other.test"]),
    );
    assert_eq!(
        found(&specs),
        [
            "https infra/ecdsa shop.test or 1 others",
            "https infra/other shop.test or 2 others",
            "https infra/rsa shop.test or 1 others",
        ]
    );
}

#[test]
fn other_namespaces_need_a_grant() {
    let specs = format!(
        "{GATEWAY}{}{}",
        listener("https", "shop.test", "{name: a, namespace: certs}"),
        secret("certs", "a", &["shop.test"]),
    );
    assert!(found(&specs).is_empty());
    let granted = format!(
        "{specs}---\napiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\n\
         metadata: {{name: g, namespace: certs}}\nspec: {{from: [{{group: gateway.networking.k8s.io, kind: Gateway, \
         namespace: infra}}], to: [{{group: '', kind: Secret}}]}}\n"
    );
    assert_eq!(found(&granted), ["https certs/a shop.test"]);
}

#[test]
fn what_ends_no_tls_serves_no_certificate() {
    let specs = format!(
        "{GATEWAY}  - {{name: plain, port: 80, protocol: HTTP}}\n  - {{name: through, port: 443, protocol: TLS, tls: {{mode: Passthrough}}}}\n"
    );
    assert!(found(&specs).is_empty());
}
