//! The API's rules for the rules of a route as a whole (`httproute_types.go`, `grpcroute_types.go`, XValidation).

use std::collections::HashSet;

use gwobs_route::RouteKind;
use gwobs_route::model::{Filter, Match, PathMatch, PathModifier, Rule};

use super::scalar;
use crate::specs::notes::{At, Notes};

/// Most rules of a route.
const MAX_RULES: usize = 16;
/// Most matches of all rules of an HTTPRoute together.
const MAX_MATCHES_IN_ALL: usize = 128;

/// Tells what an API server would refuse.
pub(super) fn check(kind: RouteKind, rules: &[Rule], at: &At<'_>, notes: &mut Notes) {
    scalar::at_most(rules.len(), MAX_RULES, at, notes);
    let matches: usize = rules.iter().map(|rule| rule.matches.len()).sum();
    if kind == RouteKind::Http && matches > MAX_MATCHES_IN_ALL {
        notes.invalid(
            at,
            format!("at most {MAX_MATCHES_IN_ALL} matches are allowed in all rules, not {matches}"),
        );
    }
    let mut names = HashSet::new();
    for (i, rule) in rules.iter().enumerate() {
        let at = at.index(i);
        if rule.name.as_ref().is_some_and(|name| !names.insert(name)) {
            notes.invalid(&at.field("name"), "two rules have this name");
        }
        check_filters(&rule.filters, &rule.matches, &at.field("filters"), notes);
        for (j, backend) in rule.backends.iter().enumerate() {
            check_filters(
                &backend.filters,
                &rule.matches,
                &at.field("backendRefs").index(j).field("filters"),
                notes,
            );
        }
        check_redirect(rule, &at, notes);
        check_timeouts(rule, &at.field("timeouts"), notes);
    }
}

fn check_filters(filters: &[Filter], matches: &[Match], at: &At<'_>, notes: &mut Notes) {
    let mut seen = HashSet::new();
    for name in filters.iter().filter_map(only_once) {
        if !seen.insert(name) {
            notes.invalid(at, format!("a {name} filter must not be repeated"));
        }
    }
    if seen.contains("RequestRedirect") && seen.contains("URLRewrite") {
        notes.invalid(at, "a redirect and a rewrite must not stand together");
    }
    if filters.iter().any(replaces_prefix) && !matches_one_prefix(matches) {
        notes.invalid(
            at,
            "replacePrefixMatch needs a rule with exactly one match, by path prefix",
        );
    }
}

/// The type of a filter that must not be repeated.
fn only_once(filter: &Filter) -> Option<&'static str> {
    match filter {
        Filter::RequestHeaders(_) => Some("RequestHeaderModifier"),
        Filter::ResponseHeaders(_) => Some("ResponseHeaderModifier"),
        Filter::Redirect(_) => Some("RequestRedirect"),
        Filter::Rewrite(_) => Some("URLRewrite"),
        _ => None,
    }
}

fn replaces_prefix(filter: &Filter) -> bool {
    let path = match filter {
        Filter::Redirect(redirect) => redirect.path.as_ref(),
        Filter::Rewrite(rewrite) => rewrite.path.as_ref(),
        _ => None,
    };
    matches!(path, Some(PathModifier::Prefix(_)))
}

fn matches_one_prefix(matches: &[Match]) -> bool {
    matches!(matches, [only] if matches!(only.path, PathMatch::Prefix(_)))
}

fn check_redirect(rule: &Rule, at: &At<'_>, notes: &mut Notes) {
    let redirects = rule.filters.iter().any(|filter| matches!(filter, Filter::Redirect(_)));
    if redirects && !rule.backends.is_empty() {
        notes.invalid(&at.field("backendRefs"), "a rule that redirects must have no backends");
    }
}

fn check_timeouts(rule: &Rule, at: &At<'_>, notes: &mut Notes) {
    if let (Some(request), Some(backend)) = (rule.timeouts.request_ms, rule.timeouts.backend_request_ms)
        && request > 0
        && backend > request
    {
        notes.invalid(at, "backendRequest must not be longer than request");
    }
}
