//! Record files: what came into a run, so that a replay gives the same JSONL, byte for byte.
//!
//! ```text
//! file    = magic version item*           magic "GWOBSREC", version 2 bytes little-endian
//! item    = tag length payload            tag 1 byte, length of the payload as varint
//! ```
//!
//! The first item holds the parameters. Times are differences to the time before, so a record of a small read takes some
//! twenty bytes more than what was read. Integers are LEB128 varints, signed ones zigzag-coded.
//!
//! A reader treats a file as hostile: every length is checked against a named limit before memory is taken, and what
//! does not fit its type is an error. A file whose end is missing (the writer was killed) reads up to there.

mod event;
mod item;
mod reader;
mod wire;
mod writer;

#[cfg(test)]
mod tests;

pub use item::{Input, Parameters};
pub use reader::{ReadError, Reader};
pub use writer::Writer;

/// First bytes of a record file.
const MAGIC: &[u8; 8] = b"GWOBSREC";

/// Version of the format that is written, and the only one that is read.
const VERSION: u16 = 1;

/// Longest item: one manifest file of the greatest length that is read, with its path.
const MAX_ITEM: u64 = (64 << 20) + 8192;
