//! The Helm chart.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Parser as _;
use gwobs_agent::cli::Cli;
use serde_json::{Value, json};

use super::deploy;
use super::manifest::{check, documents};

/// Where `cargo xtask setup` unpacks Helm as a library.
const HELM: &str = "GWOBS_HELM";

fn helm() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = std::env::var_os(HELM).map_or_else(|| root.join(target).join("tools/helm-0.2.2"), PathBuf::from);
    assert!(
        path.is_dir(),
        "no Helm at {}: `cargo xtask setup` fetches it",
        path.display()
    );
    path
}

/// Renders the chart as release `gwobs` in namespace `gwobs-system`.
pub(crate) fn render(values: &Value) -> Result<String, String> {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/deploy/render.py");
    let mut python = Command::new("python3")
        .arg(script)
        .arg(deploy().join("helm/gwobs"))
        .args(["gwobs", "gwobs-system"])
        .env("PYTHONPATH", helm())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3");
    let mut input = python.stdin.take().unwrap();
    input.write_all(values.to_string().as_bytes()).unwrap();
    drop(input);
    let output = python.wait_with_output().unwrap();
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).unwrap());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn manifests(values: &Value) -> Vec<Value> {
    documents(&render(values).unwrap())
}

fn of_kind<'a>(manifests: &'a [Value], kind: &str) -> Vec<&'a Value> {
    manifests.iter().filter(|manifest| manifest["kind"] == kind).collect()
}

fn container(manifests: &[Value]) -> &Value {
    let daemon_sets = of_kind(manifests, "DaemonSet");
    let daemon_set = daemon_sets.first().expect("a DaemonSet");
    daemon_set
        .pointer("/spec/template/spec/containers/0")
        .expect("a container")
}

/// Every switch on.
fn everything() -> Value {
    json!({
        "image": {"repository": "example/gwobs", "digest": format!("sha256:{}", "0".repeat(64))},
        "imagePullSecrets": [{"name": "pull"}],
        "agent": {
            "profile": "envoy-gateway", "gatewayPods": ["app=edge:infra/edge"], "cluster": "eu-1", "logFormat": "text",
            "handshakes": {"intervalSeconds": 300, "ports": [9443]},
            "extraEnv": [{"name": "GWOBS_LOG", "value": "debug"}],
        },
        "serviceAccount": {"annotations": {"team": "platform"}},
        "rbac": {"secrets": {"namespaces": ["infra", "shop"]}},
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {"nodeAffinity": {}},
        "networkPolicy": {"scrapeFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}]},
        "podMonitor": {"create": true, "labels": {"release": "prometheus"}},
        "prometheusRule": {"create": true, "labels": {"release": "prometheus"}},
        "dashboards": {"create": true},
    })
}

/// Every switch off.
fn nothing() -> Value {
    json!({
        "serviceAccount": {"create": false},
        "agent": {"handshakes": {"create": false}, "events": false},
        "rbac": {"create": false},
        "priorityClass": {"create": false},
        "networkPolicy": {"create": false},
        "tolerations": [],
    })
}

#[test]
fn every_manifest_fits_its_type() {
    for values in [json!({}), everything(), nothing()] {
        let manifests = manifests(&values);
        manifests.iter().for_each(check);
        assert_eq!(of_kind(&manifests, "DaemonSet").len(), 1);
    }
    let kinds = |values| manifests(&values).len();
    assert_eq!(kinds(nothing()), 1, "only the DaemonSet is left");
    // ServiceAccount, ClusterRole and binding, two Roles and bindings, PriorityClass, NetworkPolicy, PodMonitor,
    // PrometheusRule, ConfigMap, DaemonSet
    assert_eq!(kinds(everything()), 13);
}

#[test]
fn the_agent_takes_its_arguments() {
    for values in [json!({}), everything(), nothing()] {
        let manifests = manifests(&values);
        let arguments = container(&manifests)["args"].as_array().unwrap();
        let arguments = arguments
            .iter()
            .map(|argument| argument.as_str().unwrap().replace("$(NODE_NAME)", "node-a"));
        if let Err(error) = Cli::try_parse_from(std::iter::once("gwobs".to_owned()).chain(arguments)) {
            panic!("{error}");
        }
    }
}

#[test]
fn no_more_rights_than_needed() {
    let manifests = manifests(&json!({}));
    let security = &container(&manifests)["securityContext"];
    assert_eq!(security["privileged"], false);
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["allowPrivilegeEscalation"], false);
    assert_eq!(security["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(
        security["capabilities"]["add"],
        json!(["BPF", "PERFMON", "SYS_PTRACE", "SYS_NICE"])
    );
    for rule in of_kind(&manifests, "ClusterRole")[0]["rules"].as_array().unwrap() {
        let resources = rule["resources"].as_array().unwrap();
        let verbs = match resources.as_slice() {
            [only] if only == "events" => json!(["create", "patch"]),
            _ => json!(["get", "list", "watch"]),
        };
        assert_eq!(rule["verbs"], verbs, "{rule}");
        assert!(
            !resources.contains(&json!("secrets")) && !resources.contains(&json!("*")),
            "{rule}"
        );
    }
}

#[test]
fn secrets_are_read_where_that_was_allowed() {
    let listed = manifests(&json!({"rbac": {"secrets": {"namespaces": ["infra", "shop"]}}}));
    let namespaces: Vec<_> = of_kind(&listed, "Role")
        .iter()
        .map(|role| role["metadata"]["namespace"].clone())
        .collect();
    assert_eq!(namespaces, [json!("infra"), json!("shop")]);
    let all = manifests(&json!({"rbac": {"secrets": {"namespaces": ["*"]}}}));
    assert!(of_kind(&all, "Role").is_empty());
    let rules = of_kind(&all, "ClusterRole")[0]["rules"].to_string();
    assert!(rules.contains("secrets"), "{rules}");
}

/// What is switched off is asked for no rights, and the agent is told.
#[test]
fn secrets_handshakes_and_events_are_switched_in_all_places() {
    let switched = |values: Value| {
        let manifests = manifests(&values);
        let arguments = container(&manifests)["args"].to_string();
        let rules = of_kind(&manifests, "ClusterRole")[0]["rules"].to_string();
        let policy = of_kind(&manifests, "NetworkPolicy")[0]["spec"]["egress"].to_string();
        let off = ["--no-secrets", "--no-handshakes", "--no-events"].map(|flag| arguments.contains(flag));
        let rights = [
            rules.contains("secrets"),
            policy.contains("10443"),
            rules.contains("events"),
        ];
        (off, rights)
    };
    assert_eq!(switched(json!({})), ([true, false, false], [false, true, true]));
    let all = json!({"rbac": {"secrets": {"namespaces": ["*"]}}});
    assert_eq!(switched(all), ([false, false, false], [true, true, true]));
    let none = json!({"agent": {"handshakes": {"create": false}, "events": false}});
    assert_eq!(switched(none), ([true, true, true], [false, false, false]));
}

#[test]
fn old_kernels_get_the_capabilities_they_know() {
    let manifests = manifests(&json!({"legacyCapabilities": true}));
    let added = &container(&manifests)["securityContext"]["capabilities"]["add"];
    assert_eq!(*added, json!(["SYS_PTRACE", "SYS_NICE", "SYS_ADMIN", "SYS_RESOURCE"]));
}

#[test]
fn the_schema_names_the_wrong_value() {
    let wrong = [
        (json!({"agent": {"holdSecond": 2}}), "holdSecond"),
        (json!({"metrics": {"port": 70000}}), "port"),
        (json!({"agent": {"logFormat": "xml"}}), "logFormat"),
        (json!({"image": {"digest": "latest"}}), "digest"),
        (json!({"capabilities": "ALL"}), "capabilities"),
    ];
    for (values, name) in wrong {
        let refusal = render(&values).expect_err("refused");
        assert!(
            refusal.contains("refused:") && refusal.contains(name),
            "{values}: {refusal}"
        );
    }
}

#[test]
fn every_value_has_its_place_in_the_schema() {
    let values = std::fs::read_to_string(deploy().join("helm/gwobs/values.yaml")).unwrap();
    let schema = std::fs::read_to_string(deploy().join("helm/gwobs/values.schema.json")).unwrap();
    let values = documents(&values).remove(0);
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let described = names(&schema["properties"]);
    for name in names(&values) {
        assert!(described.contains(&name), "values.schema.json has no {name}");
    }
}
