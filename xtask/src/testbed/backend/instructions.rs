//! What a request asks its backend to do.

use crate::testbed::http::Head;
use std::time::Duration;

/// The header that carries instructions: words separated by spaces, such as `length=1048576 pieces=4`.
pub const INSTRUCTIONS: &str = "x-backend-do";

/// Parsed [`INSTRUCTIONS`]; the default is an echo with a content length.
pub(super) struct Instructions {
    /// `status=N`: answer with this status.
    pub(super) status: u16,
    /// `delay-ms=N`: wait before answering.
    pub(super) delay: Duration,
    /// `length=N`: body bytes, instead of the echo's own length.
    pub(super) length: Option<usize>,
    /// `pieces=N`: chunked, in so many chunks.
    pub(super) pieces: usize,
    /// `pause-ms=N`: wait before each chunk.
    pub(super) pause: Duration,
    /// `fail-first=N`: 503 for the first N attempts of this request's id.
    pub(super) fail_first: u32,
    /// `plain`: a short text instead of the echo, so that a bench does not measure the backend.
    pub(super) plain: bool,
    /// `close`: close after the answer, and say so.
    pub(super) close: bool,
    /// `early`: answer before the request's body is read.
    pub(super) early: bool,
    /// `hang-up`: close without an answer.
    pub(super) hang_up: bool,
}

impl Instructions {
    pub(super) fn of(head: &Head) -> Self {
        let text = head.header(INSTRUCTIONS).unwrap_or_default();
        let number = |name: &str| {
            let words = text.split_whitespace().filter_map(|word| word.split_once('='));
            words
                .filter(|(key, _)| *key == name)
                .find_map(|(_, value)| value.parse::<u32>().ok())
        };
        let has = |name: &str| text.split_whitespace().any(|word| word == name);
        let milliseconds = |name: &str| Duration::from_millis(number(name).unwrap_or(0).into());
        Self {
            status: number("status")
                .and_then(|status| status.try_into().ok())
                .unwrap_or(200),
            delay: milliseconds("delay-ms"),
            length: number("length").and_then(|length| length.try_into().ok()),
            pieces: number("pieces").and_then(|pieces| pieces.try_into().ok()).unwrap_or(0),
            pause: milliseconds("pause-ms"),
            fail_first: number("fail-first").unwrap_or(0),
            plain: has("plain"),
            close: has("close"),
            early: has("early"),
            hang_up: has("hang-up"),
        }
    }
}
