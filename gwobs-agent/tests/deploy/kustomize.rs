//! The plain manifests: what the chart renders with its own values, so that the two cannot differ.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::chart::render;
use super::deploy;
use super::manifest::{check, documents, title};

/// Without what only a release has.
fn plain(manifests: Vec<Value>) -> BTreeMap<String, Value> {
    manifests
        .into_iter()
        .map(|manifest| (title(&manifest), without_helm(manifest)))
        .collect()
}

fn without_helm(mut manifest: Value) -> Value {
    for pointer in ["/metadata/labels", "/spec/template/metadata/labels"] {
        if let Some(Value::Object(labels)) = manifest.pointer_mut(pointer) {
            labels.retain(|name, _| name != "helm.sh/chart" && name != "app.kubernetes.io/managed-by");
        }
    }
    manifest
}

#[test]
fn the_plain_manifests_are_the_charts() {
    let base = deploy().join("kustomize/base");
    let text = std::fs::read_to_string(base.join("gwobs.yaml")).unwrap();
    let own = documents(&text);
    own.iter().for_each(check);
    let own = plain(own);
    let rendered = plain(documents(&render(&json!({})).unwrap()));
    assert_eq!(own.keys().collect::<Vec<_>>(), rendered.keys().collect::<Vec<_>>());
    for (name, manifest) in &rendered {
        assert_eq!(
            own[name], *manifest,
            "{name} in deploy/kustomize/base differs from the chart"
        );
    }
}

/// A JSON patch (RFC 6902) as far as the overlays use it: `test` and `remove` of an item of an array.
fn patch(manifest: &mut Value, operations: &Value) {
    for operation in operations.as_array().unwrap() {
        let path = operation["path"].as_str().unwrap();
        let (array, index) = path.rsplit_once('/').unwrap();
        let (index, array) = (index.parse::<usize>().unwrap(), manifest.pointer_mut(array).unwrap());
        match operation["op"].as_str().unwrap() {
            "test" => assert_eq!(array[index], operation["value"], "{path}"),
            "remove" => drop(array.as_array_mut().unwrap().remove(index)),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn the_overlay_with_certificates_is_the_chart_that_reads_secrets() {
    let directory = deploy().join("kustomize");
    let read = |path: &str| documents(&std::fs::read_to_string(directory.join(path)).unwrap());
    let mut own = plain(read("base/gwobs.yaml"));
    let kustomization = read("certificates/kustomization.yaml").remove(0);
    let change = kustomization["patches"][0].clone();
    let operations = documents(change["patch"].as_str().unwrap()).remove(0);
    let name = "DaemonSet gwobs-system/gwobs";
    assert_eq!(change["target"], json!({"kind": "DaemonSet", "name": "gwobs"}));
    patch(own.get_mut(name).unwrap(), &operations);
    let values = json!({"rbac": {"secrets": {"namespaces": ["*"]}}});
    let rendered = plain(documents(&render(&values).unwrap()));
    assert_eq!(own[name], rendered[name]);
}

#[test]
fn kustomizations_name_files_that_exist() {
    for directory in ["base", "certificates"] {
        let directory = deploy().join("kustomize").join(directory);
        let text = std::fs::read_to_string(directory.join("kustomization.yaml")).unwrap();
        let kustomization = documents(&text).remove(0);
        for resource in kustomization["resources"].as_array().unwrap() {
            let path = directory.join(resource.as_str().unwrap());
            assert!(path.exists(), "{} is missing", path.display());
        }
    }
}
