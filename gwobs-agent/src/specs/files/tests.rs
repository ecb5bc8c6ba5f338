use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};

use super::{Found, find, read};

fn tree(files: &[&str]) -> TempDir {
    let root = tempdir().expect("a directory");
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, file).expect("written");
    }
    root
}

fn names(found: &[Found], root: &Path) -> Vec<String> {
    found
        .iter()
        .map(|f| f.path.strip_prefix(root).expect("below the root").display().to_string())
        .collect()
}

#[test]
fn manifests_of_a_directory_by_name_hidden_ones_left_out() {
    let root = tree(&[
        "b.yaml",
        "a/z.YML",
        "a/x.json",
        "c.txt",
        ".d.yaml",
        "..2026/e.yaml",
        "f.yaml.bak",
    ]);
    let found = find(&[root.path().to_owned()]).expect("readable");
    assert_eq!(names(&found, root.path()), ["a/x.json", "a/z.YML", "b.yaml"]);
}

#[test]
fn a_named_file_may_have_any_name_and_paths_keep_their_order() {
    let root = tree(&["z.txt", "a/b.yaml", ".hidden"]);
    let at = |name: &str| root.path().join(name);
    let found = find(&[at("z.txt"), at("a"), at(".hidden")]).expect("readable");
    assert_eq!(names(&found, root.path()), ["z.txt", "a/b.yaml", ".hidden"]);
}

#[test]
fn links_are_followed_and_loops_end() {
    let root = tree(&["real/a.yaml"]);
    symlink(root.path().join("real"), root.path().join("link")).expect("linked");
    symlink(root.path(), root.path().join("real/up")).expect("linked");
    symlink("nowhere", root.path().join("gone.yaml")).expect("linked");
    let found = find(&[root.path().to_owned()]).expect("readable");
    assert_eq!(names(&found, root.path()), ["link/a.yaml"], "each directory once");
}

#[test]
fn what_is_missing_is_named() {
    let missing = PathBuf::from("/nonexistent/manifests");
    let error = find(&[missing]).expect_err("missing").to_string();
    assert!(error.starts_with("/nonexistent/manifests: "), "{error}");
}

#[test]
fn a_swapped_link_and_a_rename_change_the_stamp() {
    let root = tree(&["..one/m.yaml", "..two/m.yaml"]);
    let at = |name: &str| root.path().join(name);
    symlink("..one", at("..data")).expect("linked");
    symlink("..data/m.yaml", at("m.yaml")).expect("linked");
    let before = find(&[root.path().to_owned()]).expect("readable");
    assert_eq!(before, find(&[root.path().to_owned()]).expect("readable"));
    symlink("..two", at("..new")).expect("linked");
    fs::rename(at("..new"), at("..data")).expect("swapped");
    let after = find(&[root.path().to_owned()]).expect("readable");
    assert_eq!(names(&after, root.path()), ["m.yaml"]);
    assert_ne!(before, after);
}

#[test]
fn text_must_be_utf8() {
    let root = tree(&["a.yaml"]);
    let path = root.path().join("a.yaml");
    assert_eq!(read(&path).expect("readable"), "a.yaml");
    fs::write(&path, [0xff, 0xfe]).expect("written");
    assert!(
        read(&path)
            .expect_err("refused")
            .to_string()
            .ends_with("a.yaml: not UTF-8 text")
    );
}
