//! Writing HTTP/2, with another encoder than the one that is read with.

use loona_hpack::Encoder;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

/// Frame types.
pub(super) const DATA: u8 = 0;
pub(super) const RESET: u8 = 3;
pub(super) const GOAWAY: u8 = 7;
pub(super) const CONTINUATION: u8 = 9;

/// The flag of the frame that ends a header section.
pub(super) const END_HEADERS: u8 = 4;

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

pub(super) fn data(stream: u32, payload: &[u8], end: bool) -> Vec<u8> {
    frame(DATA, end.into(), stream, payload)
}

/// One direction of a connection.
pub(super) struct Peer(Encoder<'static>);

impl Peer {
    pub(super) fn new() -> Self {
        Self(Encoder::new())
    }

    pub(super) fn headers(&mut self, stream: u32, pairs: &[(&str, &str)], end: bool) -> Vec<u8> {
        let pairs = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        let section = self.0.encode(pairs);
        frame(1, END_HEADERS | u8::from(end), stream, &section)
    }

    /// A request without a body.
    pub(super) fn get(&mut self, stream: u32, path: &str) -> Vec<u8> {
        let head = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a.test"),
            (":path", path),
            ("x-a", "b"),
        ];
        self.headers(stream, &head, true)
    }

    /// A response that consists of its head.
    pub(super) fn status(&mut self, stream: u32, status: &str) -> Vec<u8> {
        self.headers(stream, &[(":status", status)], true)
    }
}
