//! The messages: what both HTTP/1 and HTTP/2 parsers produce.

use std::borrow::Cow;

use bytes::Bytes;

/// A piece of one direction of a connection, in stream order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Bytes as they were on the wire.
    Bytes(Bytes),
    /// This many bytes were on the wire and could not be read.
    Gap(u64),
}

impl Chunk {
    /// Bytes of the stream that this chunk stands for.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Gap(length) => *length,
        }
    }

    /// True if nothing of it is left to be consumed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The protocol version of a message (RFC 9112 section 2.3, RFC 9113).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    H2,
}

/// One header field line: the name in lower case, the value with surrounding blanks removed, bytes as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// Lower-case field name.
    pub name: Bytes,
    /// Field value; may hold any byte that RFC 9110 section 5.5 lets through, not always UTF-8.
    pub value: Bytes,
}

/// A request head, whatever the protocol version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Protocol version.
    pub version: Version,
    /// Method, case kept (RFC 9110 section 9.1: methods are case-sensitive).
    pub method: Bytes,
    /// The authority with its port: of an absolute-form target, else `:authority`, else Host; `None` without any.
    pub authority: Option<Bytes>,
    /// Origin form with query; `*` as such; `None` for CONNECT.
    pub path: Option<Bytes>,
    /// All field lines in arrival order, repeats kept, without Host and without pseudo-header fields.
    pub headers: Vec<Field>,
    /// What was there beside and could not be read.
    pub unknown: Unknown,
}

/// The parts of a request head that were on the wire and could not be read, because HTTP/2 names them by reference to
/// what was not seen (RFC 7541 section 2.3.2). Such a part is not absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Unknown {
    /// There may be an authority.
    pub authority: bool,
    /// There is a path.
    pub path: bool,
    /// Field lines of any name, at most so many.
    pub fields: usize,
}

impl Unknown {
    /// True if all was read.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A response head, whatever the protocol version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// Protocol version.
    pub version: Version,
    /// Status code, 100 to 999.
    pub status: u16,
    /// All field lines in arrival order, repeats kept.
    pub headers: Vec<Field>,
    /// Field lines of any name that were there beside and could not be read, as in [`Unknown`].
    pub unknown: usize,
}

/// Bytes of a head as text: what is no UTF-8 becomes U+FFFD, and then the text is owned.
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all is ASCII, which this check passes over several bytes at a time.
    match str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}
