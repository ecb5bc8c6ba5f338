//! Core objects that backends resolve to: Service, EndpointSlice, Namespace, and ServiceImport of the multi-cluster API.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::ObjectName;
use crate::model::Meta;

/// A Service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Metadata.
    pub meta: Meta,
    /// `spec.type`
    pub kind: ServiceType,
    /// `spec.ports`
    pub ports: Vec<ServicePort>,
    /// `spec.clusterIPs` (and `clusterIP`) without `None`.
    pub cluster_ips: Vec<IpAddr>,
    /// True if `clusterIP: None`.
    pub headless: bool,
    /// External and load balancer addresses (`spec.externalIPs`, `status.loadBalancer.ingress[].ip`).
    pub external_ips: Vec<IpAddr>,
    /// `spec.externalName`
    pub external_name: Option<Arc<str>>,
    /// True if `spec.selector` is set: Kubernetes itself makes the EndpointSlices.
    pub has_selector: bool,
}

/// `spec.type` of a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceType {
    /// `ClusterIP`
    ClusterIp,
    /// `NodePort`
    NodePort,
    /// `LoadBalancer`
    LoadBalancer,
    /// `ExternalName`
    ExternalName,
}

/// `spec.ports[]` of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServicePort {
    /// `name`, `None` or empty for the only port.
    pub name: Option<Arc<str>>,
    /// `port`
    pub port: u16,
    /// `targetPort`
    pub target: TargetPort,
    /// `protocol`
    pub transport: Transport,
    /// `appProtocol`
    pub app_protocol: Option<AppProtocol>,
}

/// `targetPort`
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetPort {
    /// The same as `port`.
    Same,
    /// A number.
    Number(u16),
    /// A container port's name.
    Name(Arc<str>),
}

/// `protocol` of a Service or endpoint port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `TCP`
    Tcp,
    /// `UDP`
    Udp,
    /// `SCTP`
    Sctp,
}

/// `appProtocol` (GEP-1911).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AppProtocol {
    /// `kubernetes.io/h2c`
    H2c,
    /// `kubernetes.io/ws`
    WebSocket,
    /// `kubernetes.io/wss`
    WebSocketTls,
    /// Any other.
    Other(Arc<str>),
}

/// An EndpointSlice (`discovery.k8s.io/v1`).
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointSlice {
    /// Metadata.
    pub meta: Meta,
    /// The Service it belongs to (label `kubernetes.io/service-name`), in the slice's namespace.
    pub service: Option<ObjectName>,
    /// The ServiceImport it belongs to (label `multicluster.kubernetes.io/service-name`).
    pub service_import: Option<ObjectName>,
    /// `endpoints`; `None` if the field is left out (a manifest whose endpoints are filled in later), which tells nothing;
    /// `null` and `[]` are `Some` of nothing, as the API server writes a Service without pods.
    pub endpoints: Option<Vec<Endpoint>>,
    /// `ports`; empty means no port is open.
    pub ports: Vec<EndpointPort>,
}

impl EndpointSlice {
    /// True if addresses, conditions and ports are all understood.
    pub(crate) fn is_understood(&self) -> bool {
        let matters = |path: &String| {
            path == "endpoints"
                || path.starts_with("ports")
                || path.starts_with("addressType")
                || path.contains(".addresses")
                || path.contains(".conditions")
        };
        self.endpoints.is_some() && !self.meta.unknown.iter().any(matters)
    }
}

/// `endpoints[]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `addresses` that are IP addresses; IPv4-mapped ones as IPv4.
    pub addresses: Vec<IpAddr>,
    /// `addresses` of a slice of type `FQDN`.
    pub names: Vec<Arc<str>>,
    /// `conditions.ready`; unset means ready.
    pub ready: Option<bool>,
    /// `conditions.serving`
    pub serving: Option<bool>,
    /// `conditions.terminating`
    pub terminating: Option<bool>,
    /// `targetRef`, if it is a Pod.
    pub pod: Option<ObjectName>,
}

/// `ports[]` of an EndpointSlice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointPort {
    /// `name`, the same as that of the Service's port.
    pub name: Option<Arc<str>>,
    /// `port`; `None` means all ports.
    pub port: Option<u16>,
    /// `protocol`
    pub transport: Transport,
    /// `appProtocol`
    pub app_protocol: Option<AppProtocol>,
}

/// A ServiceImport (`multicluster.x-k8s.io`).
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceImport {
    /// Metadata.
    pub meta: Meta,
    /// `spec.ports`
    pub ports: Vec<ServicePort>,
    /// `spec.ips`
    pub ips: Vec<IpAddr>,
}

/// A Namespace.
#[derive(Debug, Clone, PartialEq)]
pub struct Namespace {
    /// Metadata; the object's namespace is empty.
    pub meta: Meta,
    /// Labels, with `kubernetes.io/metadata.name` as the API server sets it.
    pub labels: BTreeMap<String, String>,
}
