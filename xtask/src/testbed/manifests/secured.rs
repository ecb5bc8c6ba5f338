//! The objects of a Gateway that ends TLS, and begins it again towards its backends.

use super::NAMESPACE;
use crate::testbed::tls::{Own, Trusted, backend_name};
use serde_json::{Value, json};

/// The Secret of the listener.
const CERTIFICATE: &str = "gateway-certificate";
/// The ConfigMap that the policies name.
const AUTHORITY: &str = "backend-authority";

/// A listener that ends TLS for all names.
pub(super) fn listener(port: u16) -> Value {
    json!({
        "name": "https", "port": port, "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": CERTIFICATE}]},
    })
}

pub(super) fn certificate(own: &Own) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": CERTIFICATE, "namespace": NAMESPACE},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": own.chain, "tls.key": own.secret},
    })
}

pub(super) fn authority(trusted: &Trusted) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": AUTHORITY, "namespace": NAMESPACE},
        "data": {"ca.crt": trusted.pem},
    })
}

/// What the data plane is to check before it trusts a backend.
pub(super) fn policy(service: &str) -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "BackendTLSPolicy",
        "metadata": {"name": service, "namespace": NAMESPACE},
        "spec": {
            "targetRefs": [{"group": "", "kind": "Service", "name": service}],
            "validation": {
                "hostname": backend_name(service),
                "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": AUTHORITY}],
            },
        },
    })
}
