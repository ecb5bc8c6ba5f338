//! Services, EndpointSlices, Namespaces and ServiceImports.

use std::net::IpAddr;
use std::sync::Arc;

use gwobs_route::ObjectName;
use gwobs_route::model::{
    AppProtocol, Endpoint, EndpointPort, EndpointSlice, Namespace, Object, Service, ServiceImport, ServicePort,
    ServiceType, TargetPort, Transport,
};
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1 as discovery;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;
use serde_json::Value;

use super::{envelope, meta, scalar};
use crate::specs::decode::{Misfit, decode};
use crate::specs::notes::{At, Notes};
use crate::specs::object::RawObject;

/// Label of an EndpointSlice that names its Service.
pub(super) const SERVICE_LABEL: &str = "kubernetes.io/service-name";
/// Label of an EndpointSlice that names its ServiceImport (KEP-1645).
pub(super) const SERVICE_IMPORT_LABEL: &str = "multicluster.kubernetes.io/service-name";
/// Label that the API server gives every Namespace.
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// A Service.
pub(super) fn service(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire: core::Service = decode(&raw.value, &mut notes.unknown)?;
    let spec = wire.spec.unwrap_or_default();
    let at = At::Top("spec");
    let headless = spec.cluster_ip.as_deref() == Some("None");
    let external = spec
        .external_ips
        .into_iter()
        .flatten()
        .chain(load_balancer_ips(&raw.value));
    let service = Service {
        kind: service_type(spec.type_.as_deref(), &at.field("type"), notes),
        ports: service_ports(spec.ports.unwrap_or_default(), &at.field("ports"), notes),
        cluster_ips: cluster_ips(spec.cluster_ip, spec.cluster_ips),
        headless,
        external_ips: external.filter_map(|ip| address(&ip)).collect(),
        external_name: spec.external_name.filter(|name| !name.is_empty()).map(Into::into),
        has_selector: spec.selector.is_some_and(|selector| !selector.is_empty()),
        meta: meta::meta(raw, &wire.metadata, raw.value.get("status"), notes),
    };
    Ok(Object::Service(service))
}

fn service_type(wire: Option<&str>, at: &At<'_>, notes: &mut Notes) -> ServiceType {
    match wire.unwrap_or("ClusterIP") {
        "ClusterIP" => ServiceType::ClusterIp,
        "NodePort" => ServiceType::NodePort,
        "LoadBalancer" => ServiceType::LoadBalancer,
        "ExternalName" => ServiceType::ExternalName,
        other => {
            notes.meaningless(at, format!("`{other}` is no type of a Service"));
            ServiceType::ClusterIp
        }
    }
}

fn service_ports(wire: Vec<core::ServicePort>, at: &At<'_>, notes: &mut Notes) -> Vec<ServicePort> {
    let mut ports = Vec::with_capacity(wire.len());
    for (i, one) in wire.into_iter().enumerate() {
        let at = at.index(i);
        let Some(port) = scalar::port(one.port.into(), &at.field("port"), notes) else {
            continue;
        };
        ports.push(ServicePort {
            name: one.name.filter(|name| !name.is_empty()).map(Into::into),
            port,
            target: target_port(one.target_port, &at.field("targetPort"), notes),
            transport: transport(one.protocol.as_deref(), &at.field("protocol"), notes),
            app_protocol: one.app_protocol.map(app_protocol),
        });
    }
    ports
}

fn target_port(wire: Option<IntOrString>, at: &At<'_>, notes: &mut Notes) -> TargetPort {
    match wire {
        None | Some(IntOrString::Int(0)) => TargetPort::Same,
        Some(IntOrString::Int(port)) => {
            scalar::port(port.into(), at, notes).map_or(TargetPort::Same, TargetPort::Number)
        }
        Some(IntOrString::String(name)) if name.is_empty() => TargetPort::Same,
        Some(IntOrString::String(name)) => TargetPort::Name(name.into()),
    }
}

fn transport(wire: Option<&str>, at: &At<'_>, notes: &mut Notes) -> Transport {
    match wire.unwrap_or("TCP") {
        "TCP" => Transport::Tcp,
        "UDP" => Transport::Udp,
        "SCTP" => Transport::Sctp,
        other => {
            notes.meaningless(at, format!("`{other}` is no protocol of a port"));
            Transport::Tcp
        }
    }
}

fn app_protocol(wire: String) -> AppProtocol {
    match wire.as_str() {
        "kubernetes.io/h2c" => AppProtocol::H2c,
        "kubernetes.io/ws" => AppProtocol::WebSocket,
        "kubernetes.io/wss" => AppProtocol::WebSocketTls,
        _ => AppProtocol::Other(wire.into()),
    }
}

fn cluster_ips(one: Option<String>, all: Option<Vec<String>>) -> Vec<IpAddr> {
    let mut ips: Vec<IpAddr> = Vec::new();
    for ip in one
        .into_iter()
        .chain(all.into_iter().flatten())
        .filter_map(|ip| address(&ip))
    {
        if !ips.contains(&ip) {
            ips.push(ip);
        }
    }
    ips
}

fn load_balancer_ips(value: &Value) -> Vec<String> {
    let ingress = value.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    ingress
        .into_iter()
        .flatten()
        .filter_map(|one| one.get("ip")?.as_str().map(str::to_owned))
        .collect()
}

/// An IP address, an IPv4-mapped one as IPv4; `None` for anything else (`None`, a name).
fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// An EndpointSlice.
pub(super) fn endpoint_slice(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire: discovery::EndpointSlice = decode(&raw.value, &mut notes.unknown)?;
    let labels = wire.metadata.labels.clone().unwrap_or_default();
    let owner = |label: &str| owner(labels.get(label)?, raw);
    let endpoints = raw.value.get("endpoints").map(|_| wire.endpoints.unwrap_or_default());
    let ports = wire.ports.unwrap_or_default().into_iter().enumerate();
    let names = wire.address_type == "FQDN";
    let slice = EndpointSlice {
        service: owner(SERVICE_LABEL),
        service_import: owner(SERVICE_IMPORT_LABEL),
        endpoints: endpoints.map(|all| {
            let all = all.into_iter().enumerate();
            all.map(|(i, one)| endpoint(one, names, raw, &At::Top("endpoints").index(i), notes))
                .collect()
        }),
        ports: ports
            .map(|(i, port)| endpoint_port(port, &At::Top("ports").index(i), notes))
            .collect(),
        meta: meta::meta(raw, &wire.metadata, None, notes),
    };
    Ok(Object::EndpointSlice(slice))
}

/// The Service or ServiceImport of that name, in the slice's own namespace.
pub(super) fn owner(name: &str, raw: &RawObject) -> Option<ObjectName> {
    let namespace = Arc::clone(&raw.id.namespace);
    (!name.is_empty()).then(|| ObjectName {
        namespace,
        name: name.into(),
    })
}

fn endpoint(wire: discovery::Endpoint, names: bool, raw: &RawObject, at: &At<'_>, notes: &mut Notes) -> Endpoint {
    let conditions = wire.conditions.unwrap_or_default();
    let pod = wire
        .target_ref
        .filter(|target| target.kind.as_deref() == Some("Pod"))
        .and_then(|target| {
            let namespace = target
                .namespace
                .map_or_else(|| Arc::clone(&raw.id.namespace), Into::into);
            Some(ObjectName {
                namespace,
                name: target.name?.into(),
            })
        });
    let mut endpoint = Endpoint {
        addresses: Vec::new(),
        names: Vec::new(),
        ready: conditions.ready,
        serving: conditions.serving,
        terminating: conditions.terminating,
        pod,
    };
    for (i, text) in wire.addresses.into_iter().enumerate() {
        match address(&text) {
            Some(ip) if !names => endpoint.addresses.push(ip),
            _ if names => endpoint.names.push(text.into()),
            _ => notes.meaningless(
                &at.field("addresses").index(i),
                format!("`{text}` is not an IP address"),
            ),
        }
    }
    endpoint
}

fn endpoint_port(wire: discovery::EndpointPort, at: &At<'_>, notes: &mut Notes) -> EndpointPort {
    EndpointPort {
        name: wire.name.filter(|name| !name.is_empty()).map(Into::into),
        port: scalar::optional_port(wire.port.map(i64::from), &at.field("port"), notes),
        transport: transport(wire.protocol.as_deref(), &at.field("protocol"), notes),
        app_protocol: wire.app_protocol.map(app_protocol),
    }
}

/// A Namespace, with the label that the API server would give it.
pub(super) fn namespace(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire: core::Namespace = decode(&raw.value, &mut notes.unknown)?;
    let mut labels = wire.metadata.labels.clone().unwrap_or_default();
    labels.insert(NAMESPACE_LABEL.to_owned(), raw.id.name.to_string());
    Ok(Object::Namespace(Namespace {
        meta: meta::meta(raw, &wire.metadata, None, notes),
        labels,
    }))
}

/// `spec` of a ServiceImport
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServiceImportSpec {
    ports: Option<Vec<core::ServicePort>>,
    ips: Option<Vec<String>>,
    #[serde(rename = "type")]
    #[expect(
        dead_code,
        reason = "known; headless imports have no addresses, which is seen from their list"
    )]
    kind: Option<String>,
    #[expect(dead_code, reason = "known; the affinity of clients is not a matter of one request")]
    session_affinity: Option<Value>,
    #[expect(dead_code, reason = "known; the affinity of clients is not a matter of one request")]
    session_affinity_config: Option<Value>,
}

/// A ServiceImport.
pub(super) fn service_import(raw: &RawObject, notes: &mut Notes) -> Result<Object, Misfit> {
    let wire = envelope::<ServiceImportSpec>(raw, notes)?;
    let import = ServiceImport {
        ports: service_ports(wire.spec.ports.unwrap_or_default(), &At::Top("spec.ports"), notes),
        ips: wire
            .spec
            .ips
            .into_iter()
            .flatten()
            .filter_map(|ip| address(&ip))
            .collect(),
        meta: meta::meta(raw, &wire.metadata, wire.status.as_ref(), notes),
    };
    Ok(Object::ServiceImport(import))
}
