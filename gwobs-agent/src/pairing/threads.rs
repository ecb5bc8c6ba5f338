//! Learns whether a process handles each request on one thread.
//!
//! Event-loop gateways do, programs with a scheduler of their own (Go) do not. Nothing but the log is asked: a request
//! that was read and answered by one thread *while another thread was active* might have moved and did not. After
//! enough of these without a single exception the process counts as steady, and then the thread is a hard fact: a call
//! on another thread belongs to somebody else. One exception ends that for ever.

use super::limits::THREAD_CONFIRMATIONS;
use crate::exchange::{Half, Stamp};

/// What is known about the threads of one process.
#[derive(Debug, Default)]
pub(super) struct Threads {
    moved: bool,
    confirmations: u32,
    /// The last call, and the last one on any other thread than that.
    recent: [Option<(u32, u64)>; 2],
}

impl Threads {
    /// True if requests never move between threads.
    pub(super) fn steady(&self) -> bool {
        !self.moved && self.confirmations >= THREAD_CONFIRMATIONS
    }

    /// Takes note of a call.
    pub(super) fn saw(&mut self, stamp: Stamp) {
        let [last, other] = &mut self.recent;
        match last {
            Some((tid, order)) if *tid == stamp.tid => *order = stamp.order.max(*order),
            _ => {
                *other = last.take();
                *last = Some((stamp.tid, stamp.order));
            }
        }
    }

    /// Takes note of a request that is being answered.
    pub(super) fn answered(&mut self, downstream: &Half) {
        let (Some(read), Some(answered)) = (downstream.request.head_ended, downstream.response.started) else {
            return;
        };
        if read.tid != answered.tid {
            self.moved = true;
        } else if self.others_since(read) {
            self.confirmations = self.confirmations.saturating_add(1);
        }
    }

    /// Takes note of a request and a call that belong together without doubt.
    pub(super) fn tied(&mut self, downstream: &Half, call: Stamp) {
        self.moved |= downstream.request.head_ended.is_some_and(|read| read.tid != call.tid);
    }

    /// True if another thread than the one of `read` made a call after it.
    fn others_since(&self, read: Stamp) -> bool {
        self.recent
            .iter()
            .flatten()
            .any(|(tid, order)| *tid != read.tid && *order > read.order)
    }
}
