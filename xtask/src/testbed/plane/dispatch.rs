//! The rule table as data planes without precedence dispatch by it: first the most specific host, then the first rule
//! that matches.

use crate::testbed::rule::{Match, Path, Route, Rule};
use std::cmp::Reverse;

/// The rules that requests for one host are matched against, in order.
pub(super) struct Host<'a> {
    /// Exact or beginning with `*.`; none for all other hosts.
    pub(super) name: Option<&'a str>,
    /// With the names of [`name`].
    pub(super) rules: Vec<(String, &'a Rule)>,
}

/// A rule's name, unique in a table.
pub(super) fn name(route: &Route, index: usize) -> String {
    format!("{}-{index}", route.name)
}

/// All rules by name.
pub(super) fn rules(routes: &[Route]) -> impl Iterator<Item = (String, &Rule)> {
    routes.iter().flat_map(|route| {
        let numbered = route.rules.iter().enumerate();
        numbered.map(|(index, rule)| (name(route, index), rule))
    })
}

/// Hosts, exact names first, then wildcards with the longest first, then all others.
pub(super) fn hosts(routes: &[Route]) -> Vec<Host<'_>> {
    let mut names: Vec<&str> = routes
        .iter()
        .flat_map(|route| &route.hostnames)
        .map(String::as_str)
        .collect();
    names.sort_by_key(|name| (name.starts_with("*."), Reverse(name.len()), *name));
    names.dedup();
    names
        .into_iter()
        .map(Some)
        .chain([None])
        .map(|name| host(name, routes))
        .collect()
}

fn host<'a>(name: Option<&'a str>, routes: &'a [Route]) -> Host<'a> {
    let of_host = routes.iter().filter(|route| match name {
        Some(name) => route.hostnames.iter().any(|own| own == name),
        None => route.hostnames.is_empty(),
    });
    Host {
        name,
        rules: of_host.flat_map(|route| rules(std::slice::from_ref(route))).collect(),
    }
}

/// A path condition as a Perl-compatible regular expression.
pub(super) fn path_pattern(condition: &Match) -> String {
    match &condition.path {
        Path::Exact(path) => format!("^{}$", escaped(path)),
        Path::Prefix(path) => format!("^{}(/|$)", escaped(path.trim_end_matches('/'))),
        Path::Regex(regex) => format!("^(?:{regex})$"),
    }
}

/// The spec's table for ReplacePrefixMatch, as a pattern with one group and what stands before that group's text: what
/// remains after the prefix is joined by exactly one `/`.
pub(super) fn replace_prefix(condition: &Match, replacement: &str) -> (String, String) {
    let prefix = match &condition.path {
        Path::Prefix(prefix) => escaped(prefix.trim_end_matches('/')),
        Path::Exact(_) | Path::Regex(_) => String::new(),
    };
    match replacement.trim_end_matches('/') {
        "" => (format!("^{prefix}/*(.*)$"), "/".to_owned()),
        trimmed => (format!("^{prefix}(.*)$"), trimmed.to_owned()),
    }
}

/// Text that a regular expression takes literally.
pub(super) fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        if r"\.+*?()|[]{}^$#&-~".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
mod tests;
