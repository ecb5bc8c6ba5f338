//! Finding the gateway's processes: by id, by name, by control group.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::dataplanes::ContainerId;
use crate::output::DataPlane;

mod similar;
#[cfg(test)]
mod tests;
mod udp;

pub use udp::udp_listeners;

/// A process that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// Process id.
    pub pid: u32,
    /// Command name, at most 15 bytes of it (`TASK_COMM_LEN`).
    pub name: String,
}

/// What to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The process of this id.
    Pid(u32),
    /// All processes whose command name or executable's file name is this.
    Name(String),
    /// All processes of this control group and those below it: absolute, or below the mount point of any hierarchy of
    /// either version; or those of the container of this id.
    Cgroup(PathBuf),
}

/// Why nothing was found.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// No such id.
    #[error("there is no process {0}")]
    Pid(u32),
    /// No such name.
    #[error(
        "no process is named `{name}` (command name or file name of the executable){}",
        similar::hint(similar)
    )]
    Name {
        /// What was looked for.
        name: String,
        /// Names that resemble it.
        similar: Vec<String>,
    },
    /// No such control group.
    #[error("cannot read the control group {}: {source}", path.display())]
    Cgroup {
        /// What was looked for.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// Nothing in the control group.
    #[error("no process is in the control group {}", .0.display())]
    EmptyCgroup(PathBuf),
}

/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// Below it: version 2 alone, version 2 beside version 1, and hierarchies of version 1 that runtimes put every process into.
const HIERARCHIES: [&str; 5] = ["", "unified", "systemd", "pids", "memory"];

/// The processes that the targets name, by id, each once.
///
/// # Errors
/// If a target names none.
pub fn find(targets: &[Target]) -> Result<BTreeSet<Found>, NotFound> {
    let mut found = BTreeSet::new();
    for target in targets {
        match target {
            Target::Pid(pid) => {
                let name = command_name(*pid).ok_or(NotFound::Pid(*pid))?;
                found.insert(Found { pid: *pid, name });
            }
            Target::Name(name) => found.extend(by_name(name)?),
            Target::Cgroup(path) => found.extend(by_cgroup(path)?),
        }
    }
    Ok(found)
}

/// What a process is, by its executable's name or, where that is not readable, its command name.
#[must_use]
pub fn data_plane(pid: u32, name: &str) -> DataPlane {
    match executable_name(pid).as_deref().map(DataPlane::of_command) {
        None | Some(DataPlane::Unknown) => DataPlane::of_command(name),
        Some(known) => known,
    }
}

fn by_name(name: &str) -> Result<Vec<Found>, NotFound> {
    let running = running();
    let wanted: Vec<_> = running
        .iter()
        .filter(|process| is_named(process, name))
        .cloned()
        .collect();
    if wanted.is_empty() {
        let similar = similar::to(name, running.iter().map(|process| process.name.as_str()));
        return Err(NotFound::Name {
            name: name.to_owned(),
            similar,
        });
    }
    Ok(wanted)
}

fn is_named(process: &Found, name: &str) -> bool {
    process.name == name || executable_name(process.pid).as_deref() == Some(name)
}

fn by_cgroup(path: &Path) -> Result<Vec<Found>, NotFound> {
    let group = group_of(path);
    let mut pids = Vec::new();
    if let Err(source) = collect_cgroup(&group, &mut pids) {
        // Not a path but the id of a container, wherever its runtime put it.
        let container = path.to_str().and_then(ContainerId::of_path);
        let found = container.map(|id| by_container(&id)).unwrap_or_default();
        return match found.is_empty() {
            true => Err(NotFound::Cgroup { path: group, source }),
            false => Ok(found),
        };
    }
    let named = |pid| {
        Some(Found {
            pid,
            name: command_name(pid)?,
        })
    };
    let found: Vec<_> = pids.into_iter().filter_map(named).filter(is_other).collect();
    if found.is_empty() {
        Err(NotFound::EmptyCgroup(group))
    } else {
        Ok(found)
    }
}

/// Where a group is mounted. An absolute path below the mount point stays what it is; `/kubepods` is what
/// `/proc/PID/cgroup` writes.
fn group_of(path: &Path) -> PathBuf {
    if path.starts_with(CGROUPS) {
        return path.to_owned();
    }
    let relative = path.strip_prefix("/").unwrap_or(path);
    let mounted = |mount: &&str| Path::new(CGROUPS).join(mount).join(relative);
    let holds_processes = |group: &PathBuf| group.join("cgroup.procs").is_file();
    let found = HIERARCHIES.iter().map(mounted).find(holds_processes);
    found.unwrap_or_else(|| mounted(&""))
}

fn by_container(id: &ContainerId) -> Vec<Found> {
    let inside = |process: &Found| ContainerId::of_process(process.pid).as_ref() == Some(id);
    running().into_iter().filter(inside).collect()
}

fn collect_cgroup(path: &Path, pids: &mut Vec<u32>) -> io::Result<()> {
    let text = fs::read_to_string(path.join("cgroup.procs"))?;
    pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
    for entry in fs::read_dir(path)?.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            // A group below may vanish while we look.
            let _ = collect_cgroup(&entry.path(), pids);
        }
    }
    Ok(())
}

/// All processes but this one.
pub(crate) fn running() -> Vec<Found> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(|pid| {
            Some(Found {
                pid,
                name: command_name(pid)?,
            })
        })
        .filter(is_other)
        .collect()
}

fn is_other(process: &Found) -> bool {
    process.pid != std::process::id()
}

fn command_name(pid: u32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned())
}

/// File name of the executable, without the mark of a file that was replaced since.
fn executable_name(pid: u32) -> Option<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(name.strip_suffix(" (deleted)").map(str::to_owned).unwrap_or(name))
}
