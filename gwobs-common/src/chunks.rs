//! Where the framing of a chunked body lies (RFC 9112 section 7.1), told from the framing itself.
//!
//! The kernel side follows it, to copy the lines and to leave the data between them out. It decides only what is copied,
//! never what it means: the agent parses what it gets at positions that it works out by itself, and bytes that it needs
//! and does not get are a gap. So a place that was guessed wrong costs a message, and can shift nothing.

/// How far the framing of a body has been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Chunks {
    /// Stream position of the next byte of framing; what comes before it is data.
    pub next: u32,
    /// Size of the chunk whose line is being read.
    size: u32,
    phase: u8,
    /// Digits of that size, or bytes of the extensions after it.
    count: u8,
    /// Lines that were read, up to [`SURE`].
    lines: u8,
    reserved: u8,
}

/// Nothing is followed.
const OFF: u8 = 0;
/// In the digits of a chunk size.
const SIZE: u8 = 1;
/// In the extensions after a size.
const EXTENSION: u8 = 2;
/// Before the LF of a chunk-size line.
const SIZE_LF: u8 = 3;
/// After the data of a chunk.
const DATA_END: u8 = 4;
/// Between the CR and LF after the data of a chunk.
const DATA_END_LF: u8 = 5;
/// After the line of the last chunk.
const LAST: u8 = 6;

/// So many lines in their right places are no accident.
const SURE: u8 = 2;

/// Most digits of a size, leading zeros included.
const MAX_DIGITS: u8 = 8;

/// Longest chunk that is followed: positions are compared at distances of less than 2^31.
const MAX_SIZE: u32 = 1 << 30;

/// Longest extensions that are followed; nobody uses them in earnest.
const MAX_EXTENSION: u8 = 64;

impl Chunks {
    /// Nothing is followed.
    pub const OFF: Self = Self {
        next: 0,
        size: 0,
        phase: OFF,
        count: 0,
        lines: 0,
        reserved: 0,
    };

    /// A body whose first chunk-size line begins at a position.
    #[must_use]
    #[inline(always)]
    pub const fn at(position: u32) -> Self {
        Self {
            next: position,
            phase: SIZE,
            ..Self::OFF
        }
    }

    /// True if there is framing to come.
    #[must_use]
    #[inline(always)]
    pub const fn is_followed(&self) -> bool {
        self.phase != OFF && self.phase != LAST
    }

    /// True after the line of the last chunk: trailers follow, and then the next message.
    #[must_use]
    #[inline(always)]
    pub const fn is_last(&self) -> bool {
        self.phase == LAST
    }

    /// True if this is chunked framing beyond doubt, so that its data need not be copied.
    #[must_use]
    #[inline(always)]
    pub const fn is_sure(&self) -> bool {
        self.is_followed() && self.lines >= SURE
    }

    /// Takes the byte at [`Self::next`].
    #[inline(always)]
    pub fn take(&mut self, byte: u8) {
        self.next = self.next.wrapping_add(1);
        match (self.phase, byte) {
            (SIZE, _) => self.take_of_size(byte),
            (EXTENSION | SIZE_LF, b'\n') => self.end_line(),
            (EXTENSION, b'\r') => self.phase = SIZE_LF,
            (EXTENSION, _) if self.count < MAX_EXTENSION => self.count += 1,
            (DATA_END, b'\r') => self.phase = DATA_END_LF,
            (DATA_END | DATA_END_LF, b'\n') => {
                (self.phase, self.size, self.count) = (SIZE, 0, 0);
            }
            _ => self.phase = OFF,
        }
    }

    #[inline(always)]
    fn take_of_size(&mut self, byte: u8) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ if self.count == 0 => return self.phase = OFF,
            b'\r' => return self.phase = SIZE_LF,
            b'\n' => return self.end_line(),
            b';' | b' ' | b'\t' => {
                self.count = 0;
                return self.phase = EXTENSION;
            }
            _ => return self.phase = OFF,
        };
        if self.count >= MAX_DIGITS {
            return self.phase = OFF;
        }
        self.count += 1;
        self.size = self.size << 4 | digit as u32;
    }

    #[inline(always)]
    fn end_line(&mut self) {
        if self.lines < SURE {
            self.lines += 1;
        }
        self.phase = match self.size {
            0 => LAST,
            1..=MAX_SIZE => DATA_END,
            _ => OFF,
        };
        self.next = self.next.wrapping_add(self.size);
    }
}

const _: () = assert!(size_of::<Chunks>() == 12);

#[cfg(test)]
mod tests;
