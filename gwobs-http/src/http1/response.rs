//! A response head: status line and fields (RFC 9112 section 4).

use super::framing::{self, Framing};
use super::head::{HeadBuffer, parse_fields};
use super::item::Fault;
use super::request::parse_version;
use crate::{ResponseHead, Version};

/// Parses a complete head; `method` is that of the request it answers, `None` if not known.
pub(super) fn parse(head: HeadBuffer, method: Option<&[u8]>) -> Result<(ResponseHead, Framing), Fault> {
    let (line, section) = head.finish();
    let (version, status) = split_line(&line).ok_or(Fault::Syntax)?;
    let headers = parse_fields(&section)?;
    let framing = framing::of_response(version, status, &headers, method);
    Ok((
        ResponseHead {
            version,
            status,
            headers,
            unknown: 0,
        },
        framing,
    ))
}

/// Splits a status line without its line end; the reason may be missing, with or without its blank.
pub(super) fn split_line(line: &[u8]) -> Option<(Version, u16)> {
    let (version, rest) = line.split_at_checked(8)?;
    let version = parse_version(version)?;
    let (status, reason) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let reason_is_valid = reason.is_empty() || (reason.starts_with(b" ") && reason.iter().all(is_reason_byte));
    let status = parse_status(status)?;
    reason_is_valid.then_some((version, status))
}

fn parse_status(digits: &[u8]) -> Option<u16> {
    let [hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = *digits else {
        return None;
    };
    let digit = |byte: u8| u16::from(byte - b'0');
    Some(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))
}

/// RFC 9112 section 4: HTAB, SP, VCHAR, obs-text.
fn is_reason_byte(byte: &u8) -> bool {
    *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f)
}

/// Whether bytes can begin a status line.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/1.";
    bytes.iter().zip(START).all(|(byte, expected)| byte == expected)
}

#[cfg(test)]
mod tests;
