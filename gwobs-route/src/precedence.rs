//! Which of several matches wins, as a type: the lesser [`Summary`] wins.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::ObjectName;

/// What precedence looks at. Derived order of the fields *is* the rule, `HTTPRouteRule.matches`:
///
/// > Proxy or Load Balancer routing configuration generated from HTTPRoutes MUST prioritize matches based on the following
/// > criteria, continuing on ties. Across all rules specified on applicable Routes, precedence must be given to the match
/// > having:
/// > * "Exact" path match.
/// > * "Prefix" path match with largest number of characters.
/// > * Method match.
/// > * Largest number of header matches.
/// > * Largest number of query param matches.
/// >
/// > […] If ties still exist across multiple Routes, matching precedence MUST be determined in order of:
/// > * The oldest Route based on creation timestamp.
/// > * The Route appearing first in alphabetical order by "{namespace}/{name}".
/// >
/// > If ties still exist within an HTTPRoute, matching precedence MUST be granted to the FIRST matching rule (in list
/// > order) with a match meeting the above criteria.
///
/// Before all that, among Routes with intersecting hostnames (`HTTPRouteSpec.hostnames`): characters in a matching
/// non-wildcard hostname, then characters in a matching hostname.
///
/// `GRPCRouteRule.matches` puts in place of path and method: characters in a matching service, then in a matching method.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Summary {
    /// The hostname through which the route is reached.
    pub hostname: HostRank,
    /// The path match, or service and method of a GRPCRoute.
    pub path: PathRank,
    /// True (first) if there is a method match.
    pub method: Reverse<bool>,
    /// Number of header matches, more first.
    pub headers: Reverse<usize>,
    /// Number of query parameter matches, more first.
    pub query: Reverse<usize>,
    /// Creation time of the route; without one it counts as the newest.
    pub created: i64,
    /// The route's `namespace/name`.
    pub route: FullName,
    /// Index of the rule.
    pub rule: u16,
    /// Index of the match in the rule.
    pub matched: u16,
}

/// Rank of a hostname: exact before wildcard before none, longer before shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostRank {
    /// Characters of an exact name.
    Exact(Reverse<usize>),
    /// Characters of a wildcard name.
    Wildcard(Reverse<usize>),
    /// No name at all.
    Any,
}

/// Rank of a path match. Where a regular expression stands is implementation-specific, so there are two places for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathRank {
    /// A condition that is not understood: it may be anything, so it comes before all others and casts doubt on them.
    Unknown,
    /// Exact path.
    Exact,
    /// A regular expression where these come before prefixes.
    RegexBeforePrefix(Reverse<usize>),
    /// Characters of a prefix.
    Prefix(Reverse<usize>),
    /// A regular expression where these come after prefixes.
    RegexAfterPrefix(Reverse<usize>),
    /// Characters of the service, then of the method, of a GRPCRoute.
    Grpc(Reverse<usize>, Reverse<usize>),
}

/// A route's name, ordered as the text `namespace/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName(pub ObjectName);

impl FullName {
    fn bytes(&self) -> impl Iterator<Item = u8> {
        let ObjectName { namespace, name } = &self.0;
        namespace.bytes().chain([b'/']).chain(name.bytes())
    }
}

impl PartialOrd for FullName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FullName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl HostRank {
    /// The rank of an effective hostname.
    #[must_use]
    pub fn of(name: Option<&Arc<str>>) -> Self {
        match name {
            None => Self::Any,
            Some(name) if name.starts_with("*.") => Self::Wildcard(Reverse(name.chars().count())),
            Some(name) => Self::Exact(Reverse(name.chars().count())),
        }
    }
}

impl Summary {
    /// The first criterion on which `self` and `other` differ, in words; `None` if they are the same match.
    #[must_use]
    pub fn decided_by(&self, other: &Self) -> Option<&'static str> {
        let criteria = [
            (self.hostname != other.hostname, "hostname"),
            (self.path != other.path, "path"),
            (self.method != other.method, "method"),
            (self.headers != other.headers, "headers"),
            (self.query != other.query, "query"),
            (self.created != other.created, "age"),
            (self.route != other.route, "name"),
            (self.rule != other.rule, "rule_order"),
            (self.matched != other.matched, "match_order"),
        ];
        criteria.iter().find_map(|&(differs, name)| differs.then_some(name))
    }
}

#[cfg(test)]
mod tests;
