//! Matches of HTTPRoutes and GRPCRoutes.

use gwobs_route::model::{GrpcMethodMatch, Match, PathMatch, StringMatch, ValueMatch};

use super::scalar;
use crate::specs::notes::{At, Notes};
use crate::specs::wire;

/// Most header or query conditions of one match.
const MAX_CONDITIONS: usize = 16;
/// Most matches of one rule.
const MAX_MATCHES: usize = 64;

/// `matches` of an HTTPRoute; without any, one of everything.
pub(super) fn http_matches(wire: Option<Vec<wire::HttpMatch>>, at: &At<'_>, notes: &mut Notes) -> Vec<Match> {
    or_everything(wire, at, notes, http_match)
}

/// `matches` of a GRPCRoute; without any, one of everything.
pub(super) fn grpc_matches(wire: Option<Vec<wire::GrpcMatch>>, at: &At<'_>, notes: &mut Notes) -> Vec<Match> {
    or_everything(wire, at, notes, grpc_match)
}

fn or_everything<W>(
    wire: Option<Vec<W>>,
    at: &At<'_>,
    notes: &mut Notes,
    convert: impl Fn(W, &At<'_>, &mut Notes) -> Match,
) -> Vec<Match> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_MATCHES, at, notes);
    if wire.is_empty() {
        return vec![Match::default()];
    }
    wire.into_iter()
        .enumerate()
        .map(|(i, one)| convert(one, &at.index(i), notes))
        .collect()
}

fn http_match(wire: wire::HttpMatch, at: &At<'_>, notes: &mut Notes) -> Match {
    /// The methods that the API knows.
    const METHODS: [&str; 9] = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
    ];
    if wire.method.as_deref().is_some_and(|method| !METHODS.contains(&method)) {
        notes.invalid(&at.field("method"), format!("must be one of {}", METHODS.join(", ")));
    }
    Match {
        path: wire
            .path
            .map(|path| path_match(path, &at.field("path"), notes))
            .unwrap_or_default(),
        method: wire.method.map(Into::into),
        grpc: None,
        headers: headers(wire.headers, at, notes),
        query: values(wire.query_params, &at.field("queryParams"), notes),
    }
}

fn grpc_match(wire: wire::GrpcMatch, at: &At<'_>, notes: &mut Notes) -> Match {
    Match {
        grpc: wire
            .method
            .map(|method| grpc_method(method, &at.field("method"), notes)),
        headers: headers(wire.headers, at, notes),
        ..Match::default()
    }
}

fn grpc_method(wire: wire::GrpcMethod, at: &At<'_>, notes: &mut Notes) -> GrpcMethodMatch {
    if wire.service.is_none() && wire.method.is_none() {
        notes.invalid(at, "service or method must be given");
    }
    let kind = wire.kind.as_deref();
    GrpcMethodMatch {
        service: wire.service.map(|service| string_match(kind, service, at, notes)),
        method: wire.method.map(|method| string_match(kind, method, at, notes)),
    }
}

fn path_match(wire: wire::PathMatch, at: &At<'_>, notes: &mut Notes) -> PathMatch {
    let value = wire.value.unwrap_or_else(|| "/".to_owned());
    match wire.kind.as_deref().unwrap_or("PathPrefix") {
        "PathPrefix" => {
            check_path(&value, &at.field("value"), notes);
            PathMatch::Prefix(value.into())
        }
        "Exact" => {
            check_path(&value, &at.field("value"), notes);
            PathMatch::Exact(value.into())
        }
        "RegularExpression" => PathMatch::Regex(value.into()),
        _ => {
            notes.not_understood(&at.field("type"));
            PathMatch::Unknown(value.into())
        }
    }
}

/// The API's own rules for the value of an exact path or a prefix.
fn check_path(value: &str, at: &At<'_>, notes: &mut Notes) {
    /// Parts that a path must not have.
    const FORBIDDEN: [&str; 7] = ["//", "/./", "/../", "%2f", "%2F", "#", "\0"];
    /// Longest path of a match.
    const MAX_PATH: usize = 1024;
    if !value.starts_with('/') {
        notes.invalid(at, format!("`{value}` does not start with `/`"));
    }
    if let Some(part) = FORBIDDEN.iter().find(|part| value.contains(**part)) {
        notes.invalid(at, format!("must not contain `{}`", part.escape_debug()));
    }
    if value.ends_with("/..") || value.ends_with("/.") {
        notes.invalid(at, "must not end with `/.` or `/..`");
    }
    if value.len() > MAX_PATH {
        notes.invalid(at, format!("must not be longer than {MAX_PATH} characters"));
    }
}

fn headers(wire: Option<Vec<wire::ValueMatch>>, at: &At<'_>, notes: &mut Notes) -> Vec<ValueMatch> {
    let at = at.field("headers");
    let mut headers = values(wire, &at, notes);
    for (i, header) in headers.iter_mut().enumerate() {
        header.name = scalar::header_name(&header.name, &at.index(i).field("name"), notes);
    }
    headers
}

fn values(wire: Option<Vec<wire::ValueMatch>>, at: &At<'_>, notes: &mut Notes) -> Vec<ValueMatch> {
    let wire = wire.unwrap_or_default();
    scalar::at_most(wire.len(), MAX_CONDITIONS, at, notes);
    wire.into_iter()
        .enumerate()
        .map(|(i, one)| ValueMatch {
            name: one.name.into(),
            value: string_match(one.kind.as_deref(), one.value, &at.index(i), notes),
        })
        .collect()
}

fn string_match(kind: Option<&str>, value: String, at: &At<'_>, notes: &mut Notes) -> StringMatch {
    match kind.unwrap_or("Exact") {
        "Exact" => StringMatch::Exact(value.into()),
        "RegularExpression" => StringMatch::Regex(value.into()),
        _ => {
            notes.not_understood(&at.field("type"));
            StringMatch::Unknown(value.into())
        }
    }
}
