//! One observer at a time: tests that load probes and drive traffic share few cores, whatever runner starts them.

use crate::workspace;
use anyhow::{Context as _, Result};
use std::fs::File;

/// Waits for the lock file in the target directory; the turn is over when the value is dropped.
pub(super) fn wait() -> Result<File> {
    workspace::lock("observer.lock").context("cannot wait for other observers")
}
