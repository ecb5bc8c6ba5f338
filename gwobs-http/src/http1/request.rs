//! A request head: request line and fields (RFC 9112 section 3).

use bytes::{BufMut, Bytes, BytesMut};

use super::framing::{self, Framing};
use super::head::{HeadBuffer, parse_fields};
use super::item::Fault;
use super::limits::MAX_METHOD;
use crate::{Field, RequestHead, Unknown, Version};

/// Parses a complete head.
pub(super) fn parse(head: HeadBuffer) -> Result<(RequestHead, Framing), Fault> {
    let (line, section) = head.finish();
    let request_line = split_line(&line).ok_or(Fault::Syntax)?;
    let mut headers = parse_fields(&section)?;
    let framing = framing::of_request(request_line.version, &headers);
    let host = take_host(&mut headers)?;
    let target = parse_target(&line, &request_line).ok_or(Fault::Syntax)?;
    let head = RequestHead {
        version: request_line.version,
        method: line.slice_ref(request_line.method),
        authority: target.authority.or(host).filter(|authority| !authority.is_empty()),
        path: target.path,
        headers,
        unknown: Unknown::default(),
    };
    Ok((head, framing))
}

/// The parts of a request line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    pub(super) method: &'a [u8],
    pub(super) target: &'a [u8],
    pub(super) version: Version,
}

/// Splits a request line without its line end: single blanks, as RFC 9112 section 3 writes it.
pub(super) fn split_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let mut parts = line.split(|&byte| byte == b' ');
    let (method, target, version) = (parts.next()?, parts.next()?, parts.next()?);
    let version = parse_version(version)?;
    let valid = is_method(method) && is_target(target) && parts.next().is_none();
    valid.then_some(RequestLine {
        method,
        target,
        version,
    })
}

/// `HTTP/1.0` and `HTTP/1.x`: a higher minor version is read as the highest known one (RFC 9110 section 2.5).
pub(super) fn parse_version(bytes: &[u8]) -> Option<Version> {
    match bytes.strip_prefix(b"HTTP/1.")? {
        b"0" => Some(Version::Http10),
        [b'1'..=b'9'] => Some(Version::Http11),
        _ => None,
    }
}

/// Whether bytes can begin a request line, judged by the method: cheap, so that other protocols are told early.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let method = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
    is_method(method)
}

/// The method of a head that was not read to its end, if that much is there.
pub(super) fn method_of(bytes: &[u8]) -> Option<Bytes> {
    let end = bytes.iter().take(MAX_METHOD + 1).position(|&byte| byte == b' ')?;
    let method = bytes.get(..end)?;
    is_token(method).then(|| Bytes::copy_from_slice(method))
}

fn is_method(bytes: &[u8]) -> bool {
    bytes.len() <= MAX_METHOD && is_token(bytes)
}

/// RFC 9110 section 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    let token_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(token_byte)
}

/// Visible bytes, and those above ASCII that the data planes let through.
fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| byte > b' ' && byte != 0x7f)
}

struct Target {
    authority: Option<Bytes>,
    path: Option<Bytes>,
}

/// The four forms of RFC 9112 section 3.2.
fn parse_target(line: &Bytes, request_line: &RequestLine<'_>) -> Option<Target> {
    let target = line.slice_ref(request_line.target);
    match request_line.method {
        b"CONNECT" => Some(Target {
            authority: Some(target),
            path: None,
        }),
        _ if target.starts_with(b"/") || target == b"*"[..] => Some(Target {
            authority: None,
            path: Some(target),
        }),
        method => parse_absolute(&target, method == b"OPTIONS"),
    }
}

/// Absolute form: `scheme://authority/path?query`. Userinfo is dropped (RFC 9110 section 4.2.4).
fn parse_absolute(target: &Bytes, is_options: bool) -> Option<Target> {
    let scheme = target
        .windows(3)
        .position(|window| window == b"://")
        .filter(|&at| is_scheme(&target.slice(..at)))?;
    let rest = target.slice(scheme + 3..);
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let authority = rest.slice(..end);
    let host = authority.iter().rposition(|&byte| byte == b'@').map_or(0, |at| at + 1);
    let path = match rest.slice(end..) {
        path if path.starts_with(b"/") => path,
        path if path.is_empty() && is_options => Bytes::from_static(b"*"),
        path => prefixed_with_slash(&path),
    };
    Some(Target {
        authority: Some(authority.slice(host..)),
        path: Some(path),
    })
}

fn is_scheme(bytes: &[u8]) -> bool {
    let scheme_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    bytes.first().is_some_and(u8::is_ascii_alphabetic) && bytes.iter().all(scheme_byte)
}

fn prefixed_with_slash(path: &[u8]) -> Bytes {
    let mut joined = BytesMut::with_capacity(path.len() + 1);
    joined.put_u8(b'/');
    joined.put_slice(path);
    joined.freeze()
}

/// Removes the Host lines; they must agree (RFC 9112 section 3.2 wants one).
fn take_host(headers: &mut Vec<Field>) -> Result<Option<Bytes>, Fault> {
    let mut hosts = headers
        .extract_if(.., |field| field.name == b"host"[..])
        .map(|field| field.value);
    let first = hosts.next();
    match hosts.all(|other| Some(&other) == first.as_ref()) {
        true => {
            drop(hosts);
            Ok(first)
        }
        false => Err(Fault::Syntax),
    }
}

#[cfg(test)]
mod tests;
