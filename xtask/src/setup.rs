//! `cargo xtask setup`: from a bare Debian 12 or Ubuntu with rustup, the C linker that rustup asks for (`apt-get install
//! gcc libc6-dev`), and root, to where everything builds and runs.
//!
//! Each [`Part`] knows whether it is in place (a look at files, no network) and how to get it. What cannot be had is
//! named together with what will not work without it; the other parts are still installed.

pub mod bpf_compiler;
pub mod bpf_linker;
mod debian;
pub mod package;
pub mod prometheus;
pub mod wheel;

use crate::command::on_path;
use crate::{say, versions, workspace};
use anyhow::{Result, bail};
use std::time::Instant;

/// One thing that the project needs on the machine.
pub trait Part {
    /// What it is, with its version where one is pinned.
    fn name(&self) -> String;
    /// What does not work without it.
    fn needed_for(&self) -> &'static str;
    /// Where it was found, if it is in place. Looks at local files only.
    fn found(&self) -> Option<String>;
    /// Gets it. Called only when it was not found.
    fn install(&self) -> Result<()>;
}

/// Everything, in the order in which it is installed: the linker needs the compilers.
fn parts() -> Vec<Box<dyn Part>> {
    let mut parts = builders();
    parts.extend(
        versions::WHEELS
            .iter()
            .map(|wheel| Box::new(wheel::DataPlane(*wheel)) as Box<dyn Part>),
    );
    parts.extend(
        versions::TOOLS
            .iter()
            .map(|wheel| Box::new(wheel::Tool(*wheel)) as Box<dyn Part>),
    );
    parts.push(Box::new(prometheus::Prometheus));
    if package::Package::is_possible() {
        let builds = versions::DEBIAN_BUILDS.iter();
        parts.extend(builds.map(|build| Box::new(package::Package(*build)) as Box<dyn Part>));
    }
    parts
}

/// What the BPF programs are built with.
fn builders() -> Vec<Box<dyn Part>> {
    vec![Box::new(bpf_compiler::BpfCompiler), Box::new(bpf_linker::BpfLinker)]
}

/// `cargo xtask setup`: says every part, installs what is missing.
pub fn run() -> Result<()> {
    say::heading("Setting up");
    let start = Instant::now();
    // Two runs must not unpack over each other.
    let _lock = workspace::lock("setup.lock")?;
    let missing: Vec<_> = parts()
        .into_iter()
        .filter(|part| !say_if_found(part.as_ref()))
        .collect();
    install(&missing)?;
    say::done("everything is in place", &say::seconds(start.elapsed()));
    Ok(())
}

/// What `test`, `demo` and `bench` do first: nothing to see when everything is in place.
pub fn ensure() -> Result<()> {
    if parts().iter().all(|part| part.found().is_some()) {
        return Ok(());
    }
    run()
}

/// The same for what only builds.
pub fn ensure_build() -> Result<()> {
    let missing: Vec<_> = builders().into_iter().filter(|part| part.found().is_none()).collect();
    install(&missing)
}

/// Debian's load generator, which only the bench needs; false where it cannot be had.
pub fn has_wrk() -> bool {
    on_path("wrk") || say::step("wrk, from Debian", || debian::install(&["wrk"])).is_ok()
}

fn say_if_found(part: &dyn Part) -> bool {
    match part.found() {
        Some(place) => {
            say::done(&part.name(), &place);
            true
        }
        None => false,
    }
}

/// Installs each part, then fails with all that could not be had.
fn install(missing: &[Box<dyn Part>]) -> Result<()> {
    let mut lacking = Vec::new();
    for part in missing {
        if let Err(error) = say::step(&part.name(), || part.install()) {
            lacking.push(format!(
                "{}: {error:#}\n  Without it: no {}.",
                part.name(),
                part.needed_for()
            ));
        }
    }
    if !lacking.is_empty() {
        bail!("could not get everything:\n{}", lacking.join("\n"));
    }
    Ok(())
}
