//! What the stream parsers answer.

use bytes::Bytes;
use thiserror::Error;

/// What a stream answers to input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<H> {
    /// The input is used up.
    NeedMore,
    /// The next item.
    Item(Item<H>),
    /// The message, or the place of the next one, cannot be read; the stream is desynchronised now.
    Invalid(Invalid),
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<H> {
    /// The first byte of a head was consumed. After desynchronisation it is told together with the complete head.
    Started,
    /// An interim response (1xx other than 101); no other item of it follows.
    Interim(H),
    /// A complete head.
    Head(H),
    /// Data of the body.
    Body {
        /// Bytes of it after transfer coding.
        length: u64,
        /// Those of them that belong to the wanted prefix of the body.
        prefix: Bytes,
    },
    /// The message is complete.
    End,
    /// The message is complete and was the last one: what follows is not HTTP/1 (101, 2xx to CONNECT).
    Tunnel,
    /// That many bytes were passed over in search of the next message.
    Skipped(u64),
}

/// Why and how far a message could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Why.
    pub fault: Fault,
    /// The method of a request whose head was not read to its end, if that much was there.
    pub method: Option<Bytes>,
}

/// Why a message could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// The bytes are not HTTP/1.
    #[error("not HTTP/1")]
    Syntax,
    /// A head is longer than [`MAX_HEAD`](super::MAX_HEAD).
    #[error("head too long")]
    HeadTooLong,
    /// A head has more fields than [`MAX_FIELDS`](super::MAX_FIELDS).
    #[error("too many fields")]
    TooManyFields,
    /// Bytes are missing in a head, in chunk framing, or between messages.
    #[error("bytes missing")]
    Gap,
    /// A chunk-size line or trailer section is malformed or longer than its limit.
    #[error("malformed chunk")]
    Chunking,
    /// The fields contradict one another on where the message ends (RFC 9112 section 6.3).
    #[error("contradictory framing")]
    Framing,
    /// A response whose end depends on a request that was not read.
    #[error("request not known")]
    UnknownRequest,
}

/// How a stream stood when its connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Between two messages, or outside HTTP.
    Clean,
    /// The end of the connection was the end of the message.
    Complete,
    /// In the middle of a message.
    Truncated,
}
