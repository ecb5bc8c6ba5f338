//! From fuzzer input to what the targets feed.

use bytes::Bytes;
use gwobs_http::Chunk;

/// Takes typed values off the front of fuzzer input; zeros when it has run out.
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    /// All of the input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// True if nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// The next two bytes as a number.
    pub fn number(&mut self) -> u16 {
        u16::from(self.byte()) << 8 | u16::from(self.byte())
    }

    /// The next bytes, fewer at the end of the input.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Bytes of a call: their length, then they.
    pub fn bytes(&mut self) -> Bytes {
        let length = self.byte();
        Bytes::copy_from_slice(self.take(length.into()))
    }

    /// A call: bytes, now and then a gap.
    pub fn call(&mut self) -> Chunk {
        match self.byte() {
            0 => Chunk::Gap(self.number().into()),
            length => Chunk::Bytes(Bytes::copy_from_slice(self.take(length.into()))),
        }
    }
}

/// Cuts a call in two.
pub fn halve(call: &Chunk) -> [Chunk; 2] {
    match call {
        Chunk::Gap(length) => [Chunk::Gap(length / 2), Chunk::Gap(length - length / 2)],
        Chunk::Bytes(bytes) => [bytes.slice(..bytes.len() / 2), bytes.slice(bytes.len() / 2..)].map(Chunk::Bytes),
    }
}
