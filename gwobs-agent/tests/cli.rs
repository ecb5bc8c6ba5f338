//! The binary as scripts use it: exit codes, and what it says when it cannot work.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BINARY: &str = env!("CARGO_BIN_EXE_gwobs");

const GATEWAY: &str = "\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: infra}
spec:
  gatewayClassName: any
  listeners: [{name: http, port: 80, protocol: HTTP}]
";

fn gwobs(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Ended with this code, wrote nothing to standard output, and said all of this.
fn assert_refused(output: &Output, code: i32, said: &[&str]) {
    let log = stderr(output);
    assert_eq!(output.status.code(), Some(code), "{log}");
    assert_eq!(stdout(output), "", "standard output is for results alone");
    for text in said {
        assert!(log.contains(text), "{text:?} is not in:\n{log}");
    }
}

/// A directory with a manifest file, and that file.
fn manifests(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("routes.yaml");
    fs::write(&file, text).unwrap();
    (directory, file)
}

fn observe(manifests: &Path, gateway: &str) -> Output {
    let manifests = manifests.to_str().unwrap();
    let own = std::process::id().to_string();
    gwobs(&[
        "observe",
        "--manifests",
        manifests,
        "--gateway",
        gateway,
        "--pid",
        &own,
        "-o",
        "jsonl",
    ])
}

#[test]
fn help_and_version_are_answered_on_standard_output() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["observe", "--help"],
        &["check", "--help"],
    ] {
        let output = gwobs(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(stdout(&output).contains("gwobs"), "{arguments:?}");
    }
}

#[test]
fn help_and_version_need_no_privileges() {
    let copy = readable_copy();
    for arguments in [&["--help"][..], &["--version"], &["observe", "--help"]] {
        let output = Command::new(copy.path().join("gwobs"))
            .args(arguments)
            .uid(65_534)
            .gid(65_534)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn usage_errors_end_with_two() {
    for (arguments, said) in [
        (&["observe"][..], "--process NAME, --pid PID or --cgroup PATH"),
        (&["observe", "--pid", "1", "-o", "json"], "table or jsonl"),
        (&["observe", "--pid", "1", "--port-map", "80=1", "81=1"], "mapped twice"),
        (&["observe", "--pid", "1", "--gateway", "infra/web"], "--manifests"),
        (&["check", "--profile", "no-such-plane"], "envoy-gateway"),
        (&["observe", "--no-such-option"], "--no-such-option"),
        (&["no-such-command"], "no-such-command"),
    ] {
        assert_refused(&gwobs(arguments), 2, &[said]);
    }
}

#[test]
fn a_gateway_that_is_not_there_is_named_with_those_that_are() {
    let (_directory, file) = manifests(GATEWAY);
    assert_refused(&observe(&file, "infra/wbe"), 1, &["infra/wbe", "infra/web"]);
}

#[test]
fn yaml_that_does_not_parse_is_named_by_file_and_line() {
    let (_directory, file) = manifests(&format!("{GATEWAY}---\nkind: [HTTPRoute\n"));
    assert_refused(&observe(&file, "infra/web"), 1, &["routes.yaml:8"]);
}

#[test]
fn processes_that_are_not_there_are_named() {
    // The first is above the largest id that Linux gives.
    assert_refused(&gwobs(&["observe", "--pid", "4194305"]), 1, &["4194305"]);
    assert_refused(
        &gwobs(&["observe", "--process", "no-such-process"]),
        1,
        &["no-such-process"],
    );
    assert_refused(
        &gwobs(&["observe", "--cgroup", "no/such/group"]),
        1,
        &["/sys/fs/cgroup/no/such/group"],
    );
}

#[test]
fn missing_capabilities_are_named() {
    let copy = readable_copy();
    let own = std::process::id().to_string();
    let as_nobody = |arguments: &[&str]| {
        Command::new(copy.path().join("gwobs"))
            .args(arguments)
            .uid(65_534)
            .gid(65_534)
            .output()
            .unwrap()
    };
    assert_refused(&as_nobody(&["observe", "--pid", &own]), 1, &["CAP_BPF", "CAP_PERFMON"]);
    let check = as_nobody(&["check"]);
    assert_eq!(check.status.code(), Some(3), "{}", stderr(&check));
    assert!(
        stdout(&check).contains("LACKING  capability CAP_BPF"),
        "{}",
        stdout(&check)
    );
}

#[test]
fn check_tells_what_it_found() {
    let output = gwobs(&["check", "-o", "jsonl"]);
    let needs: Vec<serde_json::Value> = stdout(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for wanted in [
        "kernel",
        "type information",
        "hook sock_recv_length",
        "capability CAP_BPF",
    ] {
        assert!(
            needs.iter().any(|need| need["need"] == wanted),
            "{wanted} is not in {needs:?}"
        );
    }
    let all = needs.iter().all(|need| need["ok"] == true);
    assert_eq!(output.status.code(), Some(if all { 0 } else { 3 }), "{needs:?}");
}

#[test]
fn logs_are_json_where_that_is_asked_for() {
    let output = gwobs(&["observe", "--pid", "4194305", "--log-format", "json"]);
    let line: serde_json::Value = serde_json::from_str(stderr(&output).lines().last().unwrap()).unwrap();
    assert_eq!(
        (&line["level"], &line["message"]),
        (&"ERROR".into(), &"there is no process 4194305".into())
    );
}

/// The binary where any user can read it: a checkout may lie in a directory that is root's alone.
fn readable_copy() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(BINARY, directory.path().join("gwobs")).unwrap();
    directory
}
