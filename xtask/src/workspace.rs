//! Where things are: the workspace, its target directory, and what was built or fetched into it.

use anyhow::{Context as _, Result};
use std::fs::File;
use std::path::{Path, PathBuf};

/// The workspace's root directory.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// Cargo's target directory, `CARGO_TARGET_DIR` respected.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// Where wheels of data planes are unpacked: `target/dataplanes`.
pub fn dataplanes() -> PathBuf {
    target().join("dataplanes")
}

/// Where wheels of tools for tests are unpacked: `target/tools`.
pub fn tools() -> PathBuf {
    target().join("tools")
}

/// Waits for a lock file in the target directory; the lock is gone when the value is dropped.
pub fn lock(name: &str) -> Result<File> {
    let dir = target();
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let path = dir.join(name);
    let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Cargo's home directory.
pub fn cargo_home() -> PathBuf {
    home("CARGO_HOME", ".cargo")
}

/// Rustup's home directory.
pub fn rustup_home() -> PathBuf {
    home("RUSTUP_HOME", ".rustup")
}

fn home(variable: &str, default: &str) -> PathBuf {
    match std::env::var_os(variable) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(default),
    }
}
