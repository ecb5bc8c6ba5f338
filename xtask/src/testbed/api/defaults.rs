//! The defaults that a server fills in, as far as controllers rely on them (`+kubebuilder:default` of the Gateway API;
//! `SetDefaults_*` of Kubernetes).

use super::super::object::set;
use serde_json::{Value, json};

/// Fills in what is missing.
pub(super) fn fill(kind: &str, object: &mut Value) {
    match kind {
        "Namespace" => namespace(object),
        "Service" => each(object, "/spec/ports", service_port),
        "EndpointSlice" => endpoint_slice(object),
        "Gateway" | "ListenerSet" | "XListenerSet" => each(object, "/spec/listeners", listener),
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" | "UDPRoute" => route(kind, object),
        _ => {}
    }
}

fn each(object: &mut Value, pointer: &str, work: impl Fn(&mut Value)) {
    let items = object.pointer_mut(pointer).and_then(Value::as_array_mut);
    items.into_iter().flatten().for_each(work);
}

fn missing(object: &mut Value, name: &str, value: Value) {
    if object.get(name).is_none() {
        set(object, name, value);
    }
}

fn namespace(object: &mut Value) {
    let name = object.pointer("/metadata/name").cloned().unwrap_or_default();
    if let Some(metadata) = object.get_mut("metadata") {
        missing(metadata, "labels", json!({}));
        if let Some(labels) = metadata.get_mut("labels") {
            set(labels, "kubernetes.io/metadata.name", name);
        }
    }
}

fn service_port(port: &mut Value) {
    missing(port, "protocol", json!("TCP"));
    let own = port.get("port").cloned().unwrap_or_default();
    missing(port, "targetPort", own);
}

fn endpoint_slice(object: &mut Value) {
    missing(object, "addressType", json!("IPv4"));
    each(object, "/ports", |port| {
        missing(port, "name", json!(""));
        missing(port, "protocol", json!("TCP"));
    });
    each(object, "/endpoints", |endpoint| {
        missing(endpoint, "conditions", json!({}));
        if let Some(conditions) = endpoint.get_mut("conditions") {
            missing(conditions, "ready", json!(true));
        }
    });
}

fn listener(listener: &mut Value) {
    missing(listener, "allowedRoutes", json!({}));
    if let Some(allowed) = listener.get_mut("allowedRoutes") {
        missing(allowed, "namespaces", json!({"from": "Same"}));
    }
    if let Some(tls) = listener.get_mut("tls") {
        missing(tls, "mode", json!("Terminate"));
    }
    each(listener, "/tls/certificateRefs", |reference| {
        missing(reference, "group", json!(""));
        missing(reference, "kind", json!("Secret"));
    });
}

fn route(kind: &str, object: &mut Value) {
    each(object, "/spec/parentRefs", |parent| {
        missing(parent, "group", json!("gateway.networking.k8s.io"));
        missing(parent, "kind", json!("Gateway"));
    });
    each(object, "/spec/rules", |rule| {
        if kind == "HTTPRoute" {
            missing(rule, "matches", json!([{}]));
            each(rule, "/matches", |one| {
                missing(one, "path", json!({"type": "PathPrefix", "value": "/"}));
            });
        }
        each(rule, "/filters", filter);
        each(rule, "/backendRefs", |backend| {
            backend_ref(backend);
            missing(backend, "weight", json!(1));
            each(backend, "/filters", filter);
        });
    });
}

fn backend_ref(backend: &mut Value) {
    missing(backend, "group", json!(""));
    missing(backend, "kind", json!("Service"));
}

fn filter(filter: &mut Value) {
    if let Some(backend) = filter.pointer_mut("/requestMirror/backendRef") {
        backend_ref(backend);
    }
    if let Some(redirect) = filter.get_mut("requestRedirect") {
        missing(redirect, "statusCode", json!(302));
    }
}
