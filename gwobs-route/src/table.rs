//! The matches that one hostname of one listener leads to, indexed by path, and the search for the winner among them.

mod bucket;
mod paths;
mod search;

pub(crate) use search::{Silent, Tracer};

use std::collections::HashMap;
use std::sync::Arc;

use crate::attach::Hostname;
use crate::compile::{CompiledMatch, CompiledRoute, PathTest, Place, RegexOrder, Test};
use crate::precedence::{HostRank, Summary};
use crate::table::bucket::Bucket;
use crate::table::paths::Prefixes;

/// One match of one rule of one route, as reached through one hostname.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) summary: Summary,
    pub(crate) route: Arc<CompiledRoute>,
}

impl Entry {
    pub(crate) fn matched(&self) -> Option<&CompiledMatch> {
        self.route.matched(self.summary.rule, self.summary.matched)
    }
}

/// Position of an entry in the order of precedence: the lesser wins.
pub(crate) type Rank = u32;

/// The matches of one hostname. Each entry is in exactly one of the four indices.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// In order of precedence.
    entries: Vec<Entry>,
    exact: HashMap<Box<str>, Bucket>,
    prefixes: Prefixes,
    /// Regular-expression paths.
    regex: Vec<Rank>,
    /// What no path index can find: GRPC methods without service, conditions that are not understood.
    aside: Vec<Rank>,
}

impl Table {
    /// The table of all matches of `routes`, reached through `hostname`.
    pub(crate) fn new<'a>(
        hostname: &Hostname,
        routes: impl Iterator<Item = &'a Arc<CompiledRoute>>,
        regex: RegexOrder,
    ) -> Self {
        let hostname = HostRank::of(hostname.as_ref());
        let mut entries: Vec<_> = routes.flat_map(|route| entries_of(route, hostname, regex)).collect();
        entries.sort_unstable_by(|one, other| one.summary.cmp(&other.summary));
        let mut table = Self {
            entries,
            ..Self::default()
        };
        for rank in 0..Rank::try_from(table.entries.len()).unwrap_or(Rank::MAX) {
            table.file(rank);
        }
        table
    }

    pub(crate) fn entry(&self, rank: Rank) -> Option<&Entry> {
        self.entries.get(rank as usize)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Ranks come in ascending order, so every list stays in order of precedence.
    fn file(&mut self, rank: Rank) {
        let Self {
            entries,
            exact,
            prefixes,
            regex,
            aside,
        } = self;
        let Some(matched) = entries.get(rank as usize).and_then(Entry::matched) else {
            return;
        };
        match &matched.path {
            PathTest::Exact(path) => exact.entry((**path).into()).or_default().add(rank, matched),
            PathTest::Prefix(prefix) => prefixes.bucket(prefix).add(rank, matched),
            PathTest::Pattern(_) => regex.push(rank),
            PathTest::Grpc {
                service: None,
                method: None,
            } => prefixes.bucket("").add(rank, matched),
            PathTest::Grpc {
                service: Some(Test::Exact(service)),
                method: None,
            } => {
                prefixes.bucket(&format!("/{service}")).add(rank, matched);
            }
            PathTest::Grpc {
                service: Some(Test::Exact(service)),
                method: Some(Test::Exact(method)),
            } => {
                exact
                    .entry(format!("/{service}/{method}").into())
                    .or_default()
                    .add(rank, matched);
            }
            PathTest::Grpc { .. } | PathTest::Unknown => aside.push(rank),
        }
    }
}

fn entries_of(route: &Arc<CompiledRoute>, hostname: HostRank, regex: RegexOrder) -> impl Iterator<Item = Entry> {
    let numbered = |count: usize| 0..u16::try_from(count).unwrap_or(u16::MAX);
    let places = numbered(route.rules.len()).flat_map(move |rule| {
        let matches = route.rules.get(usize::from(rule)).map_or(0, Vec::len);
        numbered(matches).map(move |matched| Place {
            route,
            rule,
            matched,
            hostname,
            regex,
        })
    });
    places.filter_map(|place| {
        let summary = route.matched(place.rule, place.matched)?.summary(&place);
        Some(Entry {
            summary,
            route: route.clone(),
        })
    })
}
