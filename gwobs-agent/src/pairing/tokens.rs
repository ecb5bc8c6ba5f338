//! Evidence that a request and a call carry with them: ids, header values that proxies leave alone, the response.
//!
//! A token is a value that a proxy copies from one side to the other. It is used only where it is unique on both
//! sides among what is possible at all, and never to exclude: ids get forged and copied, responses rewritten.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use gwobs_http::Field;

use super::oracle::Oracle;
use crate::event::Role;
use crate::exchange::Half;
use crate::finished::Evidence;

/// An id shorter than this is no proof against requests that nobody saw.
const STRONG_LENGTH: usize = 16;

/// Response header values shorter than this are counters and flags that a gateway may make by itself.
const RESPONSE_VALUE_LENGTH: usize = 8;

/// Query parameters of a request that are looked at one by one; ordinary ones have a few.
const MAX_PARAMETERS: usize = 32;

/// A value that is the same on both sides of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Token {
    pub(super) hash: u64,
    pub(super) kind: Evidence,
    /// An id so long that nobody else carries it by chance. No other value is: bodies, cookies and user agents are long
    /// too, and the same in many messages, of which all but one may have gone unseen.
    pub(super) strong: bool,
}

/// Request headers that carry the id of a trace or of a transaction, which several requests share.
const TRACES: [&[u8]; 2] = [b"x-b3-traceid", b"x-amzn-trace-id"];

/// Headers that proxies set, change or drop on their own account, beside those with [`TOUCHED_PREFIXES`].
const TOUCHED: [&[u8]; 24] = [
    b"accept-encoding",
    b"age",
    b"alt-svc",
    b"b3",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"date",
    b"expect",
    b"forwarded",
    b"grpc-timeout",
    b"keep-alive",
    b"server",
    b"strict-transport-security",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"tracestate",
    b"uber-trace-id",
    b"upgrade",
    b"via",
    b"x-cloud-trace-context",
    b"x-real-ip",
    b"x-request-start",
];

/// Prefixes of names of such headers.
const TOUCHED_PREFIXES: [&[u8]; 5] = [b"x-forwarded-", b"x-envoy-", b"x-b3-", b"proxy-", b"x-datadog-"];

/// True if proxies leave a header of this name alone, as far as their own habits go.
pub(super) fn proxies_leave_alone(name: &[u8]) -> bool {
    !TOUCHED.contains(&name)
        && !TOUCHED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && name != b"traceparent"
}

/// The tokens of a half's request, sorted.
pub(super) fn of_request(half: &Half, oracle: &impl Oracle) -> Vec<Token> {
    let Some(head) = &half.request.head else {
        return Vec::new();
    };
    let mut tokens: Vec<Token> = head
        .headers
        .iter()
        .flat_map(|field| of_request_field(field, oracle))
        .collect();
    tokens.extend(head.path.iter().flat_map(|path| of_query(path)));
    if half.connection.role == Role::Accepted {
        tokens.extend(
            head.path
                .iter()
                .flat_map(|path| [path_token(path), path_token(without_query(path))]),
        );
        tokens.extend(
            head.authority
                .as_ref()
                .map(|authority| token(Evidence::Header, "host", authority)),
        );
        let client = half.connection.peer.ip().to_string();
        tokens.push(token(Evidence::Header, "client", client.as_bytes()));
    }
    sorted(tokens)
}

/// The tokens of a half's response, sorted.
pub(super) fn of_response(half: &Half, oracle: &impl Oracle) -> Vec<Token> {
    let Some(head) = &half.response.head else {
        return Vec::new();
    };
    let mut tokens: Vec<Token> = head
        .headers
        .iter()
        .filter(|field| field.value.len() >= RESPONSE_VALUE_LENGTH)
        .filter(|field| proxies_leave_alone(&field.name) && oracle.leaves_alone(&field.name))
        .map(|field| token(Evidence::Response, &field.name, &field.value))
        .collect();
    if half.response.ended.is_some() && half.response.body_length > 0 {
        let body = (head.status, half.response.body_length);
        tokens.push(token(Evidence::Response, body, &half.response.body_prefix));
    }
    sorted(tokens)
}

/// The tokens of one request header. Some proxies tell the original path, host or client in a header of their own.
fn of_request_field(field: &Field, oracle: &impl Oracle) -> Vec<Token> {
    let name: &[u8] = &field.name;
    let mut tokens = Vec::new();
    if name == b"traceparent" {
        tokens.extend(trace_id(&field.value).map(|id| token(Evidence::Header, "trace", id)));
    } else if is_request_id(name) {
        tokens.push(token(Evidence::Id, name, &field.value));
    } else if TRACES.contains(&name) || proxies_leave_alone(name) && oracle.leaves_alone(name) {
        tokens.push(token(Evidence::Header, name, &field.value));
    }
    if field.value.starts_with(b"/") {
        tokens.push(path_token(&field.value));
    }
    if name == b"x-forwarded-host" {
        tokens.push(token(Evidence::Header, "host", &field.value));
    }
    if name == b"x-forwarded-for" {
        let clients = field.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        tokens.extend(clients.map(|client| token(Evidence::Header, "client", client)));
    }
    tokens
}

/// The query and each of its parameters: a rewrite of the path leaves them alone (GEP-726 has no filter for them).
fn of_query(path: &[u8]) -> impl Iterator<Item = Token> {
    let query = path
        .iter()
        .position(|byte| *byte == b'?')
        .and_then(|at| path.get(at + 1..));
    let query = query.filter(|query| !query.is_empty());
    let parameters = query.into_iter().flat_map(|query| query.split(|byte| *byte == b'&'));
    query
        .into_iter()
        .chain(parameters.take(MAX_PARAMETERS))
        .map(|value| token(Evidence::Header, "query", value))
}

/// True for `x-request-id`, `x-client-request-id` and the like: each request has its own, by the meaning of the name. The
/// ids of traces and transactions are no such ids: when some requests of a trace went unseen, the one that is left has
/// its id and not its calls.
fn is_request_id(name: &[u8]) -> bool {
    name.ends_with(b"request-id") || name.ends_with(b"req-id")
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2); the span id changes from hop to hop.
fn trace_id(value: &Bytes) -> Option<&[u8]> {
    value.split(|byte| *byte == b'-').nth(1).filter(|id| id.len() == 32)
}

fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'?').next().unwrap_or(path)
}

fn path_token(path: &[u8]) -> Token {
    token(Evidence::Header, "path", path)
}

fn token(kind: Evidence, name: impl Hash, value: &[u8]) -> Token {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    value.hash(&mut hasher);
    Token {
        hash: hasher.finish(),
        kind,
        strong: kind == Evidence::Id && value.len() >= STRONG_LENGTH,
    }
}

/// The value of one header as a whole, for comparing; `None` if it is absent.
pub(super) fn header_value(half: &Half, name: &[u8]) -> Option<u64> {
    let head = half.request.head.as_ref()?;
    let mut values = head.headers.iter().filter(|field| field.name == name).peekable();
    values.peek()?;
    let mut hasher = DefaultHasher::new();
    for field in values {
        field.value.hash(&mut hasher);
    }
    Some(hasher.finish())
}

fn sorted(mut tokens: Vec<Token>) -> Vec<Token> {
    tokens.sort_unstable();
    tokens.dedup();
    tokens
}
