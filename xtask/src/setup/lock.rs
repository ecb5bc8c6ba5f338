//! One setup at a time: two test runs of one target directory must not unpack over each other.

use crate::workspace;
use anyhow::{Context as _, Result};
use std::fs::File;

/// Waits for the lock file in the target directory; the lock is gone when the value is dropped.
pub(super) fn exclusive() -> Result<File> {
    let dir = workspace::target();
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let path = dir.join("setup.lock");
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}
