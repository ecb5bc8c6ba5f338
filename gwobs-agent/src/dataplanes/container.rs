//! Container ids: as a Pod's status writes them, and as control groups are named.

use std::fmt;
use std::fs;

/// Shortest id that is believed: all runtimes use 64 hexadecimal digits.
const DIGITS: usize = 64;

/// A container's id, without the runtime's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerId(String);

impl ContainerId {
    /// Of a Pod's `containerID`: `containerd://…`, `cri-o://…`, `docker://…`.
    #[must_use]
    pub fn of_status(text: &str) -> Option<Self> {
        let (_, id) = text.split_once("://")?;
        Self::parse(id)
    }

    /// Of `/proc/PID/cgroup`. Version 1 has a line for each hierarchy, version 2 one line that begins with `0::`; what
    /// counts is the innermost part of a path that names a container:
    ///
    /// | driver | runtime | name |
    /// |---|---|---|
    /// | systemd | containerd | `cri-containerd-ID.scope` |
    /// | systemd | CRI-O | `crio-ID.scope`; its monitor `crio-conmon-ID.scope` is not in the container |
    /// | systemd | Docker | `docker-ID.scope` |
    /// | systemd, containerd without CRI's prefix | containerd | `…:cri-containerd:ID` |
    /// | cgroupfs | all | `ID`, `crio-ID` |
    ///
    /// From inside a control-group namespace paths begin with `/..`, which changes nothing.
    #[must_use]
    pub fn of_cgroups(text: &str) -> Option<Self> {
        text.lines().find_map(|line| Self::of_path(line.splitn(3, ':').nth(2)?))
    }

    /// Of a process, if it runs in a container.
    #[must_use]
    pub fn of_process(pid: u32) -> Option<Self> {
        Self::of_cgroups(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
    }

    /// Of the path of a control group.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        path.rsplit('/').find_map(Self::of_name)
    }

    fn of_name(name: &str) -> Option<Self> {
        if name.contains("conmon") {
            return None;
        }
        let name = name.strip_suffix(".scope").unwrap_or(name);
        let id = name.rsplit([':', '-']).next()?;
        Self::parse(id)
    }

    fn parse(id: &str) -> Option<Self> {
        let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
        (id.len() == DIGITS && id.bytes().all(is_digit)).then(|| Self(id.to_owned()))
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
