//! Frame headers: RFC 9113 section 4.1.

use super::item::Fault;

/// Bytes of a frame header.
pub(super) const FRAME_HEADER: usize = 9;

/// Flags, where a frame has them (section 6).
pub(super) mod flag {
    pub(in crate::http2) const END_STREAM: u8 = 0x1;
    pub(in crate::http2) const ACK: u8 = 0x1;
    pub(in crate::http2) const END_HEADERS: u8 = 0x4;
    pub(in crate::http2) const PADDED: u8 = 0x8;
    pub(in crate::http2) const PRIORITY: u8 = 0x20;
}

/// Frame types (section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    Promise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// Of an extension: to be ignored (section 5.5).
    Extension,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::Reset,
            4 => Self::Settings,
            5 => Self::Promise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            _ => Self::Extension,
        }
    }

    /// Flags that mean something in it.
    fn flags(self) -> u8 {
        match self {
            Self::Data => flag::END_STREAM | flag::PADDED,
            Self::Headers => flag::END_STREAM | flag::END_HEADERS | flag::PADDED | flag::PRIORITY,
            Self::Promise => flag::END_HEADERS | flag::PADDED,
            Self::Continuation => flag::END_HEADERS,
            Self::Settings | Self::Ping => flag::ACK,
            Self::Priority | Self::Reset | Self::GoAway | Self::WindowUpdate => 0,
            Self::Extension => u8::MAX,
        }
    }
}

/// What stands before every payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Bytes of the payload.
    pub(super) length: u32,
    pub(super) kind: Kind,
    flags: u8,
    /// Without the reserved bit.
    pub(super) stream: u32,
    reserved: bool,
}

impl FrameHeader {
    pub(super) fn parse(bytes: [u8; FRAME_HEADER]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = bytes;
        let stream = u32::from_be_bytes(stream);
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind: Kind::of(kind),
            flags,
            stream: stream & 0x7fff_ffff,
            reserved: stream >> 31 == 1,
        }
    }

    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Refuses what a recipient must treat as an error of the connection: length and stream of each type (section 6).
    pub(super) fn check(self) -> Result<(), Fault> {
        let on_stream = self.stream != 0;
        let valid = match self.kind {
            Kind::Data | Kind::Headers | Kind::Promise | Kind::Continuation => on_stream,
            Kind::Priority => on_stream && self.length == 5,
            Kind::Reset => on_stream && self.length == 4,
            Kind::Settings if self.has(flag::ACK) => !on_stream && self.length == 0,
            Kind::Settings => !on_stream && self.length.is_multiple_of(6),
            Kind::Ping => !on_stream && self.length == 8,
            Kind::GoAway => !on_stream && self.length >= 8,
            Kind::WindowUpdate => self.length == 4,
            Kind::Extension => true,
        };
        valid.then_some(()).ok_or(Fault::Syntax)
    }

    /// Whether it is to be believed out of context: nothing in it that nobody sends. `max_frame`: the longest payload
    /// that the recipient takes.
    pub(super) fn is_plausible(self, max_frame: u32) -> bool {
        let known = self.kind != Kind::Extension && self.flags & !self.kind.flags() == 0 && !self.reserved;
        known && self.length <= max_frame && self.check().is_ok()
    }
}

#[cfg(test)]
mod tests;
