//! Debian's and Ubuntu's packages.

use crate::command::{command, on_path, quiet};
use anyhow::{Context as _, Result, bail};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// Installs packages by name; fails clearly where there is no apt, no root, or no such package.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    if !on_path("apt-get") {
        bail!(
            "this is no Debian or Ubuntu; install by hand what corresponds to: {}",
            packages.join(" ")
        );
    }
    // SAFETY: geteuid takes nothing, touches no memory and cannot fail.
    if unsafe { libc::geteuid() } != 0 {
        bail!("needs root; as root: apt-get install {}", packages.join(" "));
    }
    if !packages.iter().all(|package| is_known(package)) {
        quiet(apt().arg("update")).context("package lists cannot be fetched")?;
    }
    quiet(
        apt()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages),
    )
    .map(drop)
}

/// Installs a package whose service must not be started: here and now it is used as a program only.
pub(super) fn install_without_service(package: &str) -> Result<()> {
    // What Debian's maintainer scripts ask before they start a service (invoke-rc.d(8)): 101 forbids it.
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    if Path::new(POLICY).exists() || !on_path("apt-get") {
        return install(&[package]);
    }
    let forbid = || {
        std::fs::write(POLICY, "#!/bin/sh\nexit 101\n")?;
        std::fs::set_permissions(POLICY, Permissions::from_mode(0o755))
    };
    forbid().with_context(|| format!("cannot write {POLICY}"))?;
    let installed = install(&[package]);
    std::fs::remove_file(POLICY).with_context(|| format!("cannot remove {POLICY}"))?;
    installed
}

/// Whether the package lists offer this package, after a refresh when they do not.
pub(super) fn offers(package: &str) -> bool {
    if !on_path("apt-get") {
        return false;
    }
    // Without root or network the lists stay as they are, and so does the answer.
    is_known(package) || (quiet(apt().arg("update")).is_ok() && is_known(package))
}

fn is_known(package: &str) -> bool {
    let policy = quiet(&mut command("apt-cache", ["policy", package])).unwrap_or_default();
    policy
        .lines()
        .any(|line| line.trim().starts_with("Candidate:") && !line.contains("(none)"))
}

fn apt() -> Command {
    let mut apt = command("apt-get", ["--quiet"]);
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    apt
}
