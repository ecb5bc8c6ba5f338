//! Chunked transfer coding (RFC 9112 section 7.1).

use bytes::{Buf, Bytes};

use super::body::{BodyStep, take};
use super::head::EndFinder;
use super::item::Fault;
use super::limits::{MAX_CHUNK_LINE, MAX_TRAILERS};
use crate::Chunk;

/// Where in a chunked body the stream is.
#[derive(Debug)]
pub(super) enum Chunked {
    /// In the digits of a chunk size.
    Size { size: u64, digits: u8 },
    /// In the extensions after a chunk size; they are skipped.
    Extension { size: u64, length: usize },
    /// Before the LF of a chunk-size line.
    SizeLf { size: u64 },
    /// In the data of a chunk: that much is left.
    Data(u64),
    /// After the data of a chunk.
    DataEnd,
    /// Between the CR and LF after the data of a chunk.
    DataEndLf,
    /// After the last chunk.
    Trailers { end: EndFinder, length: usize },
    /// The empty line after the trailers was seen.
    Done,
}

/// Most hexadecimal digits of a 64-bit size, leading zeros included.
const MAX_DIGITS: u8 = 16;

impl Chunked {
    /// Before the first chunk-size line.
    pub(super) fn new() -> Self {
        Self::Size { size: 0, digits: 0 }
    }

    /// What is left of the data of the present chunk.
    pub(super) fn remaining(&self) -> u64 {
        match self {
            Self::Data(remaining) => *remaining,
            _ => 0,
        }
    }

    /// Consumes a part of `input`.
    pub(super) fn advance(&mut self, input: &mut Chunk) -> BodyStep {
        while !matches!(self, Self::Done) {
            if let Self::Data(remaining) = self {
                let data = take(input, remaining);
                if *remaining == 0 {
                    *self = Self::DataEnd;
                }
                return data;
            }
            match input {
                _ if input.is_empty() => return BodyStep::NeedMore,
                Chunk::Gap(_) => return BodyStep::Invalid(Fault::Gap),
                Chunk::Bytes(bytes) => match self.framing(bytes) {
                    Ok(next) => *self = next,
                    Err(fault) => return BodyStep::Invalid(fault),
                },
            }
        }
        BodyStep::End
    }

    /// Consumes bytes between the data of two chunks, at least one; answers the next state.
    fn framing(&self, bytes: &mut Bytes) -> Result<Self, Fault> {
        if let Self::Trailers { end, length } = *self {
            return trailers(end, length, bytes);
        }
        let byte = bytes.get_u8();
        match (self, byte) {
            (Self::Size { size, digits }, _) => size_byte(*size, *digits, byte),
            (Self::Extension { size, .. } | Self::SizeLf { size }, b'\n') => Ok(Self::after_size(*size)),
            (Self::Extension { size, .. }, b'\r') => Ok(Self::SizeLf { size: *size }),
            (Self::Extension { size, length }, _) if *length < MAX_CHUNK_LINE => Ok(Self::Extension {
                size: *size,
                length: length + 1,
            }),
            (Self::DataEnd, b'\r') => Ok(Self::DataEndLf),
            (Self::DataEnd | Self::DataEndLf, b'\n') => Ok(Self::new()),
            _ => Err(Fault::Chunking),
        }
    }

    fn after_size(size: u64) -> Self {
        match size {
            0 => Self::Trailers {
                end: EndFinder::AtLineStart,
                length: 0,
            },
            _ => Self::Data(size),
        }
    }
}

/// A byte of a chunk size, or the one that ends it.
fn size_byte(size: u64, digits: u8, byte: u8) -> Result<Chunked, Fault> {
    let digit = char::from(byte).to_digit(16);
    match (digit, byte) {
        (Some(digit), _) if digits < MAX_DIGITS => Ok(Chunked::Size {
            size: size << 4 | u64::from(digit),
            digits: digits + 1,
        }),
        (None, b'\r') if digits > 0 => Ok(Chunked::SizeLf { size }),
        (None, b'\n') if digits > 0 => Ok(Chunked::after_size(size)),
        (None, b';' | b' ' | b'\t') if digits > 0 => Ok(Chunked::Extension { size, length: 0 }),
        _ => Err(Fault::Chunking),
    }
}

/// Skips trailers up to the empty line after them.
fn trailers(mut end: EndFinder, length: usize, bytes: &mut Bytes) -> Result<Chunked, Fault> {
    let found = end.find(bytes);
    let skipped = found.unwrap_or(bytes.len());
    bytes.advance(skipped);
    match (found, length + skipped) {
        (_, length) if length > MAX_TRAILERS => Err(Fault::Chunking),
        (Some(_), _) => Ok(Chunked::Done),
        (None, length) => Ok(Chunked::Trailers { end, length }),
    }
}

#[cfg(test)]
mod tests;
