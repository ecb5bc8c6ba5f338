//! Which matches of a list hold whenever a later one does.

use std::collections::HashMap;

use crate::compile::{CompiledMatch, Test};
use crate::lint::groups::{PathKey, TestKey};
use crate::table::Entry;

/// Earlier matches with regular expressions that one match is compared with: hundreds of them on one path would make
/// this quadratic. Beyond it a beaten match may be missed, never invented.
const MAX_COVERS: usize = 64;

/// A match that never wins against an earlier one.
pub(super) struct Beaten<'e> {
    pub(super) loser: &'e Entry,
    pub(super) winner: &'e Entry,
    /// True if both have the same conditions.
    pub(super) identical: bool,
}

/// The beaten matches of a list in order of precedence.
pub(super) fn beaten(entries: &[Entry]) -> Vec<Beaten<'_>> {
    let mut seen = Seen::default();
    entries.iter().filter_map(|entry| seen.add(entry)).collect()
}

/// All conditions of a match, comparable. Headers and parameters are sorted by name, each name once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct MatchKey<'e> {
    path: PathKey<'e>,
    method: Option<&'e str>,
    headers: Vec<(&'e str, TestKey<'e>)>,
    query: Vec<(&'e str, TestKey<'e>)>,
}

/// What two matches share of which one may cover the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Shape<'e> {
    path: PathKey<'e>,
    method: Option<&'e str>,
    headers: Vec<&'e str>,
    query: Vec<&'e str>,
}

impl<'e> MatchKey<'e> {
    /// `None` if any condition is not understood: nobody knows what it matches.
    fn of(matched: &'e CompiledMatch) -> Option<Self> {
        let header = matched.headers.iter().map(|header| (&*header.name, &header.test));
        let query = matched
            .query
            .iter()
            .map(|parameter| (&*parameter.name, &parameter.test));
        Some(Self {
            path: PathKey::of(&matched.path)?,
            method: matched.method.as_deref(),
            headers: sorted(header)?,
            query: sorted(query)?,
        })
    }

    fn shape(&self) -> Shape<'e> {
        let names = |tests: &[(&'e str, TestKey<'e>)]| tests.iter().map(|(name, _)| *name).collect();
        Shape {
            path: self.path,
            method: self.method,
            headers: names(&self.headers),
            query: names(&self.query),
        }
    }

    fn has_regex(&self) -> bool {
        let mut tests = self.headers.iter().chain(&self.query);
        tests.any(|(_, test)| matches!(test, TestKey::Regex(_)))
    }
}

fn sorted<'e>(tests: impl Iterator<Item = (&'e str, &'e Test)>) -> Option<Vec<(&'e str, TestKey<'e>)>> {
    let mut keys = tests
        .map(|(name, test)| Some((name, TestKey::of(test)?)))
        .collect::<Option<Vec<_>>>()?;
    keys.sort_unstable();
    Some(keys)
}

/// The matches so far.
#[derive(Default)]
struct Seen<'e> {
    identical: HashMap<MatchKey<'e>, &'e Entry>,
    /// Those with regular expressions, by shape.
    covers: HashMap<Shape<'e>, Vec<&'e Entry>>,
}

impl<'e> Seen<'e> {
    fn add(&mut self, entry: &'e Entry) -> Option<Beaten<'e>> {
        // A field that is not understood may be a further condition.
        if entry.route.is_unknown(entry.summary.rule) {
            return None;
        }
        let matched = entry.matched()?;
        let key = MatchKey::of(matched)?;
        if let Some(&winner) = self.identical.get(&key) {
            return Some(Beaten {
                loser: entry,
                winner,
                identical: true,
            });
        }
        let shape = key.shape();
        let winner = self
            .covers
            .get(&shape)
            .and_then(|covers| covers.iter().find(|cover| covers_match(cover, matched)));
        let beaten = winner.map(|winner| Beaten {
            loser: entry,
            winner,
            identical: false,
        });
        if key.has_regex() {
            let covers = self.covers.entry(shape).or_default();
            if covers.len() < MAX_COVERS {
                covers.push(entry);
            }
        }
        self.identical.insert(key, entry);
        beaten
    }
}

/// True if every value that satisfies `narrow` satisfies `wide`, of two matches of the same shape.
fn covers_match(wide: &Entry, narrow: &CompiledMatch) -> bool {
    let Some(wide) = wide.matched() else {
        return false;
    };
    let headers = narrow.headers.iter().all(|own| {
        wide.headers
            .iter()
            .any(|other| other.name == own.name && covers(&other.test, &own.test))
    });
    headers
        && narrow.query.iter().all(|own| {
            wide.query
                .iter()
                .any(|other| other.name == own.name && covers(&other.test, &own.test))
        })
}

fn covers(wide: &Test, narrow: &Test) -> bool {
    if TestKey::of(wide).is_some_and(|wide| Some(wide) == TestKey::of(narrow)) {
        return true;
    }
    match (wide, narrow) {
        // Certain in every dialect, or not at all.
        (Test::Pattern(pattern), Test::Exact(value)) => {
            let truth = pattern.holds(value, None);
            truth.holds && truth.doubt.is_none()
        }
        _ => false,
    }
}
