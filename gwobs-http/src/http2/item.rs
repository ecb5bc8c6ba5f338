//! What the stream parser answers.

use bytes::Bytes;
use thiserror::Error;

use super::hpack::{HpackError, Line};
use super::settings::Settings;

/// What a direction answers to input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The input is used up.
    NeedMore,
    /// The next item.
    Item(Item),
    /// The place of the next frame is lost; the direction is desynchronised now.
    Invalid(Invalid),
}

/// A part of the direction. `stream` is the id of the stream it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A header section began.
    Started {
        /// Its stream.
        stream: u32,
        /// Its first byte came with input before this one.
        split: bool,
    },
    /// A complete header section: a head or trailers, as the place on its stream says.
    Section {
        /// Its stream.
        stream: u32,
        /// Its field lines, pseudo-header fields first.
        lines: Vec<Line>,
        /// Nothing more follows on the stream.
        end_stream: bool,
    },
    /// A header section that could not be read.
    Unreadable {
        /// Its stream.
        stream: u32,
        /// Why.
        fault: Fault,
        /// Nothing more follows on the stream.
        end_stream: bool,
    },
    /// Data, without padding.
    Data {
        /// Its stream.
        stream: u32,
        /// How many bytes.
        length: u64,
        /// They, or nothing if they could not be read.
        bytes: Bytes,
    },
    /// The stream ended with data.
    End {
        /// Which.
        stream: u32,
    },
    /// The stream was given up (RST_STREAM).
    Reset {
        /// Which.
        stream: u32,
    },
    /// The sender takes no more streams (GOAWAY).
    GoAway {
        /// The last one it has taken or may have taken.
        last_stream: u32,
    },
    /// What the sender wants of its peer.
    Settings(Settings),
    /// The sender announces a response that nobody asked for (PUSH_PROMISE); its header section was read and dropped.
    Promise {
        /// The stream that it will come on.
        promised: u32,
    },
    /// That many bytes were passed over in search of the next frame.
    Skipped(u64),
}

/// Why the place of the next frame was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// Why.
    pub fault: Fault,
    /// The stream whose header section was being read.
    pub stream: Option<u32>,
}

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum Fault {
    /// The bytes are not HTTP/2.
    #[error("not HTTP/2")]
    Syntax,
    /// A header section is longer than [`MAX_SECTION`](super::MAX_SECTION) or has more lines than
    /// [`MAX_FIELDS`](super::MAX_FIELDS).
    #[error("header section too long")]
    TooLong,
    /// Bytes are missing where they are needed.
    #[error("bytes missing")]
    Gap,
    /// A header section breaks the rules of HPACK.
    #[error("header compression: {0}")]
    Compression(#[from] HpackError),
    /// A header section is no head: RFC 9113 section 8.1.1.
    #[error("malformed message")]
    Malformed,
    /// What a head needs refers to entries of the dynamic table that nobody knows.
    #[error("refers to what was not seen")]
    Unknown,
}
