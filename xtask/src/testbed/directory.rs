//! A directory of one's own under `target/testbed`, kept when a test panics or `GWOBS_TESTBED_KEEP` is set.

use crate::workspace;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Removed with the value, unless its logs are wanted.
pub struct Directory(PathBuf);

impl Directory {
    /// A new empty directory.
    pub fn create() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = workspace::target().join("testbed").join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let keep = std::thread::panicking() || std::env::var_os("GWOBS_TESTBED_KEEP").is_some();
        if !keep {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
