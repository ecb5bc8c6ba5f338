//! Every match that came into question, and why it lost.

use std::collections::HashSet;
use std::sync::Arc;

use crate::RouteRef;
use crate::table::{Entry, Tracer};
use crate::view::View;

/// A match that came into question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The match.
    pub route: RouteRef,
    /// The first condition that fails (`hostname`, `path`, `method`, `header:NAME`, `query:NAME`), or the line of
    /// precedence on which it lost (`outranked:path`, `outranked:age` …); `None` for the winner.
    pub lost_by: Option<String>,
}

/// Keeps the first thing told about each match: searched tables come before all others.
#[derive(Debug, Default)]
pub(super) struct Trace {
    considered: Vec<Considered>,
    known: HashSet<(usize, u16, u16)>,
}

impl Trace {
    pub(super) fn considered(self) -> Vec<Considered> {
        self.considered
    }

    fn note(&mut self, entry: &Entry, lost_by: Option<String>) {
        let (rule, matched) = (entry.summary.rule, entry.summary.matched);
        if self.known.insert((Arc::as_ptr(&entry.route).addr(), rule, matched)) {
            self.considered.push(Considered {
                route: entry.route.reference(rule, matched),
                lost_by,
            });
        }
    }
}

impl Tracer for Trace {
    const ON: bool = true;

    fn other_host(&mut self, entry: &Entry) {
        self.note(entry, Some("hostname".to_owned()));
    }

    fn seen(&mut self, entry: &Entry, view: &View<'_>, winner: Option<&Entry>) {
        let failed = entry.matched().and_then(|one| one.fails_at(view));
        let outranked = || {
            let by = winner.and_then(|winner| winner.summary.decided_by(&entry.summary));
            by.map(|by| format!("outranked:{by}"))
        };
        self.note(entry, failed.or_else(outranked));
    }
}
