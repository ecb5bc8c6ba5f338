//! Bytes to HTTP messages, as an observer sees them: in order, but with gaps of known size.
//!
//! No I/O, no clock, no kernel types. A stream parser takes [`Chunk`]s and answers items; it never asks for more
//! bytes than a named limit and never panics, whatever the bytes.

pub mod http1;
pub mod http2;
mod message;
pub mod opening;
pub mod tls;

pub use message::{Chunk, Field, RequestHead, ResponseHead, Unknown, Version, text};
