//! Whether candidates yield what they should: probe points that nothing names are trusted once bytes look right.

use std::collections::HashMap;

use crate::event::{EventKind, KernelEvent, Plaintext};

/// Connections that must begin with something else than HTTP before candidates are given up.
const FAILURES: u32 = 8;

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It can be believed.
    Believe,
    /// It cannot, yet.
    Doubt,
    /// Nor will what follows: the probes of this process are to be removed.
    GiveUp,
}

/// The candidates of each process.
#[derive(Debug, Default)]
pub struct Trials {
    open: HashMap<u32, u32>,
}

impl Trials {
    /// The points of a process are candidates.
    pub fn begin(&mut self, pid: u32) {
        self.open.insert(pid, 0);
    }

    /// The process has ended, or its points are known to be right.
    pub fn end(&mut self, pid: u32) {
        self.open.remove(&pid);
    }

    /// Judges an event by the bytes it brings.
    pub fn judge(&mut self, event: &KernelEvent) -> Finding {
        let EventKind::Plaintext(plaintext) = &event.kind else {
            return Finding::Believe;
        };
        let Some(failures) = self.open.get_mut(&event.pid) else {
            return Finding::Believe;
        };
        if looks_like_http(&plaintext.data.bytes) {
            self.open.remove(&event.pid);
            return Finding::Believe;
        }
        *failures += u32::from(is_first(plaintext));
        if *failures < FAILURES {
            return Finding::Doubt;
        }
        self.open.remove(&event.pid);
        Finding::GiveUp
    }
}

/// The first bytes of a connection in their direction.
fn is_first(plaintext: &Plaintext) -> bool {
    plaintext.from_start && plaintext.data.position == 0
}

/// Whether bytes begin like a request or a response of HTTP/1 (RFC 9112 sections 3 and 4), the preface of HTTP/2
/// (RFC 9113 section 3.4), or the SETTINGS frame that answers it.
#[must_use]
pub fn looks_like_http(bytes: &[u8]) -> bool {
    /// Longest method that is registered (RFC 5323: `BASELINE-CONTROL`).
    const LONGEST_METHOD: usize = 17;
    let is_upper = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'-';
    let method = bytes
        .iter()
        .take(LONGEST_METHOD)
        .take_while(|byte| is_upper(byte))
        .count();
    let is_request = method > 0 && bytes.get(method) == Some(&b' ');
    is_request || bytes.starts_with(b"HTTP/1.") || is_settings(bytes)
}

/// `length (3) type (1) flags (1) stream (4)`: RFC 9113 sections 4.1 and 6.5.
fn is_settings(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, length, 4, 0 | 1, 0, 0, 0, 0, ..] if length % 6 == 0)
}

#[cfg(test)]
mod tests;
