//! HPACK (RFC 7541), written for an observer.
//!
//! A decoder that has seen a connection from its first byte knows every entry of the dynamic table. One that joined
//! later, or missed a header section, does not know the older ones. But an index counts from the newest entry, so
//! whatever was added since resolves exactly, whatever lies before it, and whatever the size of the table is: an encoder
//! never refers to an entry that it has evicted. A line that refers to an entry nobody saw is answered as unknown, and so
//! is what refers to that one in turn, until the table has turned over.

mod decoder;
mod huffman;
mod integer;
mod static_table;
mod table;

pub use decoder::{Decoder, HpackError, Line};
