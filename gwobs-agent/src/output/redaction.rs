//! Personal data stays here: header and query values that no route matches are not written (`DESIGN.md`, decision 10).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::iter;
use std::sync::Arc;

use gwobs_route::model::Route;

#[cfg(test)]
mod tests;

/// What stands in place of a value.
const PLACEHOLDER: &str = "[redacted]";

/// Which values may be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction {
    /// The values that may be written by name; `None` if all may.
    shown: Option<Shown>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shown {
    headers: BTreeSet<Arc<str>>,
    query: BTreeSet<Arc<str>>,
}

impl Redaction {
    /// Writes everything (`--no-redact`).
    #[must_use]
    pub fn off() -> Self {
        Self { shown: None }
    }

    /// Writes only the values of these headers (lower-case names) and query parameters (names as routes match them).
    #[must_use]
    pub fn all_but(headers: impl IntoIterator<Item = Arc<str>>, query: impl IntoIterator<Item = Arc<str>>) -> Self {
        Self {
            shown: Some(Shown {
                headers: headers.into_iter().collect(),
                query: query.into_iter().collect(),
            }),
        }
    }

    /// Writes only the values that one of these routes matches.
    #[must_use]
    pub fn of_routes<'a>(routes: impl Iterator<Item = &'a Route>) -> Self {
        let mut shown = Shown::default();
        let rules = routes.flat_map(|route| &route.rules);
        for matched in rules.flat_map(|rule| &rule.matches) {
            let headers = matched.headers.iter().map(|header| Arc::clone(&header.name));
            shown.headers.extend(headers);
            let query = matched.query.iter().map(|parameter| Arc::clone(&parameter.name));
            shown.query.extend(query);
        }
        Self { shown: Some(shown) }
    }

    /// A header's value, or the placeholder. `name` is in lower case.
    #[must_use]
    pub fn header<'a>(&self, name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
        if self.shows_header(name) {
            value
        } else {
            Cow::Borrowed(PLACEHOLDER)
        }
    }

    /// What stands in place of a header's value.
    #[must_use]
    pub fn hidden<'a>() -> Cow<'a, str> {
        Cow::Borrowed(PLACEHOLDER)
    }

    /// Whether the value of a header may be written.
    #[must_use]
    pub fn shows_header(&self, name: &str) -> bool {
        self.shown.as_ref().is_none_or(|shown| shown.headers.contains(name))
    }

    /// A path with the values of its query replaced.
    #[must_use]
    pub fn path<'a>(&self, path: Cow<'a, str>) -> Cow<'a, str> {
        let Some(shown) = &self.shown else { return path };
        let Some((before, query)) = path.split_once('?') else {
            return path;
        };
        let mut written = String::with_capacity(path.len() + PLACEHOLDER.len());
        written.push_str(before);
        let separators = iter::once('?').chain(iter::repeat('&'));
        for (separator, parameter) in separators.zip(query.split('&')) {
            written.push(separator);
            shown.write_parameter(parameter, &mut written);
        }
        Cow::Owned(written)
    }

    /// An authority with the user information of an absolute-form target (RFC 3986 section 3.2.1) replaced.
    #[must_use]
    pub fn authority<'a>(&self, authority: Cow<'a, str>) -> Cow<'a, str> {
        match (&self.shown, authority.rsplit_once('@')) {
            (Some(_), Some((_, host))) => Cow::Owned(format!("{PLACEHOLDER}@{host}")),
            _ => authority,
        }
    }
}

impl Shown {
    /// One parameter of a query. One without `=` may be a value by itself (a token), so it goes, unless it is matched.
    fn write_parameter(&self, parameter: &str, written: &mut String) {
        let (name, value) = parameter
            .split_once('=')
            .map_or((parameter, None), |(name, value)| (name, Some(value)));
        let is_empty = name.is_empty() && value.is_none_or(str::is_empty);
        match value {
            _ if is_empty || self.query.contains(name) => written.push_str(parameter),
            Some(_) => written.extend([name, "=", PLACEHOLDER]),
            None => written.push_str(PLACEHOLDER),
        }
    }
}
