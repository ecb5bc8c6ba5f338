//! What `observe` left out of a request, and whether a match looks at it.

use std::collections::HashSet;

use gwobs_route::Considered;
use gwobs_route::model::Match;

use crate::commands::replay::record::{REDACTED, Request};

/// The names whose values are not known.
#[derive(Debug, Default)]
pub(super) struct Hidden<'r> {
    headers: HashSet<&'r str>,
    query: HashSet<&'r str>,
    /// True if a parameter's name is not known either: it may be any.
    any_parameter: bool,
}

impl<'r> Hidden<'r> {
    pub(super) fn of(request: &'r Request) -> Self {
        let redacted = |(name, value): &'r (String, String)| (value == REDACTED).then_some(name.as_str());
        let mut hidden = Self {
            headers: request.headers.iter().filter_map(redacted).collect(),
            ..Self::default()
        };
        let query = request.path.as_deref().and_then(|path| path.split_once('?'));
        for parameter in query.into_iter().flat_map(|(_, query)| query.split('&')) {
            match parameter.split_once('=') {
                Some((name, REDACTED)) => drop(hidden.query.insert(name)),
                None if parameter == REDACTED => hidden.any_parameter = true,
                _ => {}
            }
        }
        hidden
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.headers.is_empty() && self.query.is_empty() && !self.any_parameter
    }

    /// True if the match has a condition on something hidden.
    pub(super) fn touches(&self, one: &Match) -> bool {
        one.headers.iter().any(|header| self.headers.contains(&*header.name))
            || one.query.iter().any(|parameter| self.hides_parameter(&parameter.name))
    }

    /// True if the match failed at something hidden: with another value it may hold.
    pub(super) fn may_fulfil(&self, considered: &Considered) -> bool {
        let Some(failed) = considered.lost_by.as_deref() else {
            return false;
        };
        let header = failed
            .strip_prefix("header:")
            .is_some_and(|name| self.headers.contains(name));
        header
            || failed
                .strip_prefix("query:")
                .is_some_and(|name| self.hides_parameter(name))
    }

    fn hides_parameter(&self, name: &str) -> bool {
        self.any_parameter || self.query.contains(name)
    }
}
