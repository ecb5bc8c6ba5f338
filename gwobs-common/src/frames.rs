//! Where the frames of HTTP/2 lie (RFC 9113 section 4.1), told from the frames themselves.
//!
//! The kernel side follows them, to copy what the agent reads and to leave the data between out. As with
//! [`crate::chunks`], it decides only what is copied: a place that was guessed wrong costs what was left out there, and can
//! shift nothing.

use crate::limits::{MAX_CONTROL, MAX_SECTION, PREFIX_OF_DATA, SMALL_PAYLOAD};

/// Bytes of a frame header.
pub const FRAME_HEADER: usize = 9;

/// Bytes of what a client sends before its frames (section 3.4).
pub const PREFACE: u32 = 24;

/// How far the frames of one direction have been followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Frames {
    /// Stream position of the next byte that belongs to a frame header.
    pub next: u32,
    /// What comes before it of the payload at hand is to be copied.
    pub wanted: u32,
    /// Position after the last call.
    at: u32,
    /// Length of the payload, as far as its header has been read.
    length: u32,
    kind: u8,
    /// Bits of the stream's id that are set, all together.
    stream: u8,
    /// Bytes of the header that were read.
    count: u8,
    phase: u8,
}

/// Nobody has said that these are frames.
const OFF: u8 = 0;
/// They are frames, at a place that is not known.
const SEEKING: u8 = 1;
/// The place is known.
const FOLLOWED: u8 = 2;

mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const PRIORITY: u8 = 2;
    pub(super) const RESET: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;
    pub(super) const PROMISE: u8 = 5;
    pub(super) const PING: u8 = 6;
    pub(super) const GO_AWAY: u8 = 7;
    pub(super) const WINDOW_UPDATE: u8 = 8;
    pub(super) const CONTINUATION: u8 = 9;
}

impl Frames {
    /// Nobody has said that these are frames.
    pub const OFF: Self = Self {
        next: 0,
        wanted: 0,
        at: 0,
        length: 0,
        kind: 0,
        stream: 0,
        count: 0,
        phase: OFF,
    };

    /// The next call begins at position `at`, and a frame at `next`, of whose bytes before it none is wanted.
    #[must_use]
    #[inline(always)]
    pub const fn ahead(at: u32, next: u32) -> Self {
        Self {
            next,
            wanted: at,
            at,
            phase: FOLLOWED,
            ..Self::OFF
        }
    }

    /// The same, and all bytes before the frame are wanted.
    #[must_use]
    #[inline(always)]
    pub const fn after(at: u32, next: u32) -> Self {
        Self {
            wanted: next,
            ..Self::ahead(at, next)
        }
    }

    /// True if the place is known.
    #[must_use]
    #[inline(always)]
    pub const fn is_followed(&self) -> bool {
        self.phase == FOLLOWED
    }

    /// True if there are frames at a place that is not known.
    #[must_use]
    #[inline(always)]
    pub const fn is_seeking(&self) -> bool {
        self.phase == SEEKING
    }

    /// The place is lost.
    #[inline(always)]
    pub fn lose(&mut self) {
        self.phase = SEEKING;
    }

    /// The agent says that a frame begins at `next`; the next call begins at `at`.
    #[inline(always)]
    pub fn told(&mut self, at: u32, next: u32) {
        let is_known = self.is_followed() && self.next == next;
        if is_before(next, at) {
            if self.phase == OFF {
                self.phase = SEEKING;
            }
        } else if !is_known {
            *self = Self::ahead(at, next);
        }
    }

    /// A call begins at `position`. True if the place is known there: nothing is missing before it but payload.
    #[inline(always)]
    pub fn reaches(&mut self, position: u32) -> bool {
        if !self.is_followed() {
            return false;
        }
        let is_payload = self.count == 0 && !is_before(position, self.at) && !is_before(self.next, position);
        if position != self.at && !is_payload {
            self.lose();
            return false;
        }
        true
    }

    /// The calls up to `end` are done with.
    #[inline(always)]
    pub fn reached(&mut self, end: u32) {
        self.at = end;
    }

    /// All bytes up to `end` are payload.
    #[must_use]
    #[inline(always)]
    pub fn is_payload_until(&self, end: u32) -> bool {
        self.count == 0 && !is_before(self.next, end)
    }

    /// True if the byte at `position` is wanted.
    #[must_use]
    #[inline(always)]
    pub fn wants(&self, position: u32) -> bool {
        position == self.next || is_before(position, self.wanted)
    }

    /// Bytes of the frame header at hand that have not been taken.
    #[must_use]
    #[inline(always)]
    pub fn missing(&self) -> usize {
        FRAME_HEADER - (self.count as usize)
    }

    /// Takes the byte at [`Self::next`].
    #[inline(always)]
    pub fn take(&mut self, byte: u8) {
        self.next = self.next.wrapping_add(1);
        match self.count {
            0 => self.length = u32::from(byte),
            1 | 2 => self.length = self.length << 8 | u32::from(byte),
            3 => self.kind = byte,
            4 => {}
            5 => self.stream = byte & 0x7f,
            _ => self.stream |= byte,
        }
        self.count += 1;
        if self.count as usize >= FRAME_HEADER {
            self.begin_payload();
        }
    }

    #[inline(always)]
    fn begin_payload(&mut self) {
        self.count = 0;
        if !self.is_valid() {
            return self.lose();
        }
        self.wanted = self.next.wrapping_add(self.of_interest());
        self.next = self.next.wrapping_add(self.length);
    }

    /// How much of the payload the agent reads.
    #[inline(always)]
    fn of_interest(&self) -> u32 {
        let most = match self.kind {
            kind::HEADERS | kind::PROMISE | kind::CONTINUATION => MAX_SECTION,
            kind::SETTINGS | kind::GO_AWAY => MAX_CONTROL,
            _ if self.length <= SMALL_PAYLOAD => SMALL_PAYLOAD,
            _ => PREFIX_OF_DATA,
        };
        if self.length < most { self.length } else { most }
    }

    /// Length and stream of each type (section 6).
    #[inline(always)]
    fn is_valid(&self) -> bool {
        let on_stream = self.stream != 0;
        match self.kind {
            kind::DATA | kind::HEADERS | kind::PROMISE | kind::CONTINUATION => on_stream,
            kind::PRIORITY => on_stream && self.length == 5,
            kind::RESET => on_stream && self.length == 4,
            kind::SETTINGS => !on_stream && self.length.is_multiple_of(6),
            kind::PING => !on_stream && self.length == 8,
            kind::GO_AWAY => !on_stream && self.length >= 8,
            kind::WINDOW_UPDATE => self.length == 4,
            _ => true,
        }
    }
}

/// Length of the payload if this is the header of a frame that is to be believed out of context: nothing in it that nobody
/// sends.
#[must_use]
#[inline(always)]
pub fn believable(header: &[u8; FRAME_HEADER]) -> Option<u32> {
    let mut frame = Frames::ahead(0, 0);
    let [length, .., kind, flags, reserved, _, _, _] = *header;
    for byte in header {
        frame.take(*byte);
    }
    /// Nobody takes longer payloads than 1 MiB.
    const LONGEST: u8 = 0x10;
    let meant = match kind {
        kind::DATA => 0x09,
        kind::HEADERS => 0x2d,
        kind::PROMISE => 0x0c,
        kind::CONTINUATION => 0x04,
        kind::SETTINGS | kind::PING => 0x01,
        _ => 0,
    };
    let known = kind <= kind::CONTINUATION && flags & !meant == 0 && reserved < 0x80 && length < LONGEST;
    if known && frame.is_followed() {
        Some(frame.length)
    } else {
        None
    }
}

/// True if this is the header of the first frame that either side sends: SETTINGS (section 3.4).
#[must_use]
#[inline(always)]
pub fn is_first(header: &[u8; FRAME_HEADER]) -> bool {
    const SETTINGS: u8 = kind::SETTINGS;
    matches!(header, [0, 0..=3, _, SETTINGS, 0, 0, 0, 0, 0]) && believable(header).is_some()
}

/// True if these are the first bytes that a client sends.
#[must_use]
#[inline(always)]
pub fn is_preface(bytes: &[u8; FRAME_HEADER]) -> bool {
    matches!(bytes, b"PRI * HTT")
}

/// Whether stream position `a` comes before `b`, at a distance of less than 2^31.
#[inline(always)]
const fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

const _: () = assert!(size_of::<Frames>() == 20);

#[cfg(test)]
mod tests;
