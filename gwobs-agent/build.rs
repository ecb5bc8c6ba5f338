//! Builds the BPF programs and puts them where `probes` embeds them from.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use aya_build::{Package, Toolchain};

/// Debian's `rustc-web` with its prebuilt BPF core, linked into rustup under this name by `cargo xtask setup`.
const DEBIAN: &str = "debian-web";
const NIGHTLY: &str = "nightly";

fn main() -> Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = manifest.parent().context("the agent lies in a workspace")?;
    let programs = root.join("gwobs-ebpf");
    watch(root);
    tell_revision();
    let toolchain = find_toolchain()?;
    require_linker()?;
    // SAFETY: a build script's main thread, no other thread yet.
    // Progress of the inner cargo would be shown as warnings; its warnings and errors are still shown.
    unsafe { env::set_var("CARGO_TERM_QUIET", "true") };
    if toolchain == DEBIAN {
        // SAFETY: as above.
        // Lets the stable compiler take the unstable features of these two crates (inline assembly for BPF); "1" would ask
        // for `-Zbuild-std`.
        unsafe { env::set_var("RUSTC_BOOTSTRAP", "aya_ebpf,gwobs_ebpf") };
    }
    let package = Package {
        name: "gwobs-ebpf",
        root_dir: programs.to_str().context("the path of the workspace is UTF-8")?,
        ..Package::default()
    };
    aya_build::build_ebpf([package], Toolchain::Custom(toolchain))
}

fn watch(root: &Path) {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", root.join("gwobs-common").display());
}

/// `GWOBS_REVISION` for `gwobs --version`: from the environment, else of a release from git. Other builds have none: each
/// commit would build everything anew.
fn tell_revision() {
    println!("cargo:rerun-if-env-changed=GWOBS_REVISION");
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    if env::var_os("GWOBS_REVISION").is_some() || !release {
        return;
    }
    if let Some(log) = git(&["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
    if let Some(revision) = git(&["rev-parse", "--short=12", "HEAD"]) {
        println!("cargo:rustc-env=GWOBS_REVISION={revision}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// A rustup nightly that can build `core`, else Debian's compiler.
fn find_toolchain() -> Result<&'static str> {
    match sysroot(NIGHTLY) {
        Some(nightly) if nightly.join("lib/rustlib/src/rust/library/core").is_dir() => return Ok(NIGHTLY),
        _ => {}
    }
    match sysroot(DEBIAN) {
        Some(debian) if debian.join("lib/rustlib/bpfel-unknown-none").is_dir() => Ok(DEBIAN),
        Some(_) => bail!(
            "cannot build the BPF programs: the toolchain `{DEBIAN}` lacks core for bpfel-unknown-none \
             (Debian package libstd-rust-web-dev-bpf). `cargo xtask setup` installs it."
        ),
        None => bail!(
            "cannot build the BPF programs: found neither a rustup toolchain `{NIGHTLY}` with the component rust-src \
             nor Debian's compiler as rustup toolchain `{DEBIAN}` (package rustc-web). \
             `cargo xtask setup` brings one of them."
        ),
    }
}

fn sysroot(toolchain: &str) -> Option<PathBuf> {
    let output = Command::new("rustup")
        .args(["run", toolchain, "rustc", "--print", "sysroot"])
        .env_remove("RUSTC")
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim_end()))
}

fn require_linker() -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    if env::split_paths(&path).any(|directory| fs::metadata(directory.join("bpf-linker")).is_ok()) {
        return Ok(());
    }
    bail!("cannot build the BPF programs: bpf-linker is not in PATH. `cargo xtask setup` installs it.")
}
