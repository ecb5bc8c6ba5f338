//! The ways in which gateways normalise a path before they match routes.

use crate::profile::PathReading;

/// True if every reading of the path is the path itself.
pub(crate) fn is_plain(path: &str) -> bool {
    let special = path.bytes().any(|byte| matches!(byte, b'%' | b'\\'));
    !special && !path.contains("//") && !path.contains("/.")
}

/// The path in that reading; `None` if it stays as it is.
pub(crate) fn normalise(path: &str, reading: PathReading) -> Option<String> {
    if !path.starts_with('/') || is_plain(path) {
        return None;
    }
    let mut read = path.to_owned();
    if reading.decode {
        read = percent_decode(&read, |byte| byte != b'/');
    }
    if reading.dot_segments {
        read = without_dot_segments(&read);
    }
    if reading.merge_slashes {
        read = with_merged_slashes(&read);
    }
    (read != path).then_some(read)
}

/// Decodes those percent-encoded bytes that `wanted` accepts.
pub(super) fn percent_decode(text: &str, wanted: impl Fn(u8) -> bool) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match encoded_byte(rest).filter(|&byte| wanted(byte)) {
            Some(byte) => {
                decoded.push(byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            None => {
                decoded.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn encoded_byte(text: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = text else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn with_merged_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}

/// RFC 3986 section 5.2.4; `\` counts as `/`, as browsers and Envoy read it.
fn without_dot_segments(path: &str) -> String {
    let path = path.replace('\\', "/");
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let trailing = path.ends_with("/.") || path.ends_with("/..");
    let end = if trailing && !segments.is_empty() { "/" } else { "" };
    format!("/{}{end}", segments.join("/"))
}
