//! Manifests by their types, with nothing left over.

use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The documents of a YAML text that are not empty.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let documents = serde_saphyr::from_multiple::<Value>(yaml).expect("YAML");
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// `kind namespace/name`, for messages and for comparing.
pub(crate) fn title(manifest: &Value) -> String {
    let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str).unwrap_or("");
    format!(
        "{} {}/{}",
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name")
    )
}

/// Panics if a manifest does not fit its type, or has a field that the type does not know.
pub(crate) fn check(manifest: &Value) {
    let text = |name: &str| manifest[name].as_str().unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        ("apps/v1", "DaemonSet") => fits::<DaemonSet>(manifest),
        ("v1", "ConfigMap") => fits::<ConfigMap>(manifest),
        ("v1", "Namespace") => fits::<Namespace>(manifest),
        ("v1", "ServiceAccount") => fits::<ServiceAccount>(manifest),
        ("networking.k8s.io/v1", "NetworkPolicy") => fits::<NetworkPolicy>(manifest),
        ("rbac.authorization.k8s.io/v1", "ClusterRole") => fits::<ClusterRole>(manifest),
        ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding") => fits::<ClusterRoleBinding>(manifest),
        ("rbac.authorization.k8s.io/v1", "Role") => fits::<Role>(manifest),
        ("rbac.authorization.k8s.io/v1", "RoleBinding") => fits::<RoleBinding>(manifest),
        ("scheduling.k8s.io/v1", "PriorityClass") => fits::<PriorityClass>(manifest),
        ("monitoring.coreos.com/v1", "PodMonitor") => fits::<PodMonitor>(manifest),
        ("monitoring.coreos.com/v1", "PrometheusRule") => fits::<PrometheusRule>(manifest),
        (version, kind) => panic!("no type for {version} {kind}"),
    }
}

fn fits<T: DeserializeOwned>(manifest: &Value) {
    let mut left_over = Vec::new();
    let read: Result<T, _> = serde_ignored::deserialize(manifest, |path| left_over.push(path.to_string()));
    if let Err(error) = read {
        panic!("{}: {error}\n{manifest:#}", title(manifest));
    }
    assert!(
        left_over.is_empty(),
        "{} has unknown fields: {left_over:?}",
        title(manifest)
    );
}

/// The parts of the Prometheus operator's kinds that are used here (its API reference, `monitoring.coreos.com/v1`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct PodMonitor {
    api_version: String,
    kind: String,
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    spec: PodMonitorSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct PodMonitorSpec {
    selector: k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
    pod_metrics_endpoints: Vec<PodMetricsEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct PodMetricsEndpoint {
    port: String,
    path: String,
    interval: String,
    honor_labels: bool,
    #[serde(default)]
    relabelings: Vec<Relabeling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct Relabeling {
    target_label: String,
    replacement: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct PrometheusRule {
    api_version: String,
    kind: String,
    metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    spec: RuleGroups,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct RuleGroups {
    groups: Vec<RuleGroup>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct RuleGroup {
    name: String,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only whether it can be read counts")]
struct Rule {
    alert: Option<String>,
    record: Option<String>,
    expr: String,
    r#for: Option<String>,
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}
