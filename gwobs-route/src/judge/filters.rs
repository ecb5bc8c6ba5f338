//! Whether the rule's filters were applied to what the gateway sent. Only what the filters name is judged.

use crate::view::{host_of, normalise, split_query};
use crate::{Forwarded, Request, profile::PathReading};

/// Headers that proxies change on their own account, whatever a filter says: hop-by-hop (RFC 9110 section 7.6.1), framing,
/// and what they add about the client.
const LEFT_ALONE: [&str; 16] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];

/// True for headers that proxies change on their own account.
pub(crate) fn is_left_alone(name: &str) -> bool {
    LEFT_ALONE.contains(&name) || name.starts_with("x-forwarded-") || name.starts_with("x-envoy-")
}

/// True if nothing in `sent` contradicts `due`.
pub(super) fn applied(due: &Forwarded, sent: &Request<'_>) -> bool {
    let authority = due
        .authority
        .as_deref()
        .is_none_or(|due| same_host(due, sent.authority));
    let path = due
        .path
        .as_deref()
        .is_none_or(|due| sent.path.is_none_or(|sent| same_target(due, sent)));
    let set = due
        .headers_set
        .iter()
        .all(|(name, value)| is_left_alone(name) || has(sent, name, value));
    let removed = due
        .headers_removed
        .iter()
        .all(|name| is_left_alone(name) || values(sent, name).next().is_none());
    authority && path && set && removed
}

fn same_host(due: &str, sent: Option<&str>) -> bool {
    sent.is_none_or(|sent| host_of(sent).eq_ignore_ascii_case(host_of(due)))
}

/// The same path, however it is encoded, and the same query; a query may also be gone, which the spec leaves open.
pub(super) fn same_target(due: &str, sent: &str) -> bool {
    let ((due, due_query), (sent, sent_query)) = (split_query(due), split_query(sent));
    let query = sent_query.is_none() || sent_query.unwrap_or("") == due_query.unwrap_or("");
    query && (due == sent || plain(due) == plain(sent))
}

fn plain(path: &str) -> String {
    let all = PathReading {
        decode: true,
        merge_slashes: true,
        dot_segments: true,
    };
    normalise(path, all).unwrap_or_else(|| path.to_owned())
}

fn values<'a>(request: &'a Request<'_>, name: &'a str) -> impl Iterator<Item = &'a str> {
    request
        .headers
        .iter()
        .filter(move |field| field.name == name)
        .map(|field| field.value)
}

/// Several lines of one name and one line with commas are the same (RFC 9110 section 5.3).
fn has(request: &Request<'_>, name: &str, due: &str) -> bool {
    let sent: Vec<_> = values(request, name).collect();
    let separator = if name == "cookie" { "; " } else { "," };
    let sent = sent.join(separator);
    sent.split(',').map(str::trim).eq(due.split(',').map(str::trim))
}
