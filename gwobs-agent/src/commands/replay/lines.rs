//! Lines of a recording: read one at a time, each bounded.

use std::io::{self, BufRead, Read};

use serde::Deserialize;

use super::record::Record;

/// Longest line that is read: `observe` writes heads of at most 16 KiB a few times over, escaped.
const MAX_LINE: u64 = 1 << 20;

/// One line.
pub(super) enum Line {
    /// A decision.
    Decision(Box<Record>),
    /// Something else that `observe` writes, or an empty line.
    Other,
    /// No JSON, no such object, or too long.
    Malformed,
}

/// The lines of a recording.
pub(super) struct Lines<R> {
    input: R,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input }
    }

    /// The next line without its end; `None` at the end of the input. Of one that is too long the rest is skipped.
    fn line(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut line = Vec::new();
        let read = self.input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        let whole = line.ends_with(b"\n") || (read as u64) < MAX_LINE;
        if !whole {
            self.input.skip_until(b'\n')?;
        }
        Ok(Some((line, whole)))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        let line = self.line().transpose()?;
        Some(line.map(|(line, whole)| {
            if whole {
                parse(line.trim_ascii())
            } else {
                Line::Malformed
            }
        }))
    }
}

#[derive(Deserialize)]
struct Tag {
    r#type: String,
}

fn parse(line: &[u8]) -> Line {
    if line.is_empty() {
        return Line::Other;
    }
    match serde_json::from_slice::<Tag>(line) {
        Ok(tag) if tag.r#type == "decision" => match serde_json::from_slice(line) {
            Ok(record) => Line::Decision(record),
            Err(_) => Line::Malformed,
        },
        Ok(_) => Line::Other,
        Err(_) => Line::Malformed,
    }
}
