//! Routes made ready for matching: patterns compiled, repeated conditions dropped, prefixes trimmed.

mod condition;
mod pattern;

pub(crate) use condition::{PathTest, Test};
pub(crate) use pattern::Patterns;

use std::cmp::Reverse;
use std::sync::Arc;

use crate::compile::condition::{HeaderTest, QueryTest};
use crate::model::{Match, PathMatch, Route, Rule, StringMatch};
use crate::precedence::{FullName, HostRank, PathRank, Summary};
use crate::profile::{Behaviour, RegexRank};
use crate::truth::Truth;
use crate::view::View;
use crate::{RouteKind, RouteRef};

/// A route made ready for matching.
#[derive(Debug)]
pub(crate) struct CompiledRoute {
    pub(crate) route: Arc<Route>,
    /// The matches of each rule.
    pub(crate) rules: Vec<Vec<CompiledMatch>>,
}

/// One match of a rule.
#[derive(Debug)]
pub(crate) struct CompiledMatch {
    pub(crate) path: PathTest,
    pub(crate) method: Option<Arc<str>>,
    pub(crate) headers: Vec<HeaderTest>,
    pub(crate) query: Vec<QueryTest>,
}

impl CompiledRoute {
    pub(crate) fn new(route: Arc<Route>, patterns: &mut Patterns) -> Self {
        let rules = route
            .rules
            .iter()
            .map(|rule| compile_rule(route.kind, rule, patterns))
            .collect();
        Self { route, rules }
    }

    pub(crate) fn rule(&self, index: u16) -> Option<&Rule> {
        self.route.rules.get(usize::from(index))
    }

    pub(crate) fn matched(&self, rule: u16, matched: u16) -> Option<&CompiledMatch> {
        self.rules.get(usize::from(rule))?.get(usize::from(matched))
    }

    pub(crate) fn reference(&self, rule: u16, matched: u16) -> RouteRef {
        RouteRef {
            kind: self.route.kind,
            route: self.route.meta.name.clone(),
            rule,
            matched,
            rule_name: self.rule(rule).and_then(|rule| rule.name.clone()),
        }
    }

    /// True if something of that rule, or of the whole route, is not understood.
    pub(crate) fn is_unknown(&self, rule: u16) -> bool {
        let own = format!("spec.rules.{rule}");
        let touches = |path: &String| match path.strip_prefix("spec.rules.") {
            Some(_) => path
                .strip_prefix(&own)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
            None => path.starts_with("spec"),
        };
        !self.route.meta.unknown.is_empty() && self.route.meta.unknown.iter().any(touches)
    }
}

fn compile_rule(kind: RouteKind, rule: &Rule, patterns: &mut Patterns) -> Vec<CompiledMatch> {
    rule.matches
        .iter()
        .map(|one| CompiledMatch::new(kind, one, patterns))
        .collect()
}

impl CompiledMatch {
    fn new(kind: RouteKind, from: &Match, patterns: &mut Patterns) -> Self {
        let path = match kind {
            RouteKind::Grpc if !matches!(from.path, PathMatch::Unknown(_)) => {
                PathTest::grpc(from.grpc.as_ref(), patterns)
            }
            _ => PathTest::http(&from.path, patterns),
        };
        Self {
            path,
            method: from.method.clone(),
            headers: HeaderTest::compile(&from.headers, patterns),
            query: QueryTest::compile(&from.query, patterns),
        }
    }

    /// Everything but the path.
    pub(crate) fn rest_holds(&self, view: &View<'_>) -> Truth {
        let method = self
            .method
            .as_deref()
            .is_none_or(|method| method == view.request.method);
        Truth::certain(method)
            .and(|| Truth::all(&self.headers, |header| header.holds(view)))
            .and(|| Truth::all(&self.query, |parameter| parameter.holds(view)))
    }

    pub(crate) fn holds(&self, view: &View<'_>) -> Truth {
        self.path.holds(view).and(|| self.rest_holds(view))
    }

    /// The first condition that does not hold, in words: `path`, `method`, `header:NAME`, `query:NAME`.
    pub(crate) fn fails_at(&self, view: &View<'_>) -> Option<String> {
        if !self.path.holds(view).holds {
            return Some("path".to_owned());
        }
        if self
            .method
            .as_deref()
            .is_some_and(|method| method != view.request.method)
        {
            return Some("method".to_owned());
        }
        let header = self.headers.iter().find(|header| !header.holds(view).holds);
        let query = || self.query.iter().find(|parameter| !parameter.holds(view).holds);
        header
            .map(|header| format!("header:{}", header.name))
            .or_else(|| query().map(|parameter| format!("query:{}", parameter.name)))
    }

    pub(crate) fn summary(&self, at: &Place<'_>) -> Summary {
        let meta = &at.route.route.meta;
        Summary {
            hostname: at.hostname,
            path: self.path.rank(at.regex),
            method: Reverse(self.method.is_some()),
            headers: Reverse(self.headers.len()),
            query: Reverse(self.query.len()),
            created: meta.created.unwrap_or(i64::MAX),
            route: FullName(meta.name.clone()),
            rule: at.rule,
            matched: at.matched,
        }
    }
}

/// Where a match stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) route: &'a CompiledRoute,
    pub(crate) rule: u16,
    pub(crate) matched: u16,
    pub(crate) hostname: HostRank,
    pub(crate) regex: RegexOrder,
}

/// The order of regular-expression paths that a table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegexOrder {
    rank: RegexRank,
    longest_first: bool,
}

impl RegexOrder {
    /// Where the data plane's order is not known, the most common one.
    pub(crate) fn of(behaviour: &Behaviour) -> Self {
        let rank = behaviour.regex_rank.unwrap_or(RegexRank::BeforePrefix);
        Self {
            rank,
            longest_first: behaviour.regex_longest_first.unwrap_or(true),
        }
    }
}

impl PathTest {
    fn rank(&self, regex: RegexOrder) -> PathRank {
        let by_text = |length: usize| match regex.rank {
            RegexRank::BeforePrefix => PathRank::RegexBeforePrefix(Reverse(length)),
            RegexRank::AfterPrefix => PathRank::RegexAfterPrefix(Reverse(length)),
        };
        match self {
            Self::Prefix(prefix) => PathRank::Prefix(Reverse(prefix.chars().count())),
            Self::Pattern(pattern) if regex.longest_first => by_text(pattern.source.chars().count()),
            Self::Pattern(_) => by_text(0),
            Self::Exact(_) => PathRank::Exact,
            Self::Unknown => PathRank::Unknown,
            Self::Grpc { service, method } => PathRank::Grpc(length(service), length(method)),
        }
    }
}

fn length(test: &Option<Test>) -> Reverse<usize> {
    Reverse(match test {
        Some(Test::Exact(text)) => text.chars().count(),
        Some(Test::Pattern(pattern)) => pattern.source.chars().count(),
        Some(Test::Unknown) | None => 0,
    })
}

impl Test {
    fn new(from: &StringMatch, patterns: &mut Patterns) -> Self {
        match from {
            StringMatch::Exact(text) => Self::Exact(text.clone()),
            StringMatch::Regex(source) => Self::Pattern(patterns.get(source)),
            StringMatch::Unknown(_) => Self::Unknown,
        }
    }
}
