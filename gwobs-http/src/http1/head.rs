//! Collecting a head: its end is looked for as bytes come, and it is parsed once.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::item::Fault;
use super::limits::{MAX_FIELDS, MAX_HEAD};
use crate::Field;

/// Finds the empty line that ends a head or a trailer section. Lines end with CRLF or a bare LF (RFC 9112 section
/// 2.2 lets a recipient accept that, and the data planes do).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum EndFinder {
    /// Within a line.
    #[default]
    InLine,
    /// At the start of a line.
    AtLineStart,
    /// After a CR at the start of a line.
    AfterCr,
}

impl EndFinder {
    /// Looks through `bytes`; answers how many of them belong to the section if it ends in them.
    pub(super) fn find(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            match (*self, rest.first()) {
                (_, None) => return None,
                (Self::AtLineStart | Self::AfterCr, Some(b'\n')) => return Some(at + 1),
                (Self::AtLineStart, Some(b'\r')) => {
                    *self = Self::AfterCr;
                    at += 1;
                }
                _ => {
                    let line_end = memchr(b'\n', rest);
                    *self = line_end.map_or(Self::InLine, |_| Self::AtLineStart);
                    at += line_end? + 1;
                }
            }
        }
    }
}

/// How far a head has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More bytes are needed.
    Incomplete,
    /// The empty line is there.
    Complete,
    /// Longer than [`MAX_HEAD`].
    TooLong,
}

/// The bytes of a head so far.
#[derive(Debug, Default)]
pub(super) struct HeadBuffer {
    bytes: BytesMut,
    end: EndFinder,
    /// Length of the first line with its LF, once it is there.
    first_line: Option<usize>,
    /// The last push completed the first line.
    first_line_is_new: bool,
}

impl HeadBuffer {
    /// Takes bytes up to the end of the head, at most.
    pub(super) fn push(&mut self, input: &mut Bytes) -> Progress {
        let room = MAX_HEAD - self.bytes.len();
        let offered = input.get(..room.min(input.len())).unwrap_or_default();
        let found = self.end.find(offered);
        let taken = offered.get(..found.unwrap_or(offered.len())).unwrap_or_default();
        self.look_for_first_line(taken);
        self.bytes.extend_from_slice(taken);
        let (taken, full) = (taken.len(), offered.len() == room);
        input.advance(taken);
        match (found, full) {
            (Some(_), _) => Progress::Complete,
            (None, true) => Progress::TooLong,
            (None, false) => Progress::Incomplete,
        }
    }

    fn look_for_first_line(&mut self, taken: &[u8]) {
        let line_end = || memchr(b'\n', taken);
        let found = if self.first_line.is_none() { line_end() } else { None };
        self.first_line_is_new = found.is_some();
        self.first_line = self.first_line.or(found.map(|at| self.bytes.len() + at + 1));
    }

    /// The bytes so far.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The first line with its line end, if the last push completed it.
    pub(super) fn new_first_line(&self) -> Option<&[u8]> {
        self.bytes.get(..self.first_line?).filter(|_| self.first_line_is_new)
    }

    /// The head: bytes with folded lines joined and field names in lower case, split after the start line.
    pub(super) fn finish(mut self) -> (Bytes, Bytes) {
        let start = self.bytes.split_to(self.first_line.unwrap_or(self.bytes.len()));
        normalize_fields(&mut self.bytes);
        let start = start.freeze();
        let line = start.slice(..trim_line_end(&start).len());
        (line, self.bytes.freeze())
    }
}

/// A line without its CRLF or LF.
pub(super) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Lower-cases field names and replaces every obs-fold by blanks of the same length (RFC 9112 section 5.2), in
/// place. A fold right after the start line is left alone, to be refused.
fn normalize_fields(section: &mut [u8]) {
    let mut start = 0;
    while let Some(length) = section.get(start..).and_then(|rest| memchr(b'\n', rest)) {
        let next = start + length + 1;
        if let Some(line) = section.get_mut(start..next) {
            let name_length = memchr(b':', line).unwrap_or(0);
            line.get_mut(..name_length).unwrap_or_default().make_ascii_lowercase();
        }
        let blank_line = trim_line_end(section.get(start..next).unwrap_or_default()).is_empty();
        let mut end = next;
        while !blank_line && matches!(section.get(end), Some(b' ' | b'\t')) {
            end = join_with_next_line(section, end);
        }
        start = end;
    }
}

/// Blanks out the line end before `at` and answers where the line that begins at `at` ends.
fn join_with_next_line(section: &mut [u8], at: usize) -> usize {
    for byte in section.get_mut(at.saturating_sub(2)..at).unwrap_or_default() {
        if matches!(byte, b'\r' | b'\n') {
            *byte = b' ';
        }
    }
    let rest = section.get(at..).unwrap_or_default();
    memchr(b'\n', rest).map_or(section.len(), |length| at + length + 1)
}

/// The field lines of a section that ends with an empty line, names in lower case already.
pub(super) fn parse_fields(section: &Bytes) -> Result<Vec<Field>, Fault> {
    const USUAL: usize = 64;
    match parse_at_most::<USUAL>(section) {
        Err(Fault::TooManyFields) => parse_at_most::<MAX_FIELDS>(section),
        settled => settled,
    }
}

fn parse_at_most<const MOST: usize>(section: &Bytes) -> Result<Vec<Field>, Fault> {
    let mut headers = [httparse::EMPTY_HEADER; MOST];
    match httparse::parse_headers(section, &mut headers) {
        Ok(httparse::Status::Complete((end, fields))) if end == section.len() => {
            Ok(fields.iter().map(|field| to_field(section, field)).collect())
        }
        Err(httparse::Error::TooManyHeaders) => Err(Fault::TooManyFields),
        _ => Err(Fault::Syntax),
    }
}

fn to_field(section: &Bytes, header: &httparse::Header<'_>) -> Field {
    Field {
        name: section.slice_ref(header.name.as_bytes()),
        value: section.slice_ref(header.value.trim_ascii()),
    }
}

#[cfg(test)]
mod tests;
