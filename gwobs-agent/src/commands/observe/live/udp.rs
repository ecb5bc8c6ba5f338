//! Listeners by which requests come in unseen: looked for again and again, for specs and processes change.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::processes::udp_listeners;

/// How often to look.
pub(super) const LOOK: Duration = Duration::from_secs(5);

/// What was told already: process and port.
#[derive(Debug, Default)]
pub(super) struct UdpListeners(BTreeSet<(u32, u16)>);

impl UdpListeners {
    /// The listeners of these processes that were not told yet. `ports`: where a process has listeners by the specs.
    pub(super) fn new_among(
        &mut self,
        processes: &BTreeSet<u32>,
        ports: impl Fn(u32) -> BTreeSet<u16>,
    ) -> Vec<(u32, u16)> {
        self.0.retain(|(pid, _)| processes.contains(pid));
        let of_process = |pid: &u32| {
            let mut wanted = ports(*pid);
            wanted.retain(|port| !self.0.contains(&(*pid, *port)));
            let found = if wanted.is_empty() {
                BTreeSet::new()
            } else {
                udp_listeners(*pid, &wanted)
            };
            let pid = *pid;
            found.into_iter().map(move |port| (pid, port))
        };
        let new: Vec<(u32, u16)> = processes.iter().flat_map(of_process).collect();
        self.0.extend(new.iter().copied());
        new
    }
}
