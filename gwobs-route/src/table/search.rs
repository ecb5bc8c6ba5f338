//! The search for the winner in a table.

use crate::Inconclusive;
use crate::compile::PathTest;
use crate::profile::Behaviour;
use crate::table::bucket::Bucket;
use crate::table::{Entry, Rank, Table};
use crate::truth::Truth;
use crate::view::View;

/// What a search found.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// The match that wins by the likeliest reading.
    pub(crate) winner: Option<Rank>,
    /// Set if another reading, left open to the implementation, has another winner.
    pub(crate) doubt: Option<Inconclusive>,
}

/// Sees every match of every table that a search passes; [`Silent`] costs nothing.
pub(crate) trait Tracer {
    /// False if nothing is to be told.
    const ON: bool;
    /// A match of a table that does not cover the host.
    fn other_host(&mut self, entry: &Entry);
    /// A match of a table that was searched, with the winner found there.
    fn seen(&mut self, entry: &Entry, view: &View<'_>, winner: Option<&Entry>);
}

/// Traces nothing.
pub(crate) struct Silent;

impl Tracer for Silent {
    const ON: bool = false;
    fn other_host(&mut self, _: &Entry) {}
    fn seen(&mut self, _: &Entry, _: &View<'_>, _: Option<&Entry>) {}
}

impl Table {
    /// The winner for a request, among all matches of this table.
    pub(crate) fn search<T: Tracer>(&self, view: &View<'_>, tracer: &mut T) -> Found {
        let mut known = Best::default();
        self.search_paths(view, &mut known);
        self.scan(&self.aside, &mut known, |entry| {
            entry.matched().map_or(Truth::NO, |one| one.holds(view))
        });
        let found = if self.regex.is_empty() {
            known.found()
        } else {
            self.search_regex(view, known)
        };
        if T::ON {
            let winner = found.winner.and_then(|rank| self.entry(rank));
            self.entries().iter().for_each(|entry| tracer.seen(entry, view, winner));
        }
        found
    }

    /// Exact paths, then prefixes from the longest on; the first that holds wins against all others of this kind.
    fn search_paths(&self, view: &View<'_>, best: &mut Best) {
        // GRPCRoutes have both kinds of path conditions in the order of their ranks, like all others.
        let exact = self.exact.get(&*view.path);
        for bucket in exact.into_iter().chain(self.prefixes.covering(&view.path)) {
            self.scan_bucket(bucket, view, best);
            if best.winner.is_some() {
                return;
            }
        }
    }

    fn scan_bucket(&self, bucket: &Bucket, view: &View<'_>, best: &mut Best) {
        for list in bucket.lists(view) {
            self.scan(list, best, |entry| {
                entry.matched().map_or(Truth::NO, |one| one.rest_holds(view))
            });
        }
    }

    /// Goes through a list in order of precedence until nothing in it can change the outcome.
    fn scan(&self, list: &[Rank], best: &mut Best, holds: impl Fn(&Entry) -> Truth) {
        for &rank in list {
            if best.winner.is_some_and(|winner| winner <= rank) {
                return;
            }
            if let Some(entry) = self.entry(rank) {
                best.offer(rank, holds(entry));
            }
        }
    }

    /// Regular expressions: their rank among other paths, and among each other, is implementation-specific.
    fn search_regex(&self, view: &View<'_>, known: Best) -> Found {
        let ranked = view.behaviour.regex_rank.is_some() && view.behaviour.regex_longest_first.is_some();
        let mut best = known;
        let mut rivals = false;
        for &rank in &self.regex {
            if ranked && best.winner.is_some_and(|winner| winner <= rank) {
                break;
            }
            let truth = self
                .entry(rank)
                .and_then(Entry::matched)
                .map_or(Truth::NO, |one| one.holds(view));
            rivals |= truth.holds
                && best
                    .winner
                    .is_some_and(|winner| !self.is_ranked(winner, rank, view.behaviour));
            best.offer(rank, truth);
        }
        let mut found = best.found();
        found.doubt = found.doubt.or(rivals.then_some(Inconclusive::ImplementationDefined));
        found
    }

    /// True if it is known which of a match and a regular expression comes first.
    fn is_ranked(&self, one: Rank, regex: Rank, behaviour: &Behaviour) -> bool {
        let is_regex = |rank| {
            let path = self.entry(rank).and_then(Entry::matched).map(|one| &one.path);
            matches!(path, Some(PathTest::Pattern(_)))
        };
        match is_regex(one) {
            true => behaviour.regex_longest_first.is_some() || self.same_path(one, regex),
            false => behaviour.regex_rank.is_some(),
        }
    }

    fn same_path(&self, one: Rank, other: Rank) -> bool {
        let source = |rank| match self.entry(rank).and_then(Entry::matched).map(|one| &one.path) {
            Some(PathTest::Pattern(pattern)) => Some(&pattern.source),
            _ => None,
        };
        source(one) == source(other)
    }
}

/// The best match so far.
#[derive(Debug, Clone, Copy, Default)]
struct Best {
    winner: Option<Rank>,
    winner_doubt: Option<Inconclusive>,
    /// The best-ranked match that holds in another reading.
    rival: Option<(Rank, Inconclusive)>,
}

impl Best {
    fn offer(&mut self, rank: Rank, truth: Truth) {
        if truth.holds && self.winner.is_none_or(|winner| rank < winner) {
            self.winner = Some(rank);
            self.winner_doubt = truth.doubt;
        }
        if let (false, Some(doubt)) = (truth.holds, truth.doubt) {
            let better = self.rival.is_none_or(|(rival, _)| rank < rival);
            self.rival = if better { Some((rank, doubt)) } else { self.rival };
        }
    }

    fn found(self) -> Found {
        let rival = self
            .rival
            .filter(|&(rank, _)| self.winner.is_none_or(|winner| rank < winner));
        Found {
            winner: self.winner,
            doubt: self.winner_doubt.or(rival.map(|(_, doubt)| doubt)),
        }
    }
}
