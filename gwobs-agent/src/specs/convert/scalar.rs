//! Single values, checked against the patterns and ranges of the API.

use std::str::FromStr;
use std::sync::Arc;

use crate::specs::notes::{At, Notes};

/// Longest name of an object or hostname (RFC 1123 as Kubernetes reads it).
const MAX_NAME: usize = 253;
/// Longest DNS label: names of namespaces and Services.
const MAX_LABEL: usize = 63;
/// Greatest weight of a backendRef.
pub(super) const MAX_WEIGHT: i64 = 1_000_000;

/// A port, 1 to 65535. Any other has no meaning.
pub(super) fn port(value: i64, at: &At<'_>, notes: &mut Notes) -> Option<u16> {
    match u16::try_from(value) {
        Ok(port) if port > 0 => Some(port),
        _ => {
            notes.meaningless(at, format!("a port is 1 to 65535, not {value}"));
            None
        }
    }
}

/// A port that need not be given.
pub(super) fn optional_port(value: Option<i64>, at: &At<'_>, notes: &mut Notes) -> Option<u16> {
    value.and_then(|value| port(value, at, notes))
}

/// A number within a range; one outside has no meaning and becomes the nearest within.
pub(super) fn ranged(value: i64, range: std::ops::RangeInclusive<i64>, at: &At<'_>, notes: &mut Notes) -> u32 {
    let nearest = value.clamp(*range.start(), *range.end());
    if nearest != value {
        notes.meaningless(at, format!("must be {} to {}, not {value}", range.start(), range.end()));
    }
    u32::try_from(nearest).unwrap_or(0)
}

/// A hostname in lower case, maybe with a wildcard as its first label.
pub(super) fn hostname(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    let name = value.strip_prefix("*.").unwrap_or(value);
    if value.parse::<std::net::IpAddr>().is_ok() {
        notes.invalid(at, "a hostname must not be an IP address");
    } else if !is_subdomain(name) {
        notes.invalid(
            at,
            format!("`{value}` is not a hostname: lower-case labels, maybe `*.` in front"),
        );
    }
    value.to_ascii_lowercase().into()
}

/// A hostname that a redirect or rewrite sets: no wildcard.
pub(super) fn precise_hostname(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    if !is_subdomain(value) {
        notes.invalid(at, format!("`{value}` is not a precise hostname"));
    }
    value.into()
}

/// The name of an object.
pub(super) fn object_name(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    if value.is_empty() || value.len() > MAX_NAME {
        notes.invalid(at, format!("a name has 1 to {MAX_NAME} characters"));
    }
    value.into()
}

/// The name of a namespace.
pub(super) fn namespace(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    if !is_label(value) {
        notes.invalid(at, format!("`{value}` is not the name of a namespace"));
    }
    value.into()
}

/// The name of a section: a listener, a rule or a port.
pub(super) fn section(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    if !is_subdomain(value) {
        notes.invalid(
            at,
            format!("`{value}` is not a section name: lower-case letters, digits, `-` and `.`"),
        );
    }
    value.into()
}

/// A header name in lower case (RFC 9110 section 5.1).
pub(super) fn header_name(value: &str, at: &At<'_>, notes: &mut Notes) -> Arc<str> {
    /// Longest header name that the API takes.
    const MAX_HEADER_NAME: usize = 256;
    if value.is_empty() || value.len() > MAX_HEADER_NAME || !value.bytes().all(is_token) {
        notes.invalid(at, format!("`{value}` is not a header name"));
    }
    value.to_ascii_lowercase().into()
}

/// A duration (GEP-2257) in milliseconds.
pub(super) fn duration_ms(value: &str, at: &At<'_>, notes: &mut Notes) -> Option<u64> {
    match gateway_api::Duration::from_str(value) {
        Ok(duration) => Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        Err(reason) => {
            notes.meaningless(at, format!("`{value}` is not a duration like `1m30s`: {reason}"));
            None
        }
    }
}

/// Tells of a list that is longer than the API lets it be. All of it is used.
pub(super) fn at_most(length: usize, most: usize, at: &At<'_>, notes: &mut Notes) {
    if length > most {
        notes.invalid(at, format!("at most {most} are allowed, not {length}"));
    }
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= MAX_NAME && !name.is_empty() && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = label.as_bytes();
    bytes.len() <= MAX_LABEL
        && bytes.first().is_some_and(|byte| plain(*byte))
        && bytes.last().is_some_and(|byte| plain(*byte))
        && bytes.iter().all(|byte| plain(*byte) || *byte == b'-')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
