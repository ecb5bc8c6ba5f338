use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gwobs_route::model::Object;
use tempfile::{TempDir, tempdir};

use super::{Broken, Manifests, Poll};
use crate::specs::Loaded;

fn service(name: &str, port: &str) -> String {
    format!("---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: {port}}}]}}\n")
}

fn ports(loaded: &Loaded) -> Vec<u16> {
    let port = |object: &Object| match object {
        Object::Service(service) => service.ports.first().map_or(0, |one| one.port),
        other => panic!("{other:?}"),
    };
    loaded.objects.iter().map(port).collect()
}

/// Two looks: one sees the change, one sees that it is over.
fn settled(manifests: &mut Manifests) -> Poll {
    assert!(matches!(manifests.poll(), Poll::Unchanged), "the first look waits");
    manifests.poll()
}

fn changed(manifests: &mut Manifests) -> Vec<u16> {
    match settled(manifests) {
        Poll::Changed(loaded) => ports(&loaded),
        other => panic!("{other:?}"),
    }
}

fn broken(manifests: &mut Manifests) -> String {
    match settled(manifests) {
        Poll::Broken(broken) => broken.to_string(),
        other => panic!("{other:?}"),
    }
}

fn opened(text: &str) -> (TempDir, PathBuf, Manifests) {
    let root = tempdir().expect("a directory");
    let path = root.path().join("m.yaml");
    fs::write(&path, text).expect("written");
    let (manifests, _) = Manifests::open(vec![root.path().to_owned()]).expect("opened");
    (root, path, manifests)
}

fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).expect("written");
    fs::rename(&new, path).expect("renamed");
}

#[test]
fn a_change_is_read_once_it_is_over() {
    let (_root, path, mut manifests) = opened(&service("a", "1"));
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    replace(&path, &service("a", "2"));
    assert_eq!(changed(&mut manifests), [2]);
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    fs::write(&path, service("a", "3456")).expect("written");
    assert_eq!(changed(&mut manifests), [3456]);
}

#[test]
fn files_come_and_go() {
    let (root, path, mut manifests) = opened(&service("a", "1"));
    fs::write(root.path().join("z.yaml"), service("b", "2")).expect("written");
    assert_eq!(changed(&mut manifests), [1, 2]);
    fs::remove_file(&path).expect("removed");
    assert_eq!(changed(&mut manifests), [2]);
    fs::remove_file(root.path().join("z.yaml")).expect("removed");
    assert!(broken(&mut manifests).starts_with("no manifests"));
}

#[test]
fn a_mounted_config_map_is_swapped() {
    let root = tempdir().expect("a directory");
    let at = |name: &str| root.path().join(name);
    for (generation, port) in [("..1", "1"), ("..2", "2")] {
        fs::create_dir(at(generation)).expect("made");
        fs::write(at(generation).join("m.yaml"), service("a", port)).expect("written");
    }
    symlink("..1", at("..data")).expect("linked");
    symlink("..data/m.yaml", at("m.yaml")).expect("linked");
    let (mut manifests, loaded) = Manifests::open(vec![root.path().to_owned()]).expect("opened");
    assert_eq!(ports(&loaded), [1]);
    symlink("..2", at("..data_tmp")).expect("linked");
    fs::rename(at("..data_tmp"), at("..data")).expect("swapped");
    assert_eq!(changed(&mut manifests), [2]);
}

#[test]
fn a_broken_edit_is_told_once_and_mended() {
    let (_root, path, mut manifests) = opened(&service("a", "1"));
    replace(&path, "a: [1\n");
    assert!(broken(&mut manifests).contains("m.yaml:"));
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    replace(&path, &service("a", "2"));
    assert_eq!(changed(&mut manifests), [2]);
}

#[test]
fn an_edit_that_an_api_server_would_refuse_is_not_taken() {
    let (_root, path, mut manifests) = opened(&service("a", "1"));
    replace(&path, &service("a", "one"));
    assert!(broken(&mut manifests).contains("Service default/a: spec.ports.0.port"));
    replace(&path, &service("a", "2"));
    assert_eq!(changed(&mut manifests), [2]);
}

#[test]
fn what_was_refused_from_the_start_does_not_stop_later_changes() {
    let bad = service("bad", "one");
    let (_root, path, mut manifests) = opened(&format!("{}{bad}", service("a", "1")));
    replace(&path, &format!("{}{bad}", service("a", "2")));
    assert_eq!(changed(&mut manifests), [2, 0]);
}

#[test]
fn a_path_that_goes_away_is_told_once() {
    let (root, _path, mut manifests) = opened(&service("a", "1"));
    let kept = root.keep();
    let moved = kept.with_extension("moved");
    fs::rename(&kept, &moved).expect("moved");
    assert!(matches!(settled(&mut manifests), Poll::Broken(Broken::Load(_))));
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    fs::rename(&moved, &kept).expect("moved back");
    assert!(matches!(manifests.poll(), Poll::Unchanged));
    fs::remove_dir_all(kept).expect("removed");
}
