//! `cargo xtask test`, `ci` and `conformance`.

use crate::command::{command, on_path, quiet, shown};
use crate::testbed::gwobs;
use crate::{say, setup, workspace};
use anyhow::{Context as _, Result};
use std::path::Path;
use std::process::Command;

/// The environment variable that names the directory of Gateway API conformance cases.
const SUITE: &str = "GWOBS_CONFORMANCE_SUITE";

/// Every test of the workspace, or those that `args` select. The runner's own closing lines come last.
pub fn run(args: &[String]) -> Result<()> {
    setup::ensure()?;
    build_gwobs()?;
    if args.is_empty() {
        // Before the others, so that an empty list of documentation tests does not close the run.
        shown(cargo(["test", "--quiet", "--doc"]).current_dir(workspace::root()))?;
    }
    shown(runner().args(args))
}

/// What a change must pass: formatting, lints, tests, and cargo-deny where it is installed.
pub fn ci() -> Result<()> {
    setup::ensure()?;
    shown(&mut cargo(["fmt", "--all", "--check"]))?;
    shown(&mut cargo(["clippy", "--all-targets", "--", "--deny", "warnings"]))?;
    deny()?;
    run(&[])
}

/// The conformance cases alone, with the table that the test prints.
pub fn conformance(suite: &Path) -> Result<()> {
    let suite = suite
        .canonicalize()
        .with_context(|| format!("no conformance suite at {}", suite.display()))?;
    setup::ensure()?;
    let mut cargo = cargo([
        "test",
        "--package",
        "gwobs-agent",
        "--test",
        "conformance",
        "--",
        "--nocapture",
    ]);
    shown(cargo.env(SUITE, suite))
}

/// Builds the binary `gwobs`, which the end-to-end tests, the demo, the soak and the bench start, as users have it:
/// optimised. With cargo's own progress. Nothing to do where [`gwobs::BINARY`] names another one.
pub fn build_gwobs() -> Result<()> {
    if gwobs::is_given() {
        return Ok(());
    }
    shown(&mut cargo(BUILD_GWOBS))
}

/// The same without a word, unless it fails.
pub fn build_gwobs_quietly() -> Result<()> {
    if gwobs::is_given() {
        return Ok(());
    }
    quiet(cargo(BUILD_GWOBS).arg("--quiet")).map(drop)
}

const BUILD_GWOBS: [&str; 6] = ["build", "--release", "--package", "gwobs-agent", "--bin", "gwobs"];

/// nextest where it is installed, because it runs a test a process and ends with one summary; else cargo's own runner.
fn runner() -> Command {
    if on_path("cargo-nextest") {
        return cargo(["nextest", "run", "--no-fail-fast"]);
    }
    cargo(["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
}

fn deny() -> Result<()> {
    if !on_path("cargo-deny") {
        say::line("cargo-deny is not installed: licences and advisories are not checked");
        return Ok(());
    }
    shown(&mut cargo(["deny", "check"]))
}

/// Cargo, the one that runs this program, at the workspace's root.
pub fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut cargo = command(&program, args);
    cargo.current_dir(workspace::root());
    cargo
}
