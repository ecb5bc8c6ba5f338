//! A control group that is named as a container's.

use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where version 2 is mounted: alone, or beside version 1.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"];

/// A container's control group, as systemd and containerd name it; removed with the value.
pub(super) struct Container {
    id: String,
    /// The pod's group and the container's below it.
    groups: [PathBuf; 2],
}

impl Container {
    /// Puts a process into a group of its own.
    pub(super) fn of(pid: u32) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:08x}{count:08x}{}", std::process::id(), "5a".repeat(24));
        let root = ROOTS.iter().find(|root| Path::new(root).join("cgroup.procs").is_file());
        let Some(root) = root else {
            bail!("control groups of version 2 are mounted at none of {ROOTS:?}");
        };
        let pod = Path::new(root).join(format!("kubepods-gwobs-{}-{count}.slice", std::process::id()));
        let container = pod.join(format!("cri-containerd-{id}.scope"));
        fs::create_dir_all(&container).with_context(|| format!("cannot create {}", container.display()))?;
        let made = Self {
            id,
            groups: [container, pod],
        };
        made.take(pid)?;
        Ok(made)
    }

    /// Puts another process into the same group.
    pub(super) fn take(&self, pid: u32) -> Result<()> {
        let [container, _] = &self.groups;
        let file = container.join("cgroup.procs");
        fs::write(&file, pid.to_string()).with_context(|| format!("cannot put {pid} into {}", file.display()))
    }

    /// The container's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        for group in &self.groups {
            // Whatever still runs in it belongs to a test that failed.
            let _ = fs::remove_dir(group);
        }
    }
}
