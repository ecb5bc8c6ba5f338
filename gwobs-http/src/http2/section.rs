//! A header section while its frames come in: HEADERS or PUSH_PROMISE, then CONTINUATION (RFC 9113 section 6).

use bytes::Buf;

use super::frame::{FrameHeader, Kind, flag};
use super::item::Fault;
use super::limits::MAX_SECTION;

/// A header section that is not complete.
#[derive(Debug)]
pub(super) struct OpenSection {
    pub(super) stream: u32,
    pub(super) end_stream: bool,
    /// The stream that a pushed response will come on.
    pub(super) promised: Option<u32>,
    pub(super) fragments: Vec<u8>,
    /// Why it cannot be read any more.
    pub(super) fault: Option<Fault>,
}

impl OpenSection {
    pub(super) fn new(header: FrameHeader) -> Self {
        Self {
            stream: header.stream,
            end_stream: header.kind == Kind::Headers && header.has(flag::END_STREAM),
            promised: (header.kind == Kind::Promise).then_some(0),
            fragments: Vec::new(),
            fault: None,
        }
    }

    /// True if a payload of that length fits in beside what is there.
    pub(super) fn has_room(&self, length: u32) -> bool {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.fragments.len().saturating_add(length) <= MAX_SECTION
    }

    /// It cannot be read any more.
    pub(super) fn spoil(&mut self, fault: Fault) {
        self.fault.get_or_insert(fault);
        self.fragments = Vec::new();
    }

    /// Takes the payload of one of its frames.
    pub(super) fn push(&mut self, header: FrameHeader, payload: &[u8]) -> Result<(), Fault> {
        let mut fragment = unpadded(header, payload)?;
        if header.kind == Kind::Headers && header.has(flag::PRIORITY) {
            fragment = fragment.get(5..).ok_or(Fault::Syntax)?;
        }
        if header.kind == Kind::Promise {
            let promised = fragment.try_get_u32().map_err(|_| Fault::Syntax)?;
            self.promised = Some(promised & 0x7fff_ffff);
        }
        if self.fault.is_none() {
            self.fragments.extend_from_slice(fragment);
        }
        Ok(())
    }
}

/// A payload without padding and its length (section 6.1).
fn unpadded(header: FrameHeader, payload: &[u8]) -> Result<&[u8], Fault> {
    if header.kind == Kind::Continuation || !header.has(flag::PADDED) {
        return Ok(payload);
    }
    let (&padding, rest) = payload.split_first().ok_or(Fault::Syntax)?;
    let length = rest.len().checked_sub(padding.into()).ok_or(Fault::Syntax)?;
    rest.get(..length).ok_or(Fault::Syntax)
}
