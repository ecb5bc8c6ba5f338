//! Header sections to field lines: RFC 7541 sections 3 and 6.

use bytes::Bytes;
use thiserror::Error;

use super::static_table::STATIC;
use super::table::{Entry, Table};
use super::{huffman, integer};

/// A field line of a header section; what refers to an entry that was not seen is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// Its name, as it was on the wire.
    pub name: Option<Bytes>,
    /// Its value.
    pub value: Option<Bytes>,
}

impl Line {
    const UNKNOWN: Self = Self {
        name: None,
        value: None,
    };
}

/// Why a header section cannot be decoded: section 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum HpackError {
    /// It ends in the middle of a field line.
    #[error("cut short")]
    Truncated,
    /// An integer is too large.
    #[error("integer too large")]
    Integer,
    /// A string breaks the Huffman code.
    #[error("broken Huffman code")]
    Huffman,
    /// An index refers to no entry.
    #[error("no such index")]
    Index,
    /// The size of the table changes after a field line.
    #[error("misplaced change of the table size")]
    Misplaced,
}

/// The decoder of one direction.
#[derive(Debug)]
pub struct Decoder {
    table: Table,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that is given every header section from the first one on.
    #[must_use]
    pub fn new() -> Self {
        Self { table: Table::new() }
    }

    /// Header sections may have been missed: no entry of the table is known.
    pub fn lose(&mut self) {
        self.table.lose();
    }

    /// Decodes a complete header section and hands out its lines, at most `most` of them; the rest is decoded for the
    /// table's sake. The second part tells whether these are all. After an error the table is that of a decoder that
    /// has missed sections.
    pub fn decode(&mut self, section: &[u8], most: usize) -> Result<(Vec<Line>, bool), HpackError> {
        let decoded = self.try_decode(section, most);
        if decoded.is_err() {
            self.lose();
        }
        decoded
    }

    fn try_decode(&mut self, mut rest: &[u8], most: usize) -> Result<(Vec<Line>, bool), HpackError> {
        let (mut lines, mut count) = (Vec::new(), 0);
        while let Some(&first) = rest.first() {
            if first >> 5 == 0b001 {
                self.resize(&mut rest, count)?;
                continue;
            }
            let line = self.line(first, &mut rest)?;
            count += 1;
            if count <= most {
                lines.push(line);
            }
        }
        Ok((lines, count <= most))
    }

    /// Section 6.3: only before the first field line (section 4.2).
    fn resize(&mut self, rest: &mut &[u8], lines_before: usize) -> Result<(), HpackError> {
        let size = integer::decode(rest, 5)?;
        if lines_before > 0 {
            return Err(HpackError::Misplaced);
        }
        self.table.resize(size);
        Ok(())
    }

    /// One field line (sections 6.1 and 6.2).
    fn line(&mut self, first: u8, rest: &mut &[u8]) -> Result<Line, HpackError> {
        match first {
            0x80.. => {
                let index = integer::decode(rest, 7)?;
                self.entry(index)
            }
            0x40.. => {
                let line = self.literal(rest, 6)?;
                self.table.add(line.clone());
                Ok(line)
            }
            _ => self.literal(rest, 4),
        }
    }

    fn literal(&self, rest: &mut &[u8], prefix: u32) -> Result<Line, HpackError> {
        let name = match integer::decode(rest, prefix)? {
            0 => Some(string(rest)?),
            index => self.entry(index)?.name,
        };
        let value = Some(string(rest)?);
        Ok(Line { name, value })
    }

    /// The address space of indices: section 2.3.3.
    fn entry(&self, index: usize) -> Result<Line, HpackError> {
        let index = index.checked_sub(1).ok_or(HpackError::Index)?;
        if let Some((name, value)) = STATIC.get(index) {
            let part = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
            return Ok(Line {
                name: part(name),
                value: part(value),
            });
        }
        match self.table.get(index - STATIC.len()) {
            Entry::Known(line) => Ok(line.clone()),
            Entry::Unknown => Ok(Line::UNKNOWN),
            Entry::Missing => Err(HpackError::Index),
        }
    }
}

/// A string literal (section 5.2), in memory of its own: the table may keep it long.
fn string(rest: &mut &[u8]) -> Result<Bytes, HpackError> {
    let is_coded = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer::decode(rest, 7)?;
    let (text, after) = rest.split_at_checked(length).ok_or(HpackError::Truncated)?;
    *rest = after;
    if !is_coded {
        return Ok(Bytes::copy_from_slice(text));
    }
    // The shortest code has five bits.
    let mut decoded = Vec::with_capacity(length * 8 / 5);
    huffman::decode(text, &mut decoded)?;
    Ok(decoded.into())
}

#[cfg(test)]
mod tests;
