//! Which Gateways a pod serves, by its labels.

use std::collections::BTreeMap;
use std::str::FromStr;

use gwobs_route::ObjectName;
use gwobs_route::profile::Profile;

/// A Gateway's own pods (GEP-1762): the Gateway in the pod's namespace.
const GATEWAY_NAME: [&str; 3] = [
    // GEP-1762; Istio, kgateway, NGINX Gateway Fabric, Contour.
    "gateway.networking.k8s.io/gateway-name",
    // Istio before 1.21.
    "istio.io/gateway-name",
    // Contour's provisioner before it wrote the common label.
    "projectcontour.io/owning-gateway-name",
];
/// Envoy Gateway keeps all its pods in its own namespace.
const ENVOY_GATEWAY_NAME: &str = "gateway.envoyproxy.io/owning-gateway-name";
/// The Gateway's namespace.
const ENVOY_GATEWAY_NAMESPACE: &str = "gateway.envoyproxy.io/owning-gateway-namespace";
/// Envoy Gateway with merged Gateways: one set of pods for a whole class.
const ENVOY_GATEWAY_CLASS: &str = "gateway.envoyproxy.io/owning-gatewayclass";

/// Pods that serve all Gateways of a controller: a label and its value, as the projects' own charts set them.
const SHARED: [(&str, &str, Profile); 7] = [
    ("app.kubernetes.io/name", "traefik", Profile::Traefik),
    (
        "app.kubernetes.io/name",
        "nginx-gateway-fabric",
        Profile::NginxGatewayFabric,
    ),
    ("app.kubernetes.io/name", "haproxy-unified-gateway", Profile::Haproxy),
    ("app.kubernetes.io/name", "haproxy-ingress", Profile::Haproxy),
    ("k8s-app", "cilium-envoy", Profile::Cilium),
    // Envoy inside the agent, as Cilium ran it by default before 1.16.
    ("k8s-app", "cilium", Profile::Cilium),
    ("app.kubernetes.io/name", "contour", Profile::Contour),
];

/// What a pod's labels say about the Gateways that it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// This one.
    Gateway(ObjectName),
    /// All of this class.
    Class(String),
    /// All whose class has a controller of this kind.
    Controller(Profile),
}

/// Pods that are data planes although their labels do not say so: `LABEL=VALUE:NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    label: String,
    value: String,
    gateway: ObjectName,
}

impl FromStr for Extra {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected LABEL=VALUE:NAMESPACE/NAME, for example app=edge:infra/web";
        let (selector, gateway) = text.rsplit_once(':').ok_or(EXPECTED)?;
        let (label, value) = selector.split_once('=').ok_or(EXPECTED)?;
        let (namespace, name) = gateway.split_once('/').ok_or(EXPECTED)?;
        let parts = [label, namespace, name];
        if parts.iter().any(|part| part.is_empty()) || name.contains('/') {
            return Err(EXPECTED);
        }
        Ok(Self {
            label: label.to_owned(),
            value: value.to_owned(),
            gateway: ObjectName {
                namespace: namespace.into(),
                name: name.into(),
            },
        })
    }
}

impl Owner {
    /// What the labels of a pod in `namespace` say; nothing for a pod that is no data plane.
    #[must_use]
    pub fn of(namespace: &str, labels: &BTreeMap<String, String>, extras: &[Extra]) -> Option<Self> {
        let label = |name: &str| labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let gateway = |namespace: &str, name: &str| {
            Self::Gateway(ObjectName {
                namespace: namespace.into(),
                name: name.into(),
            })
        };
        let extra = extras.iter().find(|extra| label(&extra.label) == Some(&extra.value));
        if let Some(extra) = extra {
            return Some(Self::Gateway(extra.gateway.clone()));
        }
        if let Some(name) = label(ENVOY_GATEWAY_NAME) {
            return Some(gateway(label(ENVOY_GATEWAY_NAMESPACE).unwrap_or(namespace), name));
        }
        if let Some(class) = label(ENVOY_GATEWAY_CLASS) {
            return Some(Self::Class(class.to_owned()));
        }
        if let Some(name) = GATEWAY_NAME.iter().find_map(|name| label(name)) {
            return Some(gateway(namespace, name));
        }
        let shared = SHARED.iter().find(|(name, value, _)| label(name) == Some(value));
        shared.map(|(_, _, profile)| Self::Controller(*profile))
    }
}
