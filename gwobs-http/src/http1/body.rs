//! The body of a message, of any framing.

use bytes::Bytes;

use super::chunked::Chunked;
use super::item::Fault;
use crate::Chunk;

/// Where in a body the stream is.
#[derive(Debug)]
pub(super) enum Body {
    /// That many bytes are left.
    Length(u64),
    /// Chunked transfer coding.
    Chunked(Chunked),
    /// All bytes until the connection ends.
    UntilClose,
}

/// What a body answers to input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BodyStep {
    /// The input is used up.
    NeedMore,
    /// Data of that length; `bytes` is empty if they could not be read.
    Data { length: u64, bytes: Bytes },
    /// The body is complete.
    End,
    /// The body's end cannot be found any more.
    Invalid(Fault),
}

impl Body {
    /// Consumes a part of `input`.
    pub(super) fn advance(&mut self, input: &mut Chunk) -> BodyStep {
        match self {
            Self::Length(0) => BodyStep::End,
            Self::Length(remaining) => take(input, remaining),
            Self::Chunked(chunked) => chunked.advance(input),
            Self::UntilClose => {
                let mut unbounded = u64::MAX;
                take(input, &mut unbounded)
            }
        }
    }

    /// How many of the next bytes of the stream are data of this body for certain.
    pub(super) fn remaining(&self) -> u64 {
        match self {
            Self::Length(remaining) => *remaining,
            Self::Chunked(chunked) => chunked.remaining(),
            Self::UntilClose => u64::MAX,
        }
    }
}

/// Takes data from the front of `input`, up to `remaining`, which is lowered by that much.
pub(super) fn take(input: &mut Chunk, remaining: &mut u64) -> BodyStep {
    let length = input.len().min(*remaining);
    if length == 0 {
        return BodyStep::NeedMore;
    }
    *remaining -= length;
    let bytes = match input {
        Chunk::Gap(gap) => {
            *gap -= length;
            Bytes::new()
        }
        Chunk::Bytes(bytes) => bytes.split_to(usize::try_from(length).unwrap_or(bytes.len())),
    };
    BodyStep::Data { length, bytes }
}
