//! Debian's own builds of data planes, unpacked into `target/dataplanes` from their packages; nothing is installed, so no
//! service is started.

use super::Part;
use crate::command::{command, on_path, quiet};
use crate::versions::DebianBuild;
use crate::workspace;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The [`Part`] of setup for one such build.
pub struct Package(pub DebianBuild);

impl Package {
    /// Whether this machine has Debian's tools.
    pub fn is_possible() -> bool {
        on_path("apt-get") && on_path("dpkg-deb")
    }

    /// A command that runs the program with the libraries beside it.
    pub fn command(&self) -> Result<Command> {
        let program = self.dir().join(self.0.program);
        ensure!(
            program.is_file(),
            "{} is missing; `cargo xtask setup` fetches it",
            program.display()
        );
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", libraries(&self.dir()));
        Ok(command)
    }

    fn dir(&self) -> PathBuf {
        workspace::dataplanes().join(self.0.plane)
    }
}

impl Part for Package {
    fn name(&self) -> String {
        format!("{}, Debian's build", self.0.plane)
    }

    fn needed_for(&self) -> &'static str {
        "end-to-end test with this build"
    }

    fn found(&self) -> Option<String> {
        let program = self.dir().join(self.0.program);
        let shown = program.strip_prefix(workspace::root()).unwrap_or(&program);
        program.is_file().then(|| shown.display().to_string())
    }

    fn install(&self) -> Result<()> {
        // Unpacked aside and renamed, so that a half-unpacked directory is never taken for a whole one.
        let aside = workspace::dataplanes().join(format!("{}.partial", self.0.plane));
        let _ = std::fs::remove_dir_all(&aside);
        std::fs::create_dir_all(&aside).with_context(|| format!("cannot create {}", aside.display()))?;
        let download = |apt: &mut Command| quiet(apt.arg("download").args(self.0.packages).current_dir(&aside));
        if download(&mut command("apt-get", ["--quiet"])).is_err() {
            quiet(&mut command("apt-get", ["--quiet", "update"])).context("package lists cannot be fetched")?;
            download(&mut command("apt-get", ["--quiet"]))?;
        }
        unpack(&aside, &aside.join("unpacked"))?;
        let _ = std::fs::remove_dir_all(self.dir());
        std::fs::rename(aside.join("unpacked"), self.dir()).context("cannot move the unpacked packages")?;
        std::fs::remove_dir_all(&aside).context("cannot remove the downloaded packages")
    }
}

fn unpack(from: &Path, into: &Path) -> Result<()> {
    let files = std::fs::read_dir(from)?.flatten().map(|entry| entry.path());
    for package in files.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        quiet(command("dpkg-deb", ["--extract"]).arg(package).arg(into))?;
    }
    Ok(())
}

/// Debian's directory of libraries for this architecture.
fn libraries(dir: &Path) -> PathBuf {
    dir.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}
