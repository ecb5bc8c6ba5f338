//! The groups, bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gwobs_route::{Mismatch, Snapshot, Verdict};
use serde_json::Value;

use super::key::{self, Key};
use super::mend::mend;
use super::proof;
use super::wire::{Example, Group, Listing, Proof};
use crate::event::Timestamp;
use crate::finished::Finished;
use crate::metrics::Build;
use crate::output::{Jsonl, Report, WallClock};

/// Groups kept, at most: an incident makes a handful, and nobody reads more. The one that was seen last longest ago goes.
pub(super) const MAX_GROUPS: usize = 256;

/// Examples of a group: the first, which tells how it began, and the latest.
const MAX_EXAMPLES: usize = 3;

/// Bytes of an example, at most; with the two limits above 12 MiB. What is longer is counted and not kept.
const MAX_EXAMPLE: usize = 16 * 1024;

/// Shortest time between two examples of a group, in nanoseconds: under load each would cost more than its verdict.
const REFRESH: u64 = 1_000_000_000;

/// What is remembered of mismatches; clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Misroutes(Arc<Mutex<Store>>);

#[derive(Debug, Default)]
struct Store {
    since: Option<String>,
    judged: u64,
    decided: u64,
    forgotten: u64,
    groups: BTreeMap<Key, Entry>,
    specs: Arc<Snapshot>,
    specs_since: Option<Timestamp>,
}

#[derive(Debug)]
struct Entry {
    group: Group,
    /// When the last one ended.
    seen: Timestamp,
    /// When the last example was taken.
    refreshed: Option<Timestamp>,
    examples: Vec<Example>,
}

impl Misroutes {
    /// Requests count from now on.
    pub fn begin(&self, now: Timestamp, clock: &WallClock) {
        self.lock().since = Some(clock.rfc3339(now));
    }

    /// These specs are in force.
    pub fn specs(&self, now: Timestamp, snapshot: &Arc<Snapshot>) {
        let mut store = self.lock();
        store.specs = Arc::clone(snapshot);
        store.specs_since = Some(now);
    }

    /// Takes a finished request. `jsonl` writes what may be shown of it.
    pub fn finished(&self, finished: &Finished, jsonl: &Jsonl, clock: &WallClock) {
        let Some(judgement) = &finished.judgement else { return };
        let mut store = self.lock();
        store.judged += 1;
        store.decided += u64::from(!matches!(judgement.verdict, Verdict::Inconclusive(_)));
        if let Verdict::Mismatch(reason) = judgement.verdict {
            store.mismatched(finished, reason, jsonl, clock);
        }
    }

    /// All groups, the one seen last first.
    #[must_use]
    pub fn listing(&self) -> Listing {
        let store = self.lock();
        let mut entries: Vec<&Entry> = store.groups.values().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.seen));
        Listing {
            version: Build::VERSION.to_owned(),
            since: store.since.clone(),
            judged: store.judged,
            decided: store.decided,
            forgotten: store.forgotten,
            groups: entries.into_iter().map(|entry| entry.group.clone()).collect(),
        }
    }

    /// A group with its proof.
    #[must_use]
    pub fn proof(&self, id: &str) -> Option<Proof> {
        let store = self.lock();
        let entry = store.groups.values().find(|entry| entry.group.id == id)?;
        Some(Proof {
            group: entry.group.clone(),
            examples: entry.examples.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    fn mismatched(&mut self, finished: &Finished, reason: Mismatch, jsonl: &Jsonl, clock: &WallClock) {
        let key = Key::of(finished, reason);
        if !self.groups.contains_key(&key) {
            self.make_room();
            let group = self.begun(&key, finished, reason, clock);
            self.groups.insert(key.clone(), Entry::new(group));
        }
        let Some(entry) = self.groups.get_mut(&key) else { return };
        entry.count(finished, clock);
        if entry.wants_example() {
            entry.keep(finished, example(finished, &self.specs, jsonl, clock));
        }
    }

    fn make_room(&mut self) {
        while self.groups.len() >= MAX_GROUPS {
            let oldest = self.groups.iter().min_by_key(|(_, entry)| entry.seen);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            self.groups.remove(&key);
            self.forgotten += 1;
        }
    }

    fn begun(&self, key: &Key, finished: &Finished, reason: Mismatch, clock: &WallClock) -> Group {
        let decision = finished.decision.as_deref();
        let judged_by_these = decision.is_some_and(|decision| decision.generation == self.specs.generation());
        let started = clock.rfc3339(finished.started);
        Group {
            id: key.id(),
            gateway: key.gateway.as_ref().map(ToString::to_string),
            route: decision.and_then(|decision| decision.route.as_ref()).map(key::route),
            reason: reason.as_str().to_owned(),
            expected: key.expected.clone(),
            observed: key.observed.clone(),
            count: 0,
            first: started.clone(),
            last: started,
            specs_since: self
                .specs_since
                .filter(|_| judged_by_these)
                .map(|since| clock.rfc3339(since)),
            request: String::new(),
        }
    }
}

impl Entry {
    fn new(group: Group) -> Self {
        Self {
            group,
            seen: Timestamp::default(),
            refreshed: None,
            examples: Vec::new(),
        }
    }

    fn count(&mut self, finished: &Finished, clock: &WallClock) {
        self.group.count += 1;
        self.group.last = clock.rfc3339(finished.started);
        self.seen = self.seen.max(finished.ended);
    }

    fn wants_example(&self) -> bool {
        let is_due = |at: Timestamp| self.seen.0.saturating_sub(at.0) >= REFRESH;
        self.refreshed.is_none_or(is_due)
    }

    /// Keeps an example in place of the oldest but the first.
    fn keep(&mut self, finished: &Finished, example: Option<Example>) {
        self.refreshed = Some(finished.ended);
        let Some(example) = example else { return };
        self.group.request = request(&example.decision);
        if self.examples.len() == MAX_EXAMPLES {
            self.examples.remove(1);
        }
        self.examples.push(example);
    }
}

/// A mismatch with its proof; `None` if it is too long to be kept.
fn example(finished: &Finished, specs: &Snapshot, jsonl: &Jsonl, clock: &WallClock) -> Option<Example> {
    let line = jsonl.render(&Report::Decision(finished), clock);
    if line.len() > MAX_EXAMPLE {
        tracing::debug!("a mismatch of {} bytes is no example", line.len());
        return None;
    }
    let considered = proof::considered(finished, specs);
    Some(Example {
        decision: serde_json::from_slice(&line).ok()?,
        mend: mend(finished, specs, &considered),
        considered,
    })
}

/// Method, authority and path of a decision's request.
fn request(decision: &Value) -> String {
    let text = |pointer| decision.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match text("/request/method") {
        "" => "(not readable)".to_owned(),
        method => format!("{method} {}{}", text("/request/authority"), text("/request/path")),
    }
}
