//! The records of one direction.

use bytes::{Buf, Bytes, BytesMut};

use super::hello::{CLIENT_HELLO, ClientHello};
use crate::Chunk;

/// `type (1) version (2) length (2)`: RFC 8446 section 5.1.
const HEADER: usize = 5;
/// Longest body of a record (RFC 8446 section 5.2, and RFC 5246 section 6.2.3).
const MAX_RECORD: u16 = (1 << 14) + 2048;
/// Longest ClientHello that is read: post-quantum keys make it some 2 KiB, long lists of tickets more.
const MAX_HELLO: usize = 16 << 10;

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// An alert that was sent in the clear (RFC 8446 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Alert {
    /// It ends the connection.
    pub is_fatal: bool,
    /// What it says.
    pub description: u8,
}

/// What some bytes of a direction were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// A ClientHello ended in them.
    pub hello: Option<ClientHello>,
    /// An alert in the clear.
    pub alert: Option<Alert>,
    /// Data of the application may be among them.
    pub application_data: bool,
    /// The direction begins with something else than a record: whoever wrote it speaks no TLS.
    pub is_foreign: bool,
}

/// Reads the records of one direction.
#[derive(Debug, Default)]
pub struct Records {
    header: BytesMut,
    body: Body,
    /// Handshake bytes so far; `None` once the ClientHello was read, or cannot be.
    handshake: Option<BytesMut>,
    began: bool,
    /// The place in the stream is not known any more.
    is_lost: bool,
}

/// The rest of the record at hand.
#[derive(Debug, Default)]
struct Body {
    /// 0 before the first.
    kind: u8,
    left: u64,
    /// What an alert says so far.
    alert: BytesMut,
}

impl Records {
    /// A direction whose beginning was not seen.
    #[must_use]
    pub fn midstream() -> Self {
        Self {
            is_lost: true,
            began: true,
            ..Self::default()
        }
    }

    /// Takes the next bytes.
    pub fn take(&mut self, mut chunk: Chunk) -> Seen {
        let mut seen = Seen::default();
        if !std::mem::replace(&mut self.began, true) {
            self.handshake = Some(BytesMut::new());
        }
        while !chunk.is_empty() && !self.is_lost {
            if self.body.left > 0 {
                self.take_body(&mut chunk, &mut seen);
            } else {
                self.take_header(&mut chunk, &mut seen);
            }
        }
        seen.application_data |= self.is_lost && !chunk.is_empty();
        seen
    }

    fn take_header(&mut self, chunk: &mut Chunk, seen: &mut Seen) {
        let Chunk::Bytes(bytes) = chunk else {
            self.is_lost = true;
            return;
        };
        let wanted = (HEADER - self.header.len()).min(bytes.len());
        self.header.extend_from_slice(&bytes.split_to(wanted));
        let Some(&[kind, major, _, high, low]) = self.header.first_chunk() else {
            return;
        };
        self.header.clear();
        let length = u16::from_be_bytes([high, low]);
        self.is_lost = !(20..=24).contains(&kind) || major != 3 || length > MAX_RECORD;
        seen.is_foreign = self.is_lost && self.body.kind == 0;
        self.body = Body {
            kind,
            left: u64::from(length),
            alert: BytesMut::new(),
        };
    }

    fn take_body(&mut self, chunk: &mut Chunk, seen: &mut Seen) {
        let length = self.body.left.min(chunk.len());
        self.body.left -= length;
        let part = match chunk {
            Chunk::Gap(gap) => {
                *gap -= length;
                None
            }
            Chunk::Bytes(bytes) => Some(bytes.split_to(usize::try_from(length).unwrap_or(bytes.len()))),
        };
        match (self.body.kind, part) {
            (APPLICATION_DATA, _) => seen.application_data = true,
            (HANDSHAKE, Some(part)) => seen.hello = self.take_handshake(&part).or(seen.hello.take()),
            (HANDSHAKE, None) => self.handshake = None,
            (ALERT, Some(part)) => seen.alert = self.take_alert(&part).or(seen.alert),
            _ => {}
        }
    }

    fn take_handshake(&mut self, part: &Bytes) -> Option<ClientHello> {
        let so_far = self.handshake.as_mut()?;
        so_far.extend_from_slice(part);
        let &[kind, a, b, c] = so_far.first_chunk()?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        if kind != CLIENT_HELLO || length > MAX_HELLO {
            self.handshake = None;
            return None;
        }
        if so_far.len() < 4 + length {
            return None;
        }
        let mut message = self.handshake.take()?.freeze();
        message.advance(4);
        message.truncate(length);
        ClientHello::parse(message)
    }

    /// Two bytes; an encrypted alert is longer.
    fn take_alert(&mut self, part: &Bytes) -> Option<Alert> {
        const FATAL: u8 = 2;
        let alert = &mut self.body.alert;
        alert.extend_from_slice(part.get(..part.len().min(3 - alert.len().min(3)))?);
        match alert[..] {
            [level @ 1..=2, description] if self.body.left == 0 => Some(Alert {
                is_fatal: level == FATAL,
                description,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
