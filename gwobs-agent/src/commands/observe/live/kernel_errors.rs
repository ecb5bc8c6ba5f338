//! Programs in the kernel that gave up: counted there, told here.

use gwobs_common::counter::Counter;

use crate::probes::Counters;

/// What leaves no trace among the events; full tables do (`LostReason::TableFull`).
const SILENT: [Counter; 3] = [Counter::KernelRead, Counter::Loop, Counter::TlsTable];

/// The counts that were told already.
#[derive(Debug, Default)]
pub(super) struct KernelErrors([u64; SILENT.len()]);

impl KernelErrors {
    /// What came since the last time.
    pub(super) fn since_last(&mut self, counters: &Counters) -> Vec<(Counter, u64)> {
        let mut new = Vec::new();
        for (counter, told) in SILENT.into_iter().zip(&mut self.0) {
            let count = counters.get(counter);
            let more = count.saturating_sub(std::mem::replace(told, count));
            if more > 0 {
                new.push((counter, more));
            }
        }
        new
    }
}
