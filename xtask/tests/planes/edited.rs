//! Data planes with what the rule table does not say: their configuration is edited after it is written.

use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::Command;
use xtask::testbed::plane::{DataPlane, Options, Reload, Settings};

use crate::Plane;

/// A data plane whose configuration is edited.
struct Edited<F> {
    plane: Plane,
    edit: F,
}

/// This data plane with its configuration changed by `edit`, which gets the text, the settings and the directory of the
/// files, and must change something. It lasts as long as the test's process.
pub(crate) fn edited(
    plane: Plane,
    edit: impl Fn(&str, &Settings<'_>, &Path) -> Result<String> + Sync + 'static,
) -> Plane {
    Box::leak(Box::new(Edited { plane, edit }))
}

/// Where the data plane's configuration is, unless it is made of several files.
fn file(plane: Plane) -> Result<&'static str> {
    let known = ["envoy.yaml", "nginx.conf", "haproxy.cfg"];
    let found = known.into_iter().find(|file| file.starts_with(plane.name()));
    found.with_context(|| format!("nobody knows how to edit the configuration of {}", plane.name()))
}

impl<F: Fn(&str, &Settings<'_>, &Path) -> Result<String> + Sync> DataPlane for Edited<F> {
    fn name(&self) -> &'static str {
        self.plane.name()
    }

    fn title(&self) -> &'static str {
        self.plane.title()
    }

    fn configure(&self, settings: &Settings<'_>, dir: &Path) -> Result<()> {
        self.plane.configure(settings, dir)?;
        let path = dir.join(file(self.plane)?);
        let before = std::fs::read_to_string(&path)?;
        let after = (self.edit)(&before, settings, dir)?;
        ensure!(before != after, "nothing was edited in\n{before}");
        std::fs::write(&path, after).context("cannot write the configuration")
    }

    fn command(&self, options: &Options, dir: &Path) -> Result<Command> {
        self.plane.command(options, dir)
    }

    fn reload(&self) -> Reload {
        self.plane.reload()
    }
}
