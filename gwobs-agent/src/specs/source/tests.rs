use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gwobs_route::{ObjectName, Snapshot};
use tempfile::{TempDir, tempdir};

use super::{Source, Update};

const GATEWAY: &str = "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: gw, namespace: infra}, \
                       spec: {gatewayClassName: c, listeners: [{name: http, port: 80, protocol: HTTP}]}}\n";

fn written(text: &str) -> (TempDir, PathBuf) {
    let root = tempdir().expect("a directory");
    let path = root.path().join("m.yaml");
    fs::write(&path, text).expect("written");
    (root, path)
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::rename(&new, path).expect("renamed");
}

fn name(namespace: &str, name: &str) -> ObjectName {
    ObjectName {
        namespace: namespace.into(),
        name: name.into(),
    }
}

/// Two looks: one sees the change, one sees that it is over.
fn update(source: &mut Source) -> Update {
    assert!(matches!(source.poll(1), Update::Unchanged));
    source.poll(2)
}

fn changed(source: &mut Source) -> Arc<Snapshot> {
    match update(source) {
        Update::Changed { snapshot, .. } => snapshot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gateway_that_is_not_there_is_told_with_those_that_are() {
    let (_root, path) = written(GATEWAY);
    let (source, _) = Source::open(vec![path], None, 0).expect("opened");
    assert_eq!(source.require(&[name("infra", "gw")]), Ok(()));
    let error = source
        .require(&[name("infra", "gw"), name("infra", "other")])
        .expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "Gateway infra/other is not in the specs; there are: infra/gw"
    );
}

#[test]
fn generations_count_up_with_changes_alone() {
    let (_root, path) = written(GATEWAY);
    let (mut source, _) = Source::open(vec![path.clone()], None, 0).expect("opened");
    let first = source.snapshot().generation();
    replace(&path, &format!("# a comment\n{GATEWAY}"));
    assert!(
        matches!(update(&mut source), Update::Unchanged),
        "a comment changes nothing"
    );
    replace(&path, &format!("{GATEWAY}{}", GATEWAY.replace("gw", "second")));
    let second = changed(&mut source);
    assert!(second.generation() > first);
    assert_eq!(second.gateways().count(), 2);
    replace(&path, &GATEWAY.replace("gw", "second"));
    let third = changed(&mut source);
    assert!(third.generation() > second.generation());
    assert_eq!(
        third.gateways().map(ToString::to_string).collect::<Vec<_>>(),
        ["infra/second"]
    );
    assert_eq!(second.gateways().count(), 2, "an older snapshot stays as it was");
}

#[test]
fn a_broken_edit_leaves_the_snapshot_in_force() {
    let (_root, path) = written(GATEWAY);
    let (mut source, _) = Source::open(vec![path.clone()], None, 0).expect("opened");
    let before = Arc::clone(source.snapshot());
    replace(&path, "spec: [");
    assert!(matches!(update(&mut source), Update::Broken(_)));
    assert!(Arc::ptr_eq(&before, source.snapshot()));
}
