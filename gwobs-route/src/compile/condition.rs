//! The conditions of a match, each against a request.

use std::sync::Arc;

use crate::Inconclusive;
use crate::compile::pattern::{Pattern, Patterns};
use crate::model::{GrpcMethodMatch, PathMatch, StringMatch, ValueMatch};
use crate::profile::{Dialect, RepeatedHeader};
use crate::truth::Truth;
use crate::view::{View, decode_query};

/// A condition on a string.
#[derive(Debug)]
pub(crate) enum Test {
    Exact(Arc<str>),
    Pattern(Arc<Pattern>),
    /// Not understood: nobody knows what it matches.
    Unknown,
}

impl Test {
    pub(crate) fn holds(&self, value: &str, dialect: Option<Dialect>) -> Truth {
        match self {
            Self::Exact(text) => Truth::certain(**text == *value),
            Self::Pattern(pattern) => pattern.holds(value, dialect),
            Self::Unknown => Truth::doubtful(false, Inconclusive::UnsupportedSpec),
        }
    }
}

/// A condition on the path.
#[derive(Debug)]
pub(crate) enum PathTest {
    Exact(Arc<str>),
    /// Without trailing `/`, which does not count; empty for every path.
    Prefix(Arc<str>),
    Pattern(Arc<Pattern>),
    Unknown,
    /// `/service/method` of a gRPC request (gRPC over HTTP/2, "Requests").
    Grpc {
        service: Option<Test>,
        method: Option<Test>,
    },
}

impl PathTest {
    pub(super) fn http(from: &PathMatch, patterns: &mut Patterns) -> Self {
        match from {
            PathMatch::Exact(path) => Self::Exact(path.clone()),
            PathMatch::Prefix(prefix) => Self::Prefix(trimmed(prefix)),
            PathMatch::Regex(source) => Self::Pattern(patterns.get(source)),
            PathMatch::Unknown(_) => Self::Unknown,
        }
    }

    pub(super) fn grpc(from: Option<&GrpcMethodMatch>, patterns: &mut Patterns) -> Self {
        let mut test = |part: &Option<StringMatch>| part.as_ref().map(|part| Test::new(part, patterns));
        match from {
            Some(from) => Self::Grpc {
                service: test(&from.service),
                method: test(&from.method),
            },
            None => Self::Grpc {
                service: None,
                method: None,
            },
        }
    }

    pub(crate) fn holds(&self, view: &View<'_>) -> Truth {
        let dialect = view.behaviour.dialect;
        match self {
            Self::Exact(path) => Truth::certain(**path == *view.path),
            Self::Prefix(prefix) => Truth::certain(has_prefix(&view.path, prefix)),
            Self::Pattern(pattern) => pattern.holds(&view.path, dialect),
            Self::Unknown => Truth::doubtful(false, Inconclusive::UnsupportedSpec),
            Self::Grpc { service, method } => grpc_holds(service.as_ref(), method.as_ref(), &view.path, dialect),
        }
    }
}

fn trimmed(prefix: &Arc<str>) -> Arc<str> {
    match prefix.strip_suffix('/') {
        Some(shorter) => shorter.into(),
        None => prefix.clone(),
    }
}

/// By whole path elements: `/abc` has the prefixes `/abc` and (trimmed to nothing) `/`, not `/ab`.
pub(crate) fn has_prefix(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('/') || (rest.is_empty() && !prefix.is_empty()))
}

fn grpc_holds(service: Option<&Test>, method: Option<&Test>, path: &str, dialect: Option<Dialect>) -> Truth {
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let Some((own_service, own_method)) = parts.filter(|(_, method)| !method.contains('/')) else {
        return Truth::certain(service.is_none() && method.is_none());
    };
    let holds = |test: Option<&Test>, part| test.map_or(Truth::YES, |test| test.holds(part, dialect));
    holds(service, own_service).and(|| holds(method, own_method))
}

/// A condition on a header.
#[derive(Debug)]
pub(crate) struct HeaderTest {
    pub(crate) name: Arc<str>,
    pub(crate) test: Test,
}

impl HeaderTest {
    /// Of several conditions on one name only the first counts (`HTTPHeaderMatch.name`).
    pub(super) fn compile(from: &[ValueMatch], patterns: &mut Patterns) -> Vec<Self> {
        let kept = first_of_each(from, |one, other| one.eq_ignore_ascii_case(other));
        kept.map(|one| Self {
            name: one.name.clone(),
            test: Test::new(&one.value, patterns),
        })
        .collect()
    }

    pub(crate) fn holds(&self, view: &View<'_>) -> Truth {
        let mut values = view.header(&self.name);
        let Some(first) = values.next() else {
            return Truth::NO;
        };
        match values.next() {
            None => self.test.holds(first, view.behaviour.dialect),
            Some(_) => self.holds_repeated(view, first),
        }
    }

    /// A header repeated in the request is matched as the implementation likes, except cookies, which HTTP/2 may split
    /// (RFC 9113 section 8.2.3).
    fn holds_repeated(&self, view: &View<'_>, first: &str) -> Truth {
        let test = |value: &str| self.test.holds(value, view.behaviour.dialect);
        let values: Vec<_> = view.header(&self.name).collect();
        if &*self.name == "cookie" {
            return test(&values.join("; "));
        }
        let joined = test(&values.join(","));
        let any = values.iter().any(|value| test(value).holds);
        match view.behaviour.repeated_headers {
            Some(RepeatedHeader::Joined) => joined,
            Some(RepeatedHeader::First) => test(first),
            Some(RepeatedHeader::Any) => Truth::certain(any),
            None => Truth::of_readings(joined.holds, [test(first).holds, any, test(&values.join(", ")).holds]),
        }
    }
}

/// A condition on a query parameter.
#[derive(Debug)]
pub(crate) struct QueryTest {
    pub(crate) name: Arc<str>,
    pub(crate) test: Test,
}

impl QueryTest {
    /// Of several conditions on one name only the first counts (`HTTPQueryParamMatch.name`).
    pub(super) fn compile(from: &[ValueMatch], patterns: &mut Patterns) -> Vec<Self> {
        let kept = first_of_each(from, |one, other| one == other);
        kept.map(|one| Self {
            name: one.name.clone(),
            test: Test::new(&one.value, patterns),
        })
        .collect()
    }

    /// Of a parameter that the request repeats the first value counts by recommendation; whether parameters are decoded
    /// is not said. Where these choices matter the answer is in doubt.
    pub(crate) fn holds(&self, view: &View<'_>) -> Truth {
        let test = |value: &str| self.test.holds(value, view.behaviour.dialect);
        let mut raw = view
            .query_pairs()
            .filter(|(name, _)| **name == *self.name)
            .map(|(_, value)| test(value));
        let first = raw.next().unwrap_or(Truth::NO);
        if raw.all(|other| other == first) && !view.query.is_some_and(|query| query.contains(['%', '+'])) {
            return first;
        }
        self.holds_decoded(view, first)
    }

    fn holds_decoded(&self, view: &View<'_>, raw: Truth) -> Truth {
        let test = |value: &str| self.test.holds(value, view.behaviour.dialect);
        let named = view.query_pairs().filter(|(name, _)| *decode_query(name) == *self.name);
        let mut values = named.map(|(_, value)| test(&decode_query(value)));
        let Some(first) = values.next() else {
            return raw;
        };
        let readings = values.chain([raw]).map(|other| other.holds).collect::<Vec<_>>();
        match first.doubt {
            Some(_) => first,
            None => Truth::of_readings(first.holds, readings),
        }
    }
}

fn first_of_each(from: &[ValueMatch], same: impl Fn(&str, &str) -> bool) -> impl Iterator<Item = &ValueMatch> {
    let is_first = move |index: usize, one: &ValueMatch| {
        let earlier = from.get(..index).unwrap_or_default();
        !earlier.iter().any(|other| same(&other.name, &one.name))
    };
    from.iter()
        .enumerate()
        .filter(move |(index, one)| is_first(*index, one))
        .map(|(_, one)| one)
}
