//! From containers to processes: every process tells its control groups in `/proc`.

use std::collections::BTreeMap;
use std::fs;

use super::container::ContainerId;
use crate::output::DataPlane;
use crate::processes::{self, Found};

/// The processes of this node that run in containers, as they are at one moment.
#[derive(Debug, Default)]
pub struct Census(BTreeMap<ContainerId, Vec<Candidate>>);

/// A process in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its id and name.
    pub process: Found,
    /// What it seems to be.
    pub data_plane: DataPlane,
    /// Its parent.
    pub parent: u32,
}

impl Census {
    /// Looks at all processes, for those of these containers.
    #[must_use]
    pub fn take(of: &[ContainerId]) -> Self {
        let mut census = Self::default();
        for process in processes::running() {
            let Some(id) = ContainerId::of_process(process.pid).filter(|id| of.contains(id)) else {
                continue;
            };
            let candidate = Candidate {
                data_plane: processes::data_plane(process.pid, &process.name),
                parent: parent_of(process.pid).unwrap_or(0),
                process,
            };
            census.0.entry(id).or_default().push(candidate);
        }
        census
    }

    /// The processes of a container, by id.
    #[must_use]
    pub fn of(&self, container: &ContainerId) -> &[Candidate] {
        self.0.get(container).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The processes that are proxies, each without those that descend from it: following it follows them. Sidecars are told
/// apart by what they run; if nothing is known for a proxy, all of them may be.
#[must_use]
pub fn proxies<'a>(candidates: &[&'a Candidate]) -> Vec<&'a Found> {
    let is_known = |candidate: &&&Candidate| candidate.data_plane != DataPlane::Unknown;
    let known = candidates.iter().any(|candidate| is_known(&candidate));
    let chosen: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| !known || is_known(candidate))
        .copied()
        .collect();
    let has_parent = |candidate: &&&Candidate| chosen.iter().any(|other| other.process.pid == candidate.parent);
    chosen
        .iter()
        .filter(|candidate| !has_parent(candidate))
        .map(|candidate| &candidate.process)
        .collect()
}

/// The fourth field of `/proc/PID/stat` (proc(5)); the second is a name in parentheses that may hold anything.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}
