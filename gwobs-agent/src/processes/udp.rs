//! UDP sockets that processes listen on: where HTTP/3 comes in, which nobody reads here.

use std::collections::BTreeSet;
use std::fs;

/// Which of these ports the process listens on by UDP: sockets of its own that are bound and not connected. A process that
/// ended listens on none.
pub fn udp_listeners(pid: u32, ports: &BTreeSet<u16>) -> BTreeSet<u16> {
    let tables = ["udp", "udp6"].map(|table| fs::read_to_string(format!("/proc/{pid}/net/{table}")));
    let bound: Vec<Bound> = tables
        .iter()
        .flatten()
        .flat_map(|text| text.lines().filter_map(Bound::parse))
        .filter(|bound| ports.contains(&bound.port))
        .collect();
    // The table is that of the network namespace; whose a socket is only the descriptors tell, of which there may be many.
    if bound.is_empty() {
        return BTreeSet::new();
    }
    let own = sockets(pid);
    let of_process = bound.into_iter().filter(|bound| own.contains(&bound.inode));
    of_process.map(|bound| bound.port).collect()
}

/// A socket without a peer.
#[derive(Debug, PartialEq, Eq)]
struct Bound {
    port: u16,
    inode: u64,
}

impl Bound {
    /// A line of `/proc/net/udp` (proc(5)): number, local address, remote address, state, queues, timer, retransmits, user,
    /// timeout, inode.
    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?;
        let remote = fields.next()?;
        let inode = fields.nth(6)?.parse().ok()?;
        let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
        (port(remote)? == 0).then_some(())?;
        Some(Self {
            port: port(local)?,
            inode,
        })
    }
}

/// Inodes of the sockets that a process has open.
fn sockets(pid: u32) -> BTreeSet<u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        let number = target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
        number.parse().ok()
    };
    descriptors.filter_map(inode).collect()
}

#[cfg(test)]
mod tests;
