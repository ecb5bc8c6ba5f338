//! The first bytes of a connection, in the direction of its requests: which protocol it is, and a PROXY protocol
//! header before it.

use bytes::{Buf, Bytes, BytesMut};

use crate::Chunk;

/// Longest PROXY protocol header, version 1, with its CRLF (PROXY protocol specification, section 2.1).
const MAX_PROXY_V1: usize = 107;
/// Signature of version 2, before version, family and the length of the rest (section 2.2).
const PROXY_V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const PROXY_V2_HEADER: usize = 16;
const PROXY_V1: &[u8] = b"PROXY ";
/// What tells the connection preface of HTTP/2 (RFC 9113 section 3.4); its rest is not waited for.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// It may be HTTP/1: the parser will tell.
    Http1,
    /// The connection preface of HTTP/2 with prior knowledge.
    Http2,
    /// A TLS record.
    Tls,
    /// Nothing of these, or the first bytes could not be read.
    Unknown,
}

/// Tells the protocol of a connection.
#[derive(Debug, Default)]
pub struct Opening {
    buffer: BytesMut,
    /// Rest of a version 2 header that is to be skipped.
    skip: u64,
    /// At most one PROXY header comes first.
    proxied: bool,
}

/// What an [`Opening`] answers to input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpeningStep {
    /// The input is used up.
    NeedMore,
    /// The protocol, with the bytes of it that were consumed to tell: they come before what is left of the input.
    Protocol(Protocol, Bytes),
}

/// What the bytes so far are.
enum Told {
    NotYet,
    Protocol(Protocol),
    /// A PROXY header: that many bytes of the buffer, and as many after them.
    Proxy(usize, u64),
}

impl Opening {
    /// Consumes bytes until the protocol is clear.
    pub fn next(&mut self, input: &mut Chunk) -> OpeningStep {
        loop {
            self.skip_proxy(input);
            match input {
                Chunk::Gap(0) => return OpeningStep::NeedMore,
                Chunk::Gap(_) => return self.answer(Protocol::Unknown),
                Chunk::Bytes(bytes) if bytes.is_empty() => return OpeningStep::NeedMore,
                Chunk::Bytes(bytes) => self.buffer.extend_from_slice(&bytes.split_to(1)),
            }
            match self.tell() {
                Told::NotYet => {}
                Told::Protocol(protocol) => return self.answer(protocol),
                Told::Proxy(length, more) => {
                    self.buffer.advance(length);
                    (self.skip, self.proxied) = (more, true);
                }
            }
        }
    }

    /// True if no byte was consumed but those of a PROXY header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn skip_proxy(&mut self, input: &mut Chunk) {
        let length = self.skip.min(input.len());
        self.skip -= length;
        match input {
            Chunk::Gap(gap) => *gap -= length,
            Chunk::Bytes(bytes) => bytes.advance(usize::try_from(length).unwrap_or(bytes.len())),
        }
    }

    fn answer(&mut self, protocol: Protocol) -> OpeningStep {
        OpeningStep::Protocol(protocol, self.buffer.split().freeze())
    }

    fn tell(&self) -> Told {
        let bytes = &*self.buffer;
        match bytes.first() {
            Some(0x16) => tell_tls(bytes),
            Some(b'P' | b'\r') if !self.proxied => tell_proxy(bytes),
            Some(b'P') => tell_preface(bytes),
            Some(b'\r' | b'\n' | b'!'..=b'~') => Told::Protocol(Protocol::Http1),
            _ => Told::Protocol(Protocol::Unknown),
        }
    }
}

/// A handshake record of any version: RFC 8446 section 5.1.
fn tell_tls(bytes: &[u8]) -> Told {
    match bytes {
        [_] | [_, 3] => Told::NotYet,
        [_, 3, 0..=4, ..] => Told::Protocol(Protocol::Tls),
        _ => Told::Protocol(Protocol::Unknown),
    }
}

fn tell_proxy(bytes: &[u8]) -> Told {
    if bytes.starts_with(PROXY_V1) {
        return match bytes.ends_with(b"\r\n") {
            true => Told::Proxy(bytes.len(), 0),
            false if bytes.len() < MAX_PROXY_V1 => Told::NotYet,
            false => Told::Protocol(Protocol::Unknown),
        };
    }
    if bytes.starts_with(PROXY_V2) {
        return match bytes.get(PROXY_V2_HEADER - 2..PROXY_V2_HEADER) {
            Some(&[high, low]) => Told::Proxy(PROXY_V2_HEADER, u64::from(u16::from_be_bytes([high, low]))),
            _ => Told::NotYet,
        };
    }
    match PROXY_V1.starts_with(bytes) || PROXY_V2.starts_with(bytes) {
        true => Told::NotYet,
        false => tell_preface(bytes),
    }
}

fn tell_preface(bytes: &[u8]) -> Told {
    match (bytes.starts_with(PREFACE), PREFACE.starts_with(bytes)) {
        (true, _) => Told::Protocol(Protocol::Http2),
        (false, true) => Told::NotYet,
        (false, false) => Told::Protocol(Protocol::Http1),
    }
}

/// Whether bytes, at the start of a call on a connection that was joined in mid-stream, look like a TLS record: its
/// type, version and a length that it may have (RFC 8446 section 5.2).
#[must_use]
pub fn looks_encrypted(bytes: &[u8]) -> bool {
    const MAX_RECORD: u16 = (1 << 14) + 2048;
    match bytes {
        [0x14..=0x17, 3, 0..=4, high, low, ..] => u16::from_be_bytes([*high, *low]) <= MAX_RECORD,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
