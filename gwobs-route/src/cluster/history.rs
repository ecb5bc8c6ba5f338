//! When addresses left a Service: a gateway that still sends there is stale, even if another workload has the address now.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use crate::ObjectName;

/// Departures that are remembered: about 20 bytes and two names each, and more than any cluster has within [`MAX_AGE`] while
/// its gateways are worth watching.
const MAX_DEPARTURES: usize = 65_536;
/// How long a departure is remembered, in nanoseconds: one hour. A gateway that is stale for longer has been reported long
/// since, and by then the address is another workload's for good.
const MAX_AGE: u64 = 3_600_000_000_000;

/// See the module. Times are nanoseconds on the caller's clock.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    left_at: HashMap<(IpAddr, ObjectName), u64>,
    /// The same departures in order of time; those that returned since are skipped when their turn comes.
    order: VecDeque<(u64, IpAddr, ObjectName)>,
}

impl History {
    pub(super) fn left(&mut self, addresses: &[IpAddr], service: &ObjectName, at: u64) {
        for &address in addresses {
            self.left_at.insert((address, service.clone()), at);
            self.order.push_back((at, address, service.clone()));
        }
        self.forget(at);
    }

    pub(super) fn returned(&mut self, addresses: &[IpAddr], service: &ObjectName) {
        if self.left_at.is_empty() {
            return;
        }
        for &address in addresses {
            self.left_at.remove(&(address, service.clone()));
        }
    }

    fn forget(&mut self, now: u64) {
        while let Some((at, ..)) = self.order.front() {
            if self.order.len() <= MAX_DEPARTURES && now.saturating_sub(*at) <= MAX_AGE {
                return;
            }
            let Some((at, address, service)) = self.order.pop_front() else {
                return;
            };
            let key = (address, service);
            if self.left_at.get(&key) == Some(&at) {
                self.left_at.remove(&key);
            }
        }
    }

    /// When `address` left `service`, if it did and has not come back.
    pub(super) fn left_at(&self, address: IpAddr, service: &ObjectName) -> Option<u64> {
        if self.left_at.is_empty() {
            return None;
        }
        self.left_at.get(&(address, service.clone())).copied()
    }
}
