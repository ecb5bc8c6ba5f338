//! The objects of a cluster in small.

use crate::testbed::api::Api;
use crate::testbed::backend::{Backend, Backends};
use anyhow::Result;
use serde_json::{Value, json};
use std::net::IpAddr;

/// The namespace of whatever names none.
pub const NAMESPACE: &str = "shop";
/// The Gateway's name.
pub const GATEWAY: &str = "web";
/// The port that every Service has.
pub const SERVICE_PORT: u16 = 80;
/// The namespace of the agent.
pub(super) const AGENT_NAMESPACE: &str = "gwobs-system";
/// The pod of the agent.
pub(super) const AGENT_POD: &str = "gwobs-x7k2p";
/// The group and version of the Gateway API.
const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";

/// Class, Gateway, namespaces, and for each backend a Service with its endpoints.
pub(super) fn apply_all(api: &Api, port: u16, backends: &Backends) -> Result<()> {
    api.apply(json!({
        "apiVersion": GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": "traefik"},
        "spec": {"controllerName": "traefik.io/gateway-controller"},
    }))?;
    api.apply(gateway(&json!([{
        "name": "web", "port": port, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}},
    }])))?;
    api.apply(namespace(NAMESPACE))?;
    apply_api_server(api)?;
    for backend in backends.iter() {
        let (space, _) = place(backend.name());
        api.apply(namespace(space))?;
        api.apply(service(backend.name()))?;
        api.apply(endpoints(backend))?;
    }
    Ok(())
}

/// The API server's own Service and endpoint, as every cluster has them.
fn apply_api_server(api: &Api) -> Result<()> {
    let (ip, port) = (api.address().ip().to_string(), api.address().port());
    api.apply(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes", "namespace": "default"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": port}]},
    }))?;
    api.apply(json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes", "namespace": "default", "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "endpoints": [{"addresses": [ip]}], "ports": [{"name": "https", "port": port}],
    }))
}

/// Namespace and name of `service` or `namespace/service`.
pub fn place(name: &str) -> (&str, &str) {
    name.split_once('/').unwrap_or((NAMESPACE, name))
}

/// A Namespace.
pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// The Gateway with these listeners.
pub fn gateway(listeners: &Value) -> Value {
    json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
        "spec": {"gatewayClassName": "traefik", "listeners": listeners},
    })
}

fn service(name: &str) -> Value {
    let (namespace, name) = place(name);
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": [{"name": "http", "port": SERVICE_PORT}]},
    })
}

/// The EndpointSlice of a backend.
pub fn endpoints(backend: &Backend) -> Value {
    let (namespace, name) = place(backend.name());
    let addresses: Vec<String> = backend.endpoints().map(|address| address.ip().to_string()).collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{name}-1"), "namespace": namespace, "labels": {"kubernetes.io/service-name": name},
        },
        "endpoints": addresses.iter().map(|address| json!({"addresses": [address]})).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": backend.port()}],
    })
}

/// A pod of Traefik on a node, with one container that runs.
pub(super) fn pod(node: &str, container: &str, address: IpAddr) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "traefik-0", "namespace": "traefik", "labels": {"app.kubernetes.io/name": "traefik"},
        },
        "spec": {"nodeName": node, "containers": [{"name": "traefik"}]},
        "status": {"phase": "Running", "podIP": address, "containerStatuses": [{
            "name": "traefik", "containerID": format!("containerd://{container}"), "image": "traefik", "imageID": "",
            "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }]},
    })
}

/// A Secret with a certificate and its key, both in PEM.
pub fn tls_secret(name: &str, certificate: &str, key: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {"tls.crt": base64(certificate), "tls.key": base64(key)},
    })
}

/// RFC 4648 section 4.
fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |chunk: &[u8]| {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let digit = |index: usize| {
            let at = bits >> (18 - 6 * index) & 63;
            let digit = DIGITS.get(at as usize).copied().unwrap_or(b'=');
            char::from(if index > chunk.len() { b'=' } else { digit })
        };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(encode).collect()
}

/// The pod of an agent on a node, as the chart labels it.
pub(super) fn agent_pod(node: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": AGENT_POD, "namespace": AGENT_NAMESPACE,
            "labels": {"app.kubernetes.io/name": "gwobs", "app.kubernetes.io/component": "agent"},
        },
        "spec": {
            "nodeName": node,
            "containers": [{"name": "agent", "ports": [{"name": "metrics", "containerPort": port}]}],
        },
        "status": {"phase": "Running"},
    })
}

/// An HTTPRoute of these rules.
pub fn route(name: &str, hostnames: &[&str], rules: &Value) -> Value {
    let mut route = json!({
        "apiVersion": GATEWAY_API, "kind": "HTTPRoute", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"parentRefs": [{"name": GATEWAY, "namespace": NAMESPACE}], "rules": rules},
    });
    if let (Some(spec), false) = (route.get_mut("spec"), hostnames.is_empty()) {
        super::super::object::set(spec, "hostnames", json!(hostnames));
    }
    route
}

/// A rule: what matches it goes to a backend.
pub fn rule(matched: &Value, backend: &str) -> Value {
    json!({"matches": [matched], "backendRefs": [backend_ref(backend)]})
}

/// A rule for a path prefix.
pub fn prefix(path: &str, backend: &str) -> Value {
    rule(&json!({"path": {"type": "PathPrefix", "value": path}}), backend)
}

/// A reference to a backend.
pub fn backend_ref(backend: &str) -> Value {
    let (namespace, name) = place(backend);
    json!({"name": name, "namespace": namespace, "port": SERVICE_PORT})
}

/// A grant in `to` for HTTPRoutes of the usual namespace.
pub fn grant(to: &str) -> Value {
    json!({
        "apiVersion": GATEWAY_API, "kind": "ReferenceGrant", "metadata": {"name": "routes", "namespace": to},
        "spec": {
            "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": NAMESPACE}],
            "to": [{"group": "", "kind": "Service"}],
        },
    })
}
