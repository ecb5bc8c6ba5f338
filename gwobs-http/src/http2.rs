//! HTTP/2 (RFC 9113) from a byte stream with gaps, as an observer sees it.
//!
//! [`Stream`] is pulled as the HTTP/1 streams are: give a [`Chunk`](crate::Chunk), call `next` until it answers
//! [`Step::NeedMore`]. It answers the header sections, data and ends of all the streams that are interleaved on one
//! direction of a connection; which request a response answers is told by the stream id alone. [`request_head`] and
//! [`response_head`] make messages of header sections.
//!
//! **What is missing.** A gap inside the payload of a frame is just length. One that hides where a frame begins leaves
//! the direction *desynchronised*, until a call begins with frames that chain (`resync.rs`). A header section that was
//! not read leaves the dynamic table of HPACK with entries that nobody knows; indices count from the newest entry, so
//! entries added later resolve exactly, and a line that refers to an older one is answered as unknown (`hpack.rs`).

mod frame;
mod head;
pub mod hpack;
mod item;
mod limits;
mod resync;
mod section;
mod settings;
mod stream;

pub use head::{request_head, response_head};
pub use item::{Fault, Invalid, Item, Step};
pub use limits::{MAX_FIELDS, MAX_SECTION};
pub use resync::begins_with_frames;
pub use settings::Settings;
pub use stream::{Stream, begins_with_preface};
