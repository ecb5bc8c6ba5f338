//! The obviously right evaluator: every match of every route is looked at, and the best taken. It shares no code with the
//! engine but the model.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::HashMap;

use gwobs_route::model::*;
use gwobs_route::{ObjectName, Request, RouteKind};

/// Route, rule and match that win.
pub type Winner = (ObjectName, usize, usize);

/// The winner for a request at a port of a Gateway; routes attach by `sectionName` or to all listeners, and listeners are
/// isolated. Regular expressions come after exact paths and before prefixes.
pub fn winner(gateway: &Gateway, routes: &[Route], port: u16, request: &Request<'_>) -> Option<Winner> {
    let host = request
        .authority
        .unwrap_or("")
        .split(':')
        .next()
        .unwrap_or("")
        .to_lowercase();
    let on_port = gateway.listeners.iter().filter(|listener| listener.port == port);
    let owner = on_port
        .filter(|listener| host_rank(listener.hostname.as_deref(), &host).is_some())
        .min_by_key(|listener| host_rank(listener.hostname.as_deref(), &host))?;
    let mut candidates = Vec::new();
    for route in routes.iter().filter(|route| is_attached(route, owner)) {
        let Some(hostname) = route_rank(route, owner, &host) else {
            continue;
        };
        for (rule_index, rule) in route.rules.iter().enumerate() {
            for (match_index, one) in rule.matches.iter().enumerate() {
                if holds(route.kind, one, request) {
                    let key = (
                        hostname,
                        match_rank(route.kind, one),
                        age(route),
                        rule_index,
                        match_index,
                    );
                    candidates.push((key, (route.meta.name.clone(), rule_index, match_index)));
                }
            }
        }
    }
    candidates
        .into_iter()
        .min_by(|one, other| one.0.cmp(&other.0))
        .map(|(_, winner)| winner)
}

fn is_attached(route: &Route, listener: &Listener) -> bool {
    route
        .parents
        .iter()
        .any(|parent| parent.section.as_ref().is_none_or(|section| *section == listener.name))
}

/// Exact names first, then wildcards, then none; longer first.
type HostRank = (u8, Reverse<usize>);

fn host_rank(name: Option<&str>, host: &str) -> Option<HostRank> {
    match name {
        None => Some((2, Reverse(0))),
        Some(name) => match name.strip_prefix('*') {
            None => (name == host).then_some((0, Reverse(name.len()))),
            Some(suffix) => (host.len() > suffix.len() && host.ends_with(suffix)).then_some((1, Reverse(name.len()))),
        },
    }
}

/// The rank of the most specific effective hostname that covers the host.
fn route_rank(route: &Route, listener: &Listener, host: &str) -> Option<HostRank> {
    let listener = host_rank(listener.hostname.as_deref(), host)?;
    if route.hostnames.is_empty() {
        return Some(listener);
    }
    // The narrower of the two names is the effective one.
    let ranks = route.hostnames.iter().filter_map(|name| host_rank(Some(name), host));
    ranks.map(|rank| rank.min(listener)).min()
}

fn holds(kind: RouteKind, one: &Match, request: &Request<'_>) -> bool {
    let target = request.path.unwrap_or("");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path_holds = if kind == RouteKind::Grpc {
        grpc_holds(one, path)
    } else {
        path_holds(&one.path, path)
    };
    let header = |wanted: &ValueMatch| {
        let value = request
            .headers
            .iter()
            .find(|field| *field.name == *wanted.name)
            .map(|field| field.value);
        value.is_some_and(|value| string_holds(&wanted.value, value))
    };
    let parameter = |wanted: &ValueMatch| {
        let mut pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .find(|(name, _)| **name == *wanted.name)
            .is_some_and(|(_, value)| string_holds(&wanted.value, value))
    };
    path_holds
        && one.method.as_deref().is_none_or(|method| method == request.method)
        && first_only(&one.headers).into_iter().all(header)
        && first_only(&one.query).into_iter().all(parameter)
}

fn first_only(list: &[ValueMatch]) -> Vec<&ValueMatch> {
    let mut kept: Vec<&ValueMatch> = Vec::new();
    for one in list {
        if !kept.iter().any(|other| other.name == one.name) {
            kept.push(one);
        }
    }
    kept
}

fn path_holds(wanted: &PathMatch, path: &str) -> bool {
    match wanted {
        PathMatch::Exact(exact) => **exact == *path,
        PathMatch::Prefix(prefix) => {
            let wanted: Vec<_> = prefix.split('/').filter(|element| !element.is_empty()).collect();
            let elements: Vec<_> = path.split('/').skip(1).collect();
            path.starts_with('/') && elements.starts_with(&wanted)
        }
        PathMatch::Regex(source) => regex_holds(source, path),
        PathMatch::Unknown(_) => false,
    }
}

fn grpc_holds(one: &Match, path: &str) -> bool {
    let Some(wanted) = &one.grpc else { return true };
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let [service, method] = parts[..] else {
        return wanted.service.is_none() && wanted.method.is_none();
    };
    wanted
        .service
        .as_ref()
        .is_none_or(|wanted| string_holds(wanted, service))
        && wanted.method.as_ref().is_none_or(|wanted| string_holds(wanted, method))
}

fn string_holds(wanted: &StringMatch, value: &str) -> bool {
    match wanted {
        StringMatch::Exact(text) => **text == *value,
        StringMatch::Regex(source) => regex_holds(source, value),
        StringMatch::Unknown(_) => false,
    }
}

thread_local! {
    /// Compiling an expression costs more than everything else here.
    static EXPRESSIONS: RefCell<HashMap<String, regex::Regex>> = RefCell::default();
}

fn regex_holds(source: &str, value: &str) -> bool {
    let compile = || regex::Regex::new(&format!("^(?:{source})$")).expect("an expression");
    EXPRESSIONS.with_borrow_mut(|known| known.entry(source.to_owned()).or_insert_with(compile).is_match(value))
}

/// The spec's order of matches within a hostname, without age and name.
type MatchRank = (
    u8,
    Reverse<usize>,
    Reverse<usize>,
    Reverse<bool>,
    Reverse<usize>,
    Reverse<usize>,
);

fn match_rank(kind: RouteKind, one: &Match) -> MatchRank {
    let length = |text: Option<&StringMatch>| match text {
        Some(StringMatch::Exact(text) | StringMatch::Regex(text)) => Reverse(text.len()),
        _ => Reverse(0),
    };
    let (class, length, method_length) = match (&one.path, kind) {
        (_, RouteKind::Grpc) => {
            let grpc = one.grpc.as_ref();
            (
                3,
                length(grpc.and_then(|one| one.service.as_ref())),
                length(grpc.and_then(|one| one.method.as_ref())),
            )
        }
        (PathMatch::Exact(_), _) => (0, Reverse(0), Reverse(0)),
        (PathMatch::Regex(source), _) => (1, Reverse(source.len()), Reverse(0)),
        (PathMatch::Prefix(prefix), _) => (2, Reverse(prefix.trim_end_matches('/').len()), Reverse(0)),
        (PathMatch::Unknown(_), _) => (4, Reverse(0), Reverse(0)),
    };
    let (headers, query) = (first_only(&one.headers).len(), first_only(&one.query).len());
    (
        class,
        length,
        method_length,
        Reverse(one.method.is_some()),
        Reverse(headers),
        Reverse(query),
    )
}

fn age(route: &Route) -> (i64, String) {
    (route.meta.created.unwrap_or(i64::MAX), route.meta.name.to_string())
}
