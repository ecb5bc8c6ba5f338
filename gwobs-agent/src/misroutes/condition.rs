//! What a match asks of a request, in words.

use gwobs_route::model::{GrpcMethodMatch, Match, PathMatch, StringMatch, ValueMatch};

/// The conditions of a match, joined by commas.
pub(super) fn condition(matched: &Match) -> String {
    let mut parts = Vec::new();
    match &matched.grpc {
        Some(grpc) => parts.extend(called(grpc)),
        None => parts.push(path(&matched.path)),
    }
    parts.extend(matched.method.as_ref().map(|method| format!("method {method}")));
    parts.extend(matched.headers.iter().map(|header| value("header", header)));
    parts.extend(matched.query.iter().map(|parameter| value("query", parameter)));
    match parts.is_empty() {
        true => "any request".to_owned(),
        false => parts.join(", "),
    }
}

fn path(path: &PathMatch) -> String {
    match path {
        PathMatch::Exact(path) => format!("path {path}"),
        PathMatch::Prefix(path) => format!("path prefix {path}"),
        PathMatch::Regex(regex) => format!("path like {regex}"),
        PathMatch::Unknown(kind) => format!("path of unknown type {kind}"),
    }
}

fn called(grpc: &GrpcMethodMatch) -> impl Iterator<Item = String> {
    let service = grpc
        .service
        .as_ref()
        .map(|service| format!("service {}", text(service)));
    let method = grpc.method.as_ref().map(|method| format!("method {}", text(method)));
    service.into_iter().chain(method)
}

fn value(what: &str, matched: &ValueMatch) -> String {
    format!("{what} {} {}", matched.name, text(&matched.value))
}

fn text(value: &StringMatch) -> String {
    match value {
        StringMatch::Exact(text) => format!("= {text}"),
        StringMatch::Regex(regex) => format!("like {regex}"),
        StringMatch::Unknown(kind) => format!("of unknown type {kind}"),
    }
}
