//! `cargo xtask dist`: the binary as the container image holds it, linked statically.

mod bare;
mod trial;

use crate::command::{quiet, shown};
use crate::testbed::gwobs;
use crate::{say, setup, test, workspace};
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

/// Segment type of a program header that names a dynamic linker (`PT_INTERP`, System V ABI).
const INTERPRETER: u32 = 3;

/// Builds `target/dist/gwobs`; with `tries`, also runs it where there is nothing else, which needs root and all of setup
/// ([`gwobs::BINARY`] names another one to be tried).
pub fn run(tries: bool) -> Result<()> {
    let program = match tries && gwobs::is_given() {
        true => gwobs::binary()?,
        false => build()?,
    };
    if tries {
        setup::ensure()?;
        trial::run(&program)?;
    }
    Ok(())
}

/// Builds `target/dist/gwobs`. glibc's resolver reads `/etc/resolv.conf` without shared libraries since 2.34, so names
/// still resolve.
fn build() -> Result<PathBuf> {
    setup::ensure_build()?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let arguments = [
        "build",
        "--release",
        "--package",
        "gwobs-agent",
        "--bin",
        "gwobs",
        "--target",
        &target,
    ];
    let mut build = test::cargo(arguments);
    // Told by variable and not by a file, because only this build is static.
    shown(build.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    let place = keep(&workspace::target().join(&target).join("release/gwobs"))?;
    ensure!(is_static(&place)?, "{} asks for a dynamic linker", place.display());
    let version = quiet(&mut crate::command::command(&place.to_string_lossy(), ["--version"]))?;
    say::done(version.trim(), &place.display().to_string());
    Ok(place)
}

/// Copies the binary to where the Dockerfile takes it from.
fn keep(built: &Path) -> Result<PathBuf> {
    let place = workspace::target().join("dist/gwobs");
    let dir = workspace::target().join("dist");
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    std::fs::copy(built, &place).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(place)
}

/// Whether an ELF file of 64 bits, little-endian, names no dynamic linker.
fn is_static(program: &Path) -> Result<bool> {
    let bytes = std::fs::read(program).with_context(|| format!("cannot read {}", program.display()))?;
    ensure!(
        bytes.starts_with(b"\x7fELF\x02\x01"),
        "{} is no such program",
        program.display()
    );
    let number = |at: usize, length: usize| -> Option<usize> {
        let field = bytes.get(at..at.checked_add(length)?)?;
        field.iter().rev().try_fold(0_usize, |number, byte| {
            number.checked_mul(256)?.checked_add(usize::from(*byte))
        })
    };
    // e_phoff, e_phentsize and e_phnum (System V ABI, "ELF Header").
    let header = || Some((number(32, 8)?, number(54, 2)?, number(56, 2)?));
    let (start, size, count) = header().context("its header is cut off")?;
    let kinds = (0..count).filter_map(|index| number(start.checked_add(index.checked_mul(size)?)?, 4));
    Ok(!kinds.into_iter().any(|kind| kind == INTERPRETER as usize))
}
