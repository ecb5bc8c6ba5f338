//! What could not be read: streams that may carry requests or calls nobody sees, and losses of events.

use std::collections::BTreeMap;

use gwobs_route::Inconclusive;

use super::limits::{LOSS_MEMORY, MAX_UNREADABLE, UNSEEN_MEMORY, nanoseconds};
use crate::event::{Role, Timestamp};
use crate::exchange::Stamp;

/// The last unreadable activity of each thread, by side, and the last loss.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    downstream: Activity,
    upstream: Activity,
    lost: Option<Timestamp>,
}

/// Unreadable activity of one side, by thread; of all threads together once there are too many.
#[derive(Debug, Default)]
struct Activity {
    by_thread: BTreeMap<u32, (Timestamp, Inconclusive)>,
    any: Option<(Timestamp, Inconclusive)>,
}

impl Activity {
    fn note(&mut self, stamp: Stamp, why: Inconclusive) {
        self.any = Some((stamp.time, why));
        if self.by_thread.len() < MAX_UNREADABLE || self.by_thread.contains_key(&stamp.tid) {
            self.by_thread.insert(stamp.tid, (stamp.time, why));
        }
    }

    /// The last activity of one thread, or of any. With too many threads to remember, it is the last of any.
    fn last(&self, thread: Option<u32>) -> Option<(Timestamp, Inconclusive)> {
        match thread {
            Some(tid) if self.by_thread.len() < MAX_UNREADABLE => self.by_thread.get(&tid).copied(),
            _ => self.any,
        }
    }
}

impl Unseen {
    /// Bytes moved on a stream that cannot be read.
    pub(super) fn note(&mut self, role: Role, stamp: Stamp, why: Inconclusive) {
        match role {
            Role::Accepted => self.downstream.note(stamp, why),
            Role::Connected => self.upstream.note(stamp, why),
        }
    }

    /// Events were lost.
    pub(super) fn lose(&mut self, at: Timestamp) {
        self.lost = Some(at);
    }

    /// Why a call that began then may belong to a request that nobody saw; `None` if every possible owner was seen.
    /// `steady`: requests never move between threads.
    pub(super) fn owner_of(&self, began: Stamp, steady: bool) -> Option<Inconclusive> {
        let recent = |at: Timestamp, memory| at.0.saturating_add(nanoseconds(memory)) >= began.time.0;
        if self.lost.is_some_and(|lost| recent(lost, LOSS_MEMORY)) {
            return Some(Inconclusive::LostEvents);
        }
        let (last, why) = self.downstream.last(steady.then_some(began.tid))?;
        recent(last, UNSEEN_MEMORY).then_some(why)
    }

    /// Why a request whose head was read then may have made a call that nobody saw up to now.
    pub(super) fn call_since(&self, read: Stamp, steady: bool) -> Option<Inconclusive> {
        let (last, why) = self.upstream.last(steady.then_some(read.tid))?;
        (last >= read.time).then_some(why)
    }
}
