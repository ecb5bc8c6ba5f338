//! A crowd: more requests and calls than are looked at one by one. Who may own what is not kept: every call may belong to
//! every request that time, order and transformation allow, which considers more than all readings.
//!
//! Requests that pass through a busy event loop overlap without end: it reads the next batch before it writes the last.
//! If they look alike, no edge between them ever falls, and the component grows for as long as the load lasts. But then
//! the question is rarely *which* call belongs to a request: whatever it owns, the verdict is the same. What must be
//! shown is that it owns one at all, and that the calls which may be its own agree:
//!
//! - **A full crowd.** Once as many calls are under way as there are requests, every request owns exactly one.
//! - **A relaying gateway** (`habits.rs`) never answers 2xx or 3xx without a call. A habit is no proof against anybody:
//!   it supports a match and nothing else.
//!
//! Where the verdicts of a full crowd differ, and all of its requests are equal for routing and over, their counts are
//! exact: each call brings its verdict, whoever owns it.

use std::collections::BTreeSet;

use gwobs_route::Verdict;
use rustc_hash::{FxHashMap, FxHashSet};

use super::node::CallId;
use crate::exchange::{Half, HalfId};

/// Names a crowd of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct CrowdId(pub(super) u64);

/// What the verdict on a request depends on in one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct CallLook {
    /// Where it went and what it asked for, hashed: address, target, the headers that filters touch.
    pub(super) sent: u64,
    pub(super) status: Option<u16>,
    pub(super) failed: bool,
    /// Its answer was read before the request was answered.
    pub(super) in_order: bool,
}

/// Requests and calls that are taken together.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// Requests that have not been handed out.
    pub(super) requests: BTreeSet<HalfId>,
    /// Calls, with the position among all events where they began, ascending.
    pub(super) calls: Vec<(u64, CallId)>,
    /// Calls that were told as those of a request.
    pub(super) taken: FxHashSet<CallId>,
    /// Requests less calls that need one of their own, over the crowd's whole life.
    pub(super) balance: i64,
    /// True if its requests are not free, because it is full.
    pub(super) closed: bool,
    /// True if a call failed, may be nobody's, or a request was given up: counts are not exact any more.
    pub(super) inexact: bool,
    classes: Vec<Class>,
}

/// Requests equal for routing and answer, with what each kind of call would mean for them; `None`: not theirs.
#[derive(Debug)]
struct Class {
    like: Half,
    verdicts: FxHashMap<Vec<CallLook>, Option<Verdict>>,
}

/// Classes of requests that a crowd remembers verdicts for; beyond it each request is judged by itself.
const MAX_CLASSES: usize = 16;

impl Crowd {
    /// Every request owns exactly one call that has not failed.
    pub(super) fn is_full(&self) -> bool {
        self.balance == 0
    }

    /// Adds a call in the order of its beginning.
    pub(super) fn add_call(&mut self, began: u64, call: CallId) {
        let at = self.calls.partition_point(|(order, _)| *order <= began);
        self.calls.insert(at, (began, call));
    }

    /// Takes over what another crowd has.
    pub(super) fn absorb(&mut self, other: Self) {
        self.requests.extend(other.requests);
        self.calls.extend(other.calls);
        self.calls.sort_unstable();
        self.taken.extend(other.taken);
        self.balance += other.balance;
        self.inexact |= other.inexact;
    }

    /// The verdict on a request with calls that look like these, as it was or as `judge` says.
    pub(super) fn verdict(
        &mut self,
        half: &Half,
        looks: Vec<CallLook>,
        equal: impl Fn(&Half, &Half) -> bool,
        judge: impl FnOnce() -> Option<Verdict>,
    ) -> Option<Verdict> {
        let known = self.classes.iter().position(|class| equal(&class.like, half));
        let class = known.or_else(|| {
            (self.classes.len() < MAX_CLASSES).then(|| {
                let (like, verdicts) = (half.clone(), FxHashMap::default());
                self.classes.push(Class { like, verdicts });
                self.classes.len() - 1
            })
        });
        match class.and_then(|class| self.classes.get_mut(class)) {
            Some(class) => *class.verdicts.entry(looks).or_insert_with(judge),
            None => judge(),
        }
    }

    /// Specs may have changed.
    pub(super) fn forget_verdicts(&mut self) {
        self.classes.clear();
    }
}
