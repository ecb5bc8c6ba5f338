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
