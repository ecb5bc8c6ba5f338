use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use super::*;

/// A process that waits for ever under a name of our choice; ended when dropped.
struct Waiting(Child);

impl Waiting {
    /// `name` as file name of the executable.
    fn named(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("gwobs-processes-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let executable = directory.join(name);
        fs::copy("/bin/sleep", &executable).unwrap();
        let child = Command::new(&executable)
            .arg0("other")
            .arg("1000")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        fs::remove_dir_all(directory).unwrap();
        // The kernel lets the parent go on a moment before the new name is set.
        let short: String = name.chars().take(15).collect();
        while command_name(child.id()).as_ref() != Some(&short) {
            std::thread::yield_now();
        }
        Self(child)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn by_id() {
    let process = Waiting::named("gwobs-a");
    let found = find(&[Target::Pid(process.0.id())]).unwrap();
    assert_eq!(found.first().unwrap().pid, process.0.id());
    assert_eq!(
        find(&[Target::Pid(u32::MAX)]).unwrap_err().to_string(),
        "there is no process 4294967295"
    );
}

#[test]
fn by_name_of_the_executable_even_a_long_one_that_was_replaced() {
    let name = "gwobs-a-name-longer-than-fifteen";
    let (first, second) = (Waiting::named(name), Waiting::named(name));
    let found: Vec<_> = find(&[Target::Name(name.into())])
        .unwrap()
        .into_iter()
        .map(|found| found.pid)
        .collect();
    let mut expected = vec![first.0.id(), second.0.id()];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_name_that_is_not_found_offers_similar_ones() {
    let _process = Waiting::named("gwobs-envoyx");
    let error = find(&[Target::Name("gwobs-envyox".into())]).unwrap_err().to_string();
    assert!(error.starts_with("no process is named `gwobs-envyox`"), "{error}");
    assert!(error.contains("gwobs-envoyx"), "{error}");
}

#[test]
fn the_observer_is_never_found() {
    let own = command_name(std::process::id()).unwrap();
    let found = find(&[Target::Name(own)]).map(|found| found.into_iter().map(|process| process.pid).collect());
    assert!(!found.unwrap_or_else(|_| Vec::new()).contains(&std::process::id()));
}

#[test]
fn a_control_group_that_does_not_exist_is_named() {
    let error = find(&[Target::Cgroup("no/such/group".into())]).unwrap_err().to_string();
    assert!(error.contains("/sys/fs/cgroup/no/such/group"), "{error}");
}

#[test]
fn data_planes_are_told_by_executable_then_by_command() {
    let process = Waiting::named("envoy-static");
    assert_eq!(data_plane(process.0.id(), "wrk"), DataPlane::Envoy);
    assert_eq!(data_plane(u32::MAX, "nginx"), DataPlane::Nginx);
    assert_eq!(data_plane(u32::MAX, "python3"), DataPlane::Unknown);
}

#[test]
fn similar_names() {
    let names = ["envoy", "nginx", "sh", "haproxy", "envoy"];
    assert_eq!(similar::to("Envoi", names.into_iter()), ["envoy"]);
    assert_eq!(similar::to("envoy-proxy", names.into_iter()), ["envoy"]);
    assert_eq!(similar::to("prox", names.into_iter()), ["haproxy"]);
    assert_eq!(similar::to("traefik", names.into_iter()), Vec::<String>::new());
}
