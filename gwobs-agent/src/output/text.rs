//! Bytes from the wire as text.

use std::borrow::Cow;

/// Bytes as UTF-8; what is not becomes U+FFFD, and `lossy` is set.
pub(super) fn decode<'a>(bytes: &'a [u8], lossy: &mut bool) -> Cow<'a, str> {
    let text = gwobs_http::text(bytes);
    *lossy |= matches!(text, Cow::Owned(_));
    text
}

/// Text for a terminal: control characters are written as escapes, so that a request cannot move the cursor.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escape = |c: char| {
        if c.is_control() {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    Cow::Owned(text.chars().map(escape).collect())
}
