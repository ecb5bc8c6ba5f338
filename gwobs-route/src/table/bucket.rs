//! The matches that share one path condition.
//!
//! Thousands of them may differ by one header. Those with an exact condition on a header or query parameter are filed under
//! its value, so that only the ones whose value the request has are looked at.

use std::collections::HashMap;
use std::sync::Arc;

use crate::compile::{CompiledMatch, Test};
use crate::table::Rank;
use crate::view::{View, decode_query};

/// See the module. Every list is in order of precedence.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    plain: Vec<Rank>,
    keyed: Vec<Keyed>,
}

/// Matches with an exact condition on one header or query parameter, by the value they want.
#[derive(Debug)]
struct Keyed {
    key: Key,
    by_value: HashMap<Arc<str>, Vec<Rank>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Key {
    Header(Arc<str>),
    Query(Arc<str>),
}

impl Bucket {
    pub(super) fn add(&mut self, rank: Rank, matched: &CompiledMatch) {
        let Some((key, value)) = key_of(matched) else {
            self.plain.push(rank);
            return;
        };
        let position = self.keyed.iter().position(|keyed| keyed.key == key);
        let position = position.unwrap_or_else(|| {
            self.keyed.push(Keyed {
                key,
                by_value: HashMap::new(),
            });
            self.keyed.len() - 1
        });
        if let Some(keyed) = self.keyed.get_mut(position) {
            keyed.by_value.entry(value).or_default().push(rank);
        }
    }

    /// The lists of ranks that `view` may satisfy; every other match of the bucket certainly fails.
    pub(super) fn lists<'a>(&'a self, view: &'a View<'a>) -> impl Iterator<Item = &'a [Rank]> {
        let keyed = self.keyed.iter().flat_map(|keyed| keyed.lists(view));
        std::iter::once(&*self.plain).chain(keyed)
    }
}

/// The first exact condition on a header, else on a query parameter.
fn key_of(matched: &CompiledMatch) -> Option<(Key, Arc<str>)> {
    let header = matched.headers.iter().find_map(|header| match &header.test {
        Test::Exact(value) => Some((Key::Header(header.name.clone()), value.clone())),
        _ => None,
    });
    let query = || {
        matched.query.iter().find_map(|parameter| match &parameter.test {
            Test::Exact(value) => Some((Key::Query(parameter.name.clone()), value.clone())),
            _ => None,
        })
    };
    header.or_else(query)
}

impl Keyed {
    fn lists<'a>(&'a self, view: &View<'_>) -> Vec<&'a [Rank]> {
        let found = match &self.key {
            Key::Header(name) => self.by_header(view, name),
            Key::Query(name) => self.by_query(view, name),
        };
        // An empty Vec does not allocate, which is the usual case.
        found
    }

    fn by_header<'a>(&'a self, view: &View<'_>, name: &str) -> Vec<&'a [Rank]> {
        let mut values = view.header(name);
        match (values.next(), values.next()) {
            (None, _) => Vec::new(),
            (Some(value), None) => self.list(value).into_iter().collect(),
            // Repeated headers have several readings: look at everything.
            (Some(_), Some(_)) => self.all(),
        }
    }

    fn by_query<'a>(&'a self, view: &View<'_>, name: &str) -> Vec<&'a [Rank]> {
        let mut values = view.query_pairs().filter(|(own, _)| *decode_query(own) == *name);
        match (values.next(), values.next()) {
            (None, _) => Vec::new(),
            (Some((_, value)), None) if !value.contains(['%', '+']) => self.list(value).into_iter().collect(),
            _ => self.all(),
        }
    }

    fn list(&self, value: &str) -> Option<&[Rank]> {
        self.by_value.get(value).map(Vec::as_slice)
    }

    fn all(&self) -> Vec<&[Rank]> {
        self.by_value.values().map(Vec::as_slice).collect()
    }
}
