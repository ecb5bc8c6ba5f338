//! The snapshots that a request may have been routed by.

use std::collections::VecDeque;
use std::sync::Arc;

use gwobs_route::{ObjectName, Snapshot};

use super::catalogue::Catalogue;
use super::convergence::Lag;
use crate::event::Timestamp;

/// Snapshots kept, at most. Specs that change faster than this many times while a request is open leave it
/// `config_in_flux`.
const MAX_SNAPSHOTS: usize = 64;

/// A snapshot and when it was in force.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) catalogue: Catalogue,
    pub(super) since: Timestamp,
    /// When the next one replaced it.
    pub(super) until: Option<Timestamp>,
}

impl Live {
    /// How a request lags that was routed by this snapshot at `at`; `None` if it was in force then.
    pub(super) fn lag(&self, at: Timestamp) -> Option<Lag> {
        self.until.filter(|until| *until <= at).map(|replaced| Lag {
            generation: self.snapshot.generation(),
            replaced,
            at,
        })
    }
}

/// Snapshots, oldest first.
#[derive(Debug)]
pub(super) struct Snapshots {
    kept: VecDeque<Live>,
    window: u64,
    /// Requests decided before this can no longer be judged.
    forgotten: Timestamp,
    /// When specs may have changed without being seen, oldest first; the last may not be over.
    blind: VecDeque<(Timestamp, Option<Timestamp>)>,
}

impl Snapshots {
    /// `window`: the convergence window, in nanoseconds.
    pub(super) fn new(window: u64) -> Self {
        Self {
            kept: VecDeque::new(),
            window,
            forgotten: Timestamp(0),
            blind: VecDeque::new(),
        }
    }

    /// A new snapshot is in force.
    pub(super) fn push(&mut self, now: Timestamp, snapshot: Arc<Snapshot>, gateways: &[ObjectName]) {
        let catalogue = Catalogue::of(&snapshot, gateways);
        if let Some(last) = self.kept.back_mut() {
            last.until = Some(now);
        }
        self.kept.push_back(Live {
            snapshot,
            catalogue,
            since: now,
            until: None,
        });
        while self.kept.len() > MAX_SNAPSHOTS {
            self.forget_oldest();
        }
    }

    /// Forgets what no request decided at `oldest` or later can have been routed by.
    pub(super) fn prune(&mut self, oldest: Timestamp) {
        let over = |live: &Live| {
            live.until
                .is_some_and(|until| until.0.saturating_add(self.window) < oldest.0)
        };
        let count = self.kept.iter().take_while(|live| over(live)).count();
        (0..count).for_each(|_| self.forget_oldest());
    }

    fn forget_oldest(&mut self) {
        let until = self.kept.pop_front().and_then(|live| live.until);
        self.forgotten = until.map_or(self.forgotten, |until| Timestamp(until.0.saturating_add(self.window)));
    }

    /// The snapshots that a request decided at `at` may have been routed by, newest first: those in force within the
    /// convergence window, on both sides.
    pub(super) fn at(&self, at: Timestamp) -> impl Iterator<Item = &Live> {
        let begun = move |live: &&Live| live.since.0 <= at.0.saturating_add(self.window);
        let not_over = move |live: &&Live| {
            live.until
                .is_none_or(|until| until.0.saturating_add(self.window) >= at.0)
        };
        // What was there first was in force before it was seen.
        let first = self.kept.front().map(|live| live.snapshot.generation());
        self.kept
            .iter()
            .rev()
            .filter(move |live| begun(live) || first == Some(live.snapshot.generation()))
            .filter(not_over)
    }

    /// The snapshots that a request decided at `at` must no longer have been routed by, newest first, as far as they are
    /// kept.
    pub(super) fn replaced_before(&self, at: Timestamp) -> impl Iterator<Item = &Live> {
        let is_over = move |live: &&Live| {
            live.until
                .is_some_and(|until| until.0.saturating_add(self.window) < at.0)
        };
        self.kept.iter().rev().filter(is_over)
    }

    /// True if a snapshot that a request decided at `at` may have been routed by was forgotten.
    pub(super) fn forgot(&self, at: Timestamp) -> bool {
        let covers =
            |(from, until): &(Timestamp, Option<Timestamp>)| *from <= at && until.is_none_or(|until| at <= until);
        at < self.forgotten || self.blind.iter().any(covers)
    }

    /// The specs may have changed since then without being seen.
    pub(super) fn lose(&mut self, since: Timestamp) {
        match self.blind.back_mut() {
            Some((from, None)) => *from = since.min(*from),
            _ => self.blind.push_back((since, None)),
        }
        if self.blind.len() > MAX_SNAPSHOTS {
            let until = self.blind.pop_front().and_then(|(_, until)| until);
            self.forgotten = until.unwrap_or(self.forgotten).max(self.forgotten);
        }
    }

    /// The specs are seen again.
    pub(super) fn regain(&mut self, now: Timestamp) {
        if let Some((_, until @ None)) = self.blind.back_mut() {
            *until = Some(now);
        }
    }

    /// Other Gateways count than before.
    pub(super) fn look_up_again(&mut self, gateways: &[ObjectName]) {
        for live in &mut self.kept {
            live.catalogue = Catalogue::of(&live.snapshot, gateways);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// All that are kept.
    pub(super) fn all(&self) -> impl Iterator<Item = &Live> {
        self.kept.iter()
    }

    /// The snapshot in force now.
    pub(super) fn newest(&self) -> Option<&Live> {
        self.kept.back()
    }
}
