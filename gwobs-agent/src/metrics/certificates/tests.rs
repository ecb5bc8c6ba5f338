use gwobs_route::ObjectName;
use gwobs_route::model::Certificate;
use prometheus_client::encoding::text::encode;

use super::*;

fn certificate(not_after: i64) -> Arc<Certificate> {
    Arc::new(Certificate {
        fingerprint: [0; 32],
        issuer: "an authority".into(),
        not_before: 0,
        not_after,
        hosts: Vec::new(),
    })
}

fn known(pod: u8, served: Option<i64>, stale_since: Option<i64>) -> Known {
    let name = |namespace: &str, name: &str| ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    };
    Known {
        target: Target {
            gateway: name("infra", "web"),
            listener: "https".into(),
            secret: name("certs", "shop"),
            address: ([10, 0, 0, pod], 443).into(),
        },
        expected: Some(certificate(500)),
        served: served.map(certificate),
        problems: stale_since.map(|_| Problem::Stale).into_iter().collect(),
        stale_since,
    }
}

/// What is wrong at one of several pods is wrong, and no series is written twice.
#[test]
fn the_worst_of_all_pods_is_exported() {
    let certificates = Certificates {
        known: vec![
            known(1, Some(500), None),
            known(2, Some(300), Some(77)),
            known(3, None, None),
        ],
        handshakes: [("served", 2), ("unreachable", 1)].into(),
        beyond: 0,
    };
    let mut registry = Registry::default();
    CertificateCollector::register(&mut registry, Arc::new(ArcSwap::from_pointee(certificates)));
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    let place = r#"namespace="certs",name="shop",gateway_namespace="infra",gateway="web",listener="https""#;
    for line in [
        format!(r#"gwobs_certificate_not_after_seconds{{{place},source="secret"}} 500"#),
        format!(r#"gwobs_certificate_not_after_seconds{{{place},source="served"}} 300"#),
        format!("gwobs_certificate_stale{{{place}}} 1"),
        format!("gwobs_certificate_stale_since_seconds{{{place}}} 77"),
        format!(r#"gwobs_certificate_problem{{{place},problem="stale"}} 1"#),
        format!(r#"gwobs_certificate_problem{{{place},problem="expired"}} 0"#),
        r#"gwobs_certificate_handshakes_total{outcome="unreachable"} 1"#.to_owned(),
        "gwobs_certificates_not_looked_at 0".to_owned(),
    ] {
        assert_eq!(
            text.lines().filter(|own| *own == line).count(),
            1,
            "{line}\nis not once in\n{text}"
        );
    }
}

#[test]
fn nothing_is_said_to_be_fresh_that_was_not_compared() {
    let mut unread = known(1, Some(500), None);
    unread.expected = None;
    let mut registry = Registry::default();
    let certificates = Certificates {
        known: vec![unread],
        ..Certificates::default()
    };
    CertificateCollector::register(&mut registry, Arc::new(ArcSwap::from_pointee(certificates)));
    let mut text = String::new();
    encode(&mut text, &registry).expect("metrics");
    assert!(!text.contains("gwobs_certificate_stale{"), "{text}");
    assert!(text.contains(r#"source="served"} 500"#), "{text}");
}
