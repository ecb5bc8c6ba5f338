//! Finding the next message after the stream's place in it was lost.
//!
//! Bytes of a body can look like a head, so a head is believed only at the start of a call's bytes, and only if it is
//! strictly formed: a registered method or a plausible status, a target of a known form, CRLF line ends throughout,
//! Host where HTTP/1.1 wants it. Such a head may come in several calls, as long as each of them continues it.

use crate::{RequestHead, ResponseHead, Version};

use super::request;
use super::response;

/// Methods that are believed out of context: RFC 9110 section 9.3, RFC 5789, RFC 4918, RFC 3253 and RFC 5323.
const METHODS: [&[u8]; 18] = [
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"CONNECT",
    b"OPTIONS",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
];

/// Whether the start of a call can be the start of a request head.
pub(super) fn may_begin_request(bytes: &[u8]) -> bool {
    match bytes.iter().position(|&byte| byte == b' ') {
        Some(end) => METHODS.iter().any(|method| bytes.get(..end) == Some(method)),
        None => METHODS.iter().any(|method| method.starts_with(bytes)),
    }
}

/// Whether the start of a call can be the start of a response head.
pub(super) fn may_begin_response(bytes: &[u8]) -> bool {
    response::may_begin(bytes)
}

/// Whether `line`, with its line end, is a request line on its own.
pub(super) fn is_request_line(line: &[u8]) -> bool {
    let known = |line: &[u8]| request::split_line(line).is_some_and(|parts| METHODS.contains(&parts.method));
    line.strip_suffix(b"\r\n").is_some_and(known)
}

/// Whether `line`, with its line end, is a status line on its own.
pub(super) fn is_status_line(line: &[u8]) -> bool {
    line.strip_suffix(b"\r\n").and_then(response::split_line).is_some()
}

/// Whether every line of a head ends with CRLF.
pub(super) fn has_strict_line_ends(head: &[u8]) -> bool {
    head.split_inclusive(|&byte| byte == b'\n')
        .all(|line| line.ends_with(b"\r\n"))
}

/// Whether a request head that was read out of context is to be believed.
pub(super) fn is_plausible_request(head: &RequestHead) -> bool {
    METHODS.contains(&&*head.method) && (head.authority.is_some() || head.version == Version::Http10)
}

/// Whether a response head that was read out of context is to be believed.
pub(super) fn is_plausible_response(head: &ResponseHead) -> bool {
    head.status < 600
}

#[cfg(test)]
mod tests;
