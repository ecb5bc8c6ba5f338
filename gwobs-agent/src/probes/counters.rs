//! The kernel-side counters as the agent reads them.

use aya::maps::{Array, MapData, PerCpuArray};
use gwobs_common::counter::{COUNTERS, Counter, Group};
use gwobs_common::table::{LOST_RING, LOST_TABLE};

use super::ProbeError;
use crate::event::LostReason;

/// All counters at one moment. They only grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    values: [u64; COUNTERS as usize],
    ring_buffer_full: u64,
    table_full: u64,
    malformed: u64,
}

impl Counters {
    pub(super) fn read(
        counters: &PerCpuArray<MapData, u64>,
        lost: &Array<MapData, u64>,
        malformed: u64,
    ) -> Result<Self, ProbeError> {
        let mut values = [0; COUNTERS as usize];
        for (id, value) in (0..COUNTERS).zip(&mut values) {
            *value = counters.get(&id, 0)?.iter().sum();
        }
        Ok(Self {
            values,
            ring_buffer_full: lost.get(&LOST_RING, 0)?,
            table_full: lost.get(&LOST_TABLE, 0)?,
            malformed,
        })
    }

    /// One counter.
    #[must_use]
    pub fn get(&self, counter: Counter) -> u64 {
        self.values.get(counter as usize).copied().unwrap_or_default()
    }

    /// The counters of a group, by the names that metrics use.
    pub fn group(&self, group: Group) -> impl Iterator<Item = (&'static str, u64)> {
        Counter::ALL
            .iter()
            .zip(self.values)
            .filter_map(move |(counter, value)| {
                let (of, name) = counter.describe();
                (of == group).then_some((name, value))
            })
    }

    /// Lost events, by reason.
    pub fn lost(&self) -> impl Iterator<Item = (LostReason, u64)> {
        [
            (LostReason::RingBufferFull, self.ring_buffer_full),
            (LostReason::TableFull, self.table_full),
            (LostReason::Malformed, self.malformed),
        ]
        .into_iter()
    }
}
