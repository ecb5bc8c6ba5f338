//! The rule table as Gateway API objects: what should happen.

mod secured;

use super::backend::Backends;
use super::object::set;
use super::passthrough::Door;
use super::plane::Options;
use super::rule::{Action, Filter, Match, Path, Route, Rule};
use super::yaml;
use serde_json::{Value, json};
use std::net::IpAddr;

/// The namespace of all objects.
pub const NAMESPACE: &str = "shop";
/// The Gateway's name.
pub const GATEWAY: &str = "gateway";
/// The port that every Service has.
pub const SERVICE_PORT: u16 = 80;

/// `namespace/name` of the Gateway.
pub fn gateway_name() -> String {
    format!("{NAMESPACE}/{GATEWAY}")
}

/// `namespace/service:port`, as decisions name a backend.
pub fn backend_name(backend: &str) -> String {
    format!("{NAMESPACE}/{backend}:{SERVICE_PORT}")
}

/// All objects as one multi-document YAML file. The listener has the port that the data plane really binds, and ends TLS
/// if the data plane does.
pub fn render(routes: &[Route], port: u16, backends: &Backends, options: &Options) -> String {
    let tls = &options.tls;
    let mut objects = vec![gateway_class(), gateway(port, options)];
    objects.extend(tls.own.iter().map(secured::certificate));
    objects.extend(tls.trusted.iter().map(secured::authority));
    objects.extend(routes.iter().map(http_route));
    objects.extend(options.passthrough.iter().flat_map(Door::objects));
    for backend in backends.iter() {
        let addresses: Vec<IpAddr> = backend.endpoints().map(|address| address.ip()).collect();
        objects.push(service(backend.name(), backend.port()));
        objects.push(endpoint_slice(backend.name(), &addresses, backend.port()));
        objects.extend(tls.trusted.iter().map(|_| secured::policy(backend.name())));
    }
    objects
        .iter()
        .map(|object| format!("---\n{}", yaml::document(object)))
        .collect()
}

fn gateway_class() -> Value {
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GatewayClass",
        "metadata": {"name": "testbed"},
        "spec": {"controllerName": "gwobs.test/testbed"},
    })
}

fn gateway(port: u16, options: &Options) -> Value {
    let listener = match options.tls.own {
        Some(_) => secured::listener(port),
        None => json!({"name": "http", "port": port, "protocol": "HTTP"}),
    };
    let passing = options.passthrough.iter().map(Door::listener);
    let listeners: Vec<Value> = std::iter::once(listener).chain(passing).collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "Gateway",
        "metadata": {"name": GATEWAY, "namespace": NAMESPACE},
        "spec": {
            "gatewayClassName": "testbed",
            "listeners": listeners,
        },
    })
}

fn http_route(route: &Route) -> Value {
    let mut spec = json!({
        "parentRefs": [{"name": GATEWAY}],
        "rules": route.rules.iter().map(rule).collect::<Vec<_>>(),
    });
    if !route.hostnames.is_empty() {
        set(&mut spec, "hostnames", json!(route.hostnames));
    }
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": route.name, "namespace": NAMESPACE},
        "spec": spec,
    })
}

fn rule(rule: &Rule) -> Value {
    let mut object = json!({"matches": rule.matches.iter().map(condition).collect::<Vec<_>>()});
    let mut filters: Vec<Value> = rule.filters.iter().map(filter).collect();
    match &rule.action {
        Action::Forward(backends) => {
            let refs = backends.iter().map(|(name, weight)| backend_ref(name, *weight));
            set(&mut object, "backendRefs", refs.collect());
        }
        Action::Redirect { status, host } => filters.push(json!({
            "type": "RequestRedirect",
            "requestRedirect": {"hostname": host, "statusCode": status},
        })),
    }
    if !filters.is_empty() {
        set(&mut object, "filters", Value::Array(filters));
    }
    if rule.retries > 0 {
        set(&mut object, "retry", json!({"codes": [503], "attempts": rule.retries}));
    }
    object
}

fn backend_ref(name: &str, weight: u32) -> Value {
    json!({"name": name, "port": SERVICE_PORT, "weight": weight})
}

fn condition(condition: &Match) -> Value {
    let (kind, value) = match &condition.path {
        Path::Prefix(value) => ("PathPrefix", value),
        Path::Exact(value) => ("Exact", value),
        Path::Regex(value) => ("RegularExpression", value),
    };
    let mut object = json!({"path": {"type": kind, "value": value}});
    if let Some(method) = &condition.method {
        set(&mut object, "method", json!(method));
    }
    if !condition.headers.is_empty() {
        set(&mut object, "headers", pairs(&condition.headers));
    }
    if !condition.query.is_empty() {
        set(&mut object, "queryParams", pairs(&condition.query));
    }
    object
}

fn filter(filter: &Filter) -> Value {
    match filter {
        Filter::ReplacePrefix(path) => rewrite(&json!({"path": {
            "type": "ReplacePrefixMatch", "replacePrefixMatch": path,
        }})),
        Filter::ReplacePath(path) => rewrite(&json!({"path": {"type": "ReplaceFullPath", "replaceFullPath": path}})),
        Filter::ReplaceHost(host) => rewrite(&json!({"hostname": host})),
        Filter::SetHeader(name, value) => modify_headers(&json!({"set": [{"name": name, "value": value}]})),
        Filter::RemoveHeader(name) => modify_headers(&json!({"remove": [name]})),
        Filter::Mirror(backend) => json!({
            "type": "RequestMirror",
            "requestMirror": {"backendRef": {"name": backend, "port": SERVICE_PORT}},
        }),
    }
}

fn rewrite(rewrite: &Value) -> Value {
    json!({"type": "URLRewrite", "urlRewrite": rewrite})
}

fn modify_headers(change: &Value) -> Value {
    json!({"type": "RequestHeaderModifier", "requestHeaderModifier": change})
}

fn pairs(pairs: &[(String, String)]) -> Value {
    pairs
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect()
}

fn service(name: &str, target_port: u16) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"ports": [{"name": "http", "port": SERVICE_PORT, "targetPort": target_port}]},
    })
}

fn endpoint_slice(service: &str, addresses: &[IpAddr], port: u16) -> Value {
    let family = if addresses.iter().all(IpAddr::is_ipv4) {
        "IPv4"
    } else {
        "IPv6"
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": format!("{service}-1"),
            "namespace": NAMESPACE,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "endpoints": addresses.iter().map(|address| {
            json!({"addresses": [address], "conditions": {"ready": true}})
        }).collect::<Vec<_>>(),
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    })
}
