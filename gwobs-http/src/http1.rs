//! HTTP/1.0 and HTTP/1.1 (RFC 9112) from a byte stream with gaps.
//!
//! [`RequestStream`] and [`ResponseStream`] are pulled: give a [`Chunk`](crate::Chunk), call `next` until it answers
//! [`Step::NeedMore`]; each call consumes a part of the chunk and answers one item. A message that cannot be read
//! answers [`Step::Invalid`] and leaves the stream *desynchronised*: bytes are skipped until a call begins with a
//! complete, plausible head. A gap inside a body of known extent is just length.

mod body;
mod chunked;
mod direction;
mod framing;
mod head;
mod item;
mod limits;
mod request;
mod response;
mod resync;
mod stream;

pub use item::{Ending, Fault, Invalid, Item, Step};
pub use limits::{MAX_CHUNK_LINE, MAX_FIELDS, MAX_HEAD, MAX_METHOD, MAX_TRAILERS};
pub use stream::{RequestStream, ResponseStream};
