//! What `gwobs observe` says when it cannot work: which thing is wrong, and the exit code that scripts rely on.

use anyhow::{Context as _, Result};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use xtask::testbed::directory::Directory;
use xtask::testbed::gwobs;

const GATEWAY: &str = "apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway, namespace: shop}
spec:
  gatewayClassName: any
  listeners:
    - {name: http, port: 80, protocol: HTTP}
";

/// Writes a manifest file and runs `gwobs observe` on it and on this very process.
fn observe(directory: &Directory, manifest: &str, gateway: &str) -> Result<(i32, String, String)> {
    let file = directory.path().join("manifests.yaml");
    std::fs::write(&file, manifest)?;
    let file = file.to_str().context("the target directory is not UTF-8")?;
    let pid = std::process::id().to_string();
    gwobs::run(&[
        "observe",
        "--manifests",
        file,
        "--gateway",
        gateway,
        "--pid",
        &pid,
        "-o",
        "jsonl",
    ])
}

/// Failed, nothing on standard output, and standard error says all of this.
fn assert_fails(run: &(i32, String, String), wanted: &[&str]) {
    let (code, stdout, stderr) = run;
    assert_eq!(*code, 1, "{stderr}");
    assert_eq!(stdout, "", "standard output is for JSONL alone");
    for text in wanted {
        assert!(stderr.contains(text), "{text:?} is not in:\n{stderr}");
    }
}

#[test]
fn version_and_help_need_nothing() -> Result<()> {
    for option in ["--version", "--help"] {
        let (code, stdout, _) = gwobs::run(&[option])?;
        assert_eq!(code, 0);
        assert!(stdout.contains("gwobs"), "{stdout}");
    }
    Ok(())
}

#[test]
fn usage_errors_end_with_2() -> Result<()> {
    for args in [
        &["observe"][..],
        &["observe", "--pid", "abc"],
        &["observe", "--no-such-option"],
        &["no-such-command"],
    ] {
        let (code, _, stderr) = gwobs::run(args)?;
        assert_eq!(code, 2, "{args:?}: {stderr}");
    }
    Ok(())
}

#[test]
fn a_gateway_that_is_not_in_the_manifests_is_named_with_those_that_are() -> Result<()> {
    let directory = Directory::create()?;
    assert_fails(
        &observe(&directory, GATEWAY, "shop/gatewya")?,
        &["shop/gatewya", "shop/gateway"],
    );
    Ok(())
}

#[test]
fn yaml_that_does_not_parse_is_named_by_file_and_line() -> Result<()> {
    let directory = Directory::create()?;
    let broken = format!("{GATEWAY}---\nkind: HTTPRoute\nmetadata: {{name: [broken\n");
    let run = observe(&directory, &broken, "shop/gateway")?;
    assert_fails(&run, &["manifests.yaml"]);
    let (_, _, stderr) = run;
    assert!(
        ["line 9", "line 10", "line 11", ":9", ":10", ":11"]
            .iter()
            .any(|line| stderr.contains(line)),
        "{stderr}"
    );
    Ok(())
}

#[test]
fn a_manifest_path_that_does_not_exist_is_named() -> Result<()> {
    let pid = std::process::id().to_string();
    let run = gwobs::run(&[
        "observe",
        "--manifests",
        "no/such/file.yaml",
        "--gateway",
        "a/b",
        "--pid",
        &pid,
    ])?;
    assert_fails(&run, &["no/such/file.yaml"]);
    Ok(())
}

#[test]
fn a_process_that_is_not_there_is_named() -> Result<()> {
    let directory = Directory::create()?;
    let file = directory.path().join("manifests.yaml");
    std::fs::write(&file, GATEWAY)?;
    let file = file.to_str().context("the target directory is not UTF-8")?;
    let common = ["observe", "--manifests", file, "--gateway", "shop/gateway"];
    // Above the largest pid that Linux gives.
    assert_fails(
        &gwobs::run(&[&common[..], &["--pid", "4194305"]].concat())?,
        &["4194305"],
    );
    assert_fails(
        &gwobs::run(&[&common[..], &["--process", "no-such-proc"]].concat())?,
        &["no-such-proc"],
    );
    Ok(())
}

/// Without root the message says what is missing, before anything about the kernel.
#[test]
fn missing_privileges_are_named() -> Result<()> {
    let copy = readable_copy()?;
    let pid = std::process::id().to_string();
    let mut command = Command::new(&copy.1);
    let output = command
        .args(["observe", "--pid", &pid])
        .uid(65_534)
        .gid(65_534)
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("CAP_BPF") || stderr.contains("root"), "{stderr}");
    Ok(())
}

/// The binary where any user can read it: a checkout may lie in a directory that is root's alone.
fn readable_copy() -> Result<(Removed, PathBuf)> {
    let dir = std::env::temp_dir().join(format!("gwobs-cli-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755))?;
    let copy = dir.join("gwobs");
    std::fs::copy(gwobs::binary()?, &copy)?;
    Ok((Removed(dir), copy))
}

/// A directory that goes with the value.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
