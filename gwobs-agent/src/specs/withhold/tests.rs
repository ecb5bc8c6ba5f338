use serde_json::json;

use crate::specs::{load_sources, load_text};

const MANIFESTS: &str = r#"
apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: edge
  namespace: infra
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "{\"data\":{\"tls.key\":\"c2VjcmV0\"}}"}
data: {tls.crt: cHVibGlj, tls.key: c2VjcmV0}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Secret, metadata: {name: other}, stringData: {password: c2VjcmV0}}
- {apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 80}]}}
---
apiVersion: v1
kind: SecretList
items:
- {metadata: {name: third}, data: {token: c2VjcmV0}}
"#;

#[test]
fn what_secrets_hold_is_not_kept() {
    let loaded = load_text("m.yaml", MANIFESTS).expect("YAML");
    let [source] = loaded.sources.as_slice() else {
        panic!("one file")
    };
    assert!(!source.text.contains("c2VjcmV0"), "{}", source.text);
    assert!(source.text.contains("cHVibGlj") && source.text.contains("tls.key"));
}

#[test]
fn the_text_that_is_kept_gives_the_same_objects() {
    let loaded = load_text("m.yaml", MANIFESTS).expect("YAML");
    let again = load_sources(loaded.sources.clone()).expect("YAML");
    assert_eq!(format!("{:?}", again.objects), format!("{:?}", loaded.objects));
    assert_eq!(again.sources, loaded.sources);
    assert_eq!(loaded.objects.len(), 4);
}

#[test]
fn other_files_stay_as_they_are() {
    let text = "# a comment\nkind: Service\napiVersion: v1\nmetadata: {name: web}\nspec: {ports: [{port: 80}]}\n";
    assert_eq!(load_text("m.yaml", text).expect("YAML").sources[0].text, text);
}

#[test]
fn what_is_wiped_holds_no_text() {
    let mut value = json!({"data": {"tls.key": "hunter2"}, "list": ["hunter2", 7], "kind": "Secret"});
    super::wipe(&mut value);
    assert_eq!(value, json!({"data": {"tls.key": ""}, "list": ["", 7], "kind": ""}));
}
