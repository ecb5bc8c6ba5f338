//! Where a message ends: RFC 9112 section 6.3.

use crate::{Field, Version};

/// How the length of a body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    None,
    /// That many bytes, at least one.
    Length(u64),
    /// Chunked transfer coding.
    Chunked,
    /// All bytes until the connection ends.
    UntilClose,
    /// No message follows: the connection leaves HTTP (101, or 2xx to CONNECT).
    Tunnel,
    /// The fields contradict one another or HTTP: recipients differ on where the message ends.
    Faulty,
    /// A response to a request that was not read: whether there is a body depends on its method.
    UnknownRequest,
}

/// Framing of a request.
pub(super) fn of_request(version: Version, fields: &[Field]) -> Framing {
    match transfer_coding(version, fields) {
        TransferCoding::Chunked => Framing::Chunked,
        TransferCoding::Other | TransferCoding::Faulty => Framing::Faulty,
        TransferCoding::Absent => by_length(fields).unwrap_or(Framing::None),
    }
}

/// Framing of a response to a request with `method`; `None` if that request was not read.
pub(super) fn of_response(version: Version, status: u16, fields: &[Field], method: Option<&[u8]>) -> Framing {
    let tunnel = status == 101 || (method == Some(b"CONNECT") && (200..300).contains(&status));
    let bodyless = status < 200 || matches!(status, 204 | 304) || method == Some(b"HEAD");
    match () {
        () if tunnel => Framing::Tunnel,
        () if bodyless => Framing::None,
        () if method.is_none() => Framing::UnknownRequest,
        () => of_response_body(version, fields),
    }
}

fn of_response_body(version: Version, fields: &[Field]) -> Framing {
    match transfer_coding(version, fields) {
        TransferCoding::Chunked => Framing::Chunked,
        TransferCoding::Other => Framing::UntilClose,
        TransferCoding::Faulty => Framing::Faulty,
        TransferCoding::Absent => by_length(fields).unwrap_or(Framing::UntilClose),
    }
}

enum TransferCoding {
    Absent,
    /// `chunked` is the final coding, and is there once.
    Chunked,
    /// Another coding is the final one.
    Other,
    /// In an HTTP/1.0 message (RFC 9112 section 6.1), without any coding, or chunked twice.
    Faulty,
}

fn transfer_coding(version: Version, fields: &[Field]) -> TransferCoding {
    let mut codings = elements(fields, b"transfer-encoding").peekable();
    if fields.iter().all(|field| field.name != b"transfer-encoding"[..]) {
        return TransferCoding::Absent;
    }
    if version == Version::Http10 || codings.peek().is_none() {
        return TransferCoding::Faulty;
    }
    let (mut chunked_count, mut last_is_chunked) = (0, false);
    for coding in codings {
        last_is_chunked = coding.eq_ignore_ascii_case(b"chunked");
        chunked_count += usize::from(last_is_chunked);
    }
    match (chunked_count, last_is_chunked) {
        (1, true) => TransferCoding::Chunked,
        (0, _) => TransferCoding::Other,
        _ => TransferCoding::Faulty,
    }
}

/// Framing by Content-Length; `None` without such a field. A list of equal values is one value.
fn by_length(fields: &[Field]) -> Option<Framing> {
    let mut lengths = fields
        .iter()
        .filter(|field| field.name == b"content-length"[..])
        .peekable();
    lengths.peek()?;
    let mut agreed = None;
    for value in lengths.flat_map(|field| field.value.split(|&byte| byte == b',')) {
        match (parse_length(value.trim_ascii()), agreed) {
            (Some(length), None) => agreed = Some(length),
            (Some(length), Some(before)) if length == before => {}
            _ => return Some(Framing::Faulty),
        }
    }
    Some(match agreed {
        Some(0) => Framing::None,
        Some(length) => Framing::Length(length),
        None => Framing::Faulty,
    })
}

fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |length, digit| match digit {
        b'0'..=b'9' => length.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// The elements of a list field over all its lines, empty ones left out (RFC 9110 section 5.6.1).
fn elements<'a>(fields: &'a [Field], name: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let lines = fields.iter().filter(move |field| field.name == name);
    let parts = lines.flat_map(|field| field.value.split(|&byte| byte == b','));
    parts.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

#[cfg(test)]
mod tests;
