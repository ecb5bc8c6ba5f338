//! TLS as an observer sees it: records, and what of a handshake is not encrypted (RFC 8446, RFC 5246).

mod hello;
mod records;

pub use hello::ClientHello;
pub use records::{Alert, Records, Seen};
