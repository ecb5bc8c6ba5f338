//! The objects of a large cluster, as large as real ones are: with what kubectl and controllers write into them.

use crate::testbed::api::Api;
use anyhow::Result;
use serde_json::{Value, json};

/// How many of each there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) gateways: usize,
    pub(super) routes: usize,
    pub(super) services: usize,
    pub(super) endpoints: usize,
}

const GATEWAY_API: &str = "gateway.networking.k8s.io/v1";
/// Namespaces that everything is spread over.
const NAMESPACES: usize = 100;

fn namespace(index: usize) -> String {
    format!("team-{}", index % NAMESPACES)
}

/// What every object of a cluster carries; the largest part of it is of no use to an agent.
fn metadata(namespace: &str, name: &str) -> Value {
    let fields: Vec<Value> = ["kubectl-client-side-apply", "controller"]
        .iter()
        .map(|manager| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {
                    "f:parentRefs": {}, "f:rules": {}, "f:hostnames": {}, "f:ports": {".": {}, "k:{\"port\":80}": {".": {}}},
                }},
            })
        })
        .collect();
    json!({
        "name": name, "namespace": namespace, "managedFields": fields,
        "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}".repeat(200)},
    })
}

impl Size {
    /// Fills a cluster.
    pub(super) fn apply_all(self, api: &Api) -> Result<()> {
        api.apply(json!({
            "apiVersion": GATEWAY_API, "kind": "GatewayClass", "metadata": {"name": "proxy"},
            "spec": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
        }))?;
        for index in 0..NAMESPACES {
            api.apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(index)}}))?;
        }
        let objects = (0..self.gateways).map(gateway);
        let routes = (0..self.routes).map(|index| self.route(index));
        let services = (0..self.services).map(service);
        let slices = (0..self.services).map(|index| self.slice(index, 0));
        let mut all = objects.chain(routes).chain(services).chain(slices);
        all.try_for_each(|object| api.apply(object))
    }

    fn route(self, index: usize) -> Value {
        let own = namespace(index);
        let rule = |path: String, service: usize| {
            json!({
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{"name": format!("service-{service}"), "namespace": namespace(service), "port": 80}],
            })
        };
        // A Service of the same namespace, so that no grant is due.
        let service = index % self.services;
        let accepted = |kind: &str| {
            json!({
                "type": kind, "status": "True", "reason": kind, "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            })
        };
        let parent = json!({"name": format!("gateway-{}", index % self.gateways), "namespace": "infra"});
        json!({
            "apiVersion": GATEWAY_API, "kind": "HTTPRoute", "metadata": metadata(&own, &format!("route-{index}")),
            "spec": {
                "parentRefs": [parent], "hostnames": [format!("host-{index}.example.com")],
                "rules": [rule("/api".to_owned(), service), rule("/".to_owned(), service)],
            },
            "status": {"parents": [{
                "parentRef": parent, "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
                "conditions": [accepted("Accepted"), accepted("ResolvedRefs")],
            }]},
        })
    }

    /// The endpoints of a Service; `shift` of them have other addresses.
    pub(super) fn slice(self, index: usize, shift: usize) -> Value {
        let count = self.endpoints / self.services;
        let name = format!("service-{index}");
        let endpoints = (0..count).map(|endpoint| {
            let number = index * count + endpoint + if endpoint < shift { 1 << 20 } else { 0 };
            let [_, a, b, c] = u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes();
            json!({
                "addresses": [format!("10.{a}.{b}.{c}")], "conditions": {"ready": true, "serving": true, "terminating": false},
                "nodeName": format!("node-{}", number % 100), "zone": "zone-a",
                "targetRef": {"kind": "Pod", "namespace": namespace(index), "name": format!("{name}-{endpoint}"), "uid": "0"},
            })
        });
        let mut metadata = metadata(&namespace(index), &format!("{name}-x"));
        if let Some(labels) = metadata.pointer_mut("/labels") {
            *labels = json!({"kubernetes.io/service-name": name});
        }
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata, "addressType": "IPv4",
            "endpoints": endpoints.collect::<Vec<_>>(), "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        })
    }
}

fn gateway(index: usize) -> Value {
    json!({
        "apiVersion": GATEWAY_API, "kind": "Gateway", "metadata": metadata("infra", &format!("gateway-{index}")),
        "spec": {"gatewayClassName": "proxy", "listeners": [{
            "name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}},
        }]},
    })
}

fn service(index: usize) -> Value {
    let name = format!("service-{index}");
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(&namespace(index), &name),
        "spec": {
            "selector": {"app": name}, "clusterIP": "None", "ports": [{"name": "http", "port": 80, "targetPort": 8080}],
        },
    })
}
