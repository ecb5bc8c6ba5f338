//! Keys and values of the tables that the BPF programs and the agent share.

use crate::chunks::Chunks;
use crate::frames::Frames;

/// A followed process only has its connects and closes recorded: the agent is still looking for what it has open.
pub const PROCESS_TRACKED: u32 = 1;
/// All of a followed process is recorded.
pub const PROCESS_ACTIVE: u32 = 2;

/// Index of a direction: read from the socket.
pub const RECEIVE: u8 = 0;
/// Index of a direction: written to the socket.
pub const SEND: u8 = 1;

/// The peer connected.
pub const ROLE_ACCEPTED: u8 = 0;
/// The process connected.
pub const ROLE_CONNECTED: u8 = 1;
/// Either; only of sockets that are not read.
pub const ROLE_UNKNOWN: u8 = 2;

/// The process has begun to connect.
pub const STAGE_CONNECTING: u8 = 0;
/// Open, but the agent has not been told of it.
pub const STAGE_UNANNOUNCED: u8 = 1;
/// The agent has been told of it.
pub const STAGE_ANNOUNCED: u8 = 2;

/// A connection, by its socket cookie. Only the kernel side changes it, after the agent may have put it there.
///
/// Two threads that use one socket at the same time may overwrite each other's bookkeeping of turns: then the window
/// moves a call later or earlier, no byte is attributed wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Connection {
    /// The process that used it first.
    pub pid: u32,
    /// `ROLE_…`.
    pub role: u8,
    /// `STAGE_…`.
    pub stage: u8,
    /// 1 if it was open before the probes were.
    pub preexisting: u8,
    /// Direction of the last call plus 1; 0 before the first.
    pub last_direction: u8,
    /// Bytes read, bytes written: of the socket, or of the plaintext once that is told.
    pub flows: [Flow; 2],
    /// The TLS object that uses it, and the process where that address means something; 0 if none.
    pub tls_object: u64,
    /// See `tls_object`.
    pub tls_pid: u32,
    /// [`crate::tls::WIRE`], `PLAINTEXT` or `BROKEN`.
    pub tls: u32,
}

/// One direction of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Flow {
    /// Where the capture window begins.
    pub base: u32,
    /// Generation of the last [`Mark`] that was applied.
    pub mark_generation: u32,
    /// 1 once `base` means something.
    pub started: u32,
    /// 1 once the end of this direction has been told.
    pub ended: u32,
    /// The chunked body that this direction is in, if it seems to be in one.
    pub chunks: Chunks,
    /// The frames of HTTP/2, if this direction seems to consist of them.
    pub frames: Frames,
}

impl Flow {
    /// Before the first byte.
    pub const NEW: Self = Self {
        base: 0,
        mark_generation: 0,
        started: 0,
        ended: 0,
        chunks: Chunks::OFF,
        frames: Frames::OFF,
    };
}

/// Key of a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct MarkKey {
    /// The socket.
    pub cookie: u64,
    /// `RECEIVE` or `SEND`; of plaintext, [`PLAINTEXT_MARK`] is added.
    pub direction: u64,
}

/// Marks of plaintext count other positions than those of the socket.
pub const PLAINTEXT_MARK: u64 = 2;

/// What the agent wants of one direction: bytes before `position` are not needed, the window begins there. If `framed` is 1,
/// so does a frame of HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Mark {
    /// Stream position.
    pub position: u32,
    /// Differs from the mark before, never 0: a mark is applied once, so that it does not come back when positions wrap.
    pub generation: u32,
    /// See there.
    pub framed: u32,
}

/// Number of counters of lost events ([`crate::record::RecordHeader::lost_ring`] and `lost_table`).
pub const LOST_COUNTERS: u32 = 2;
/// Index: the ring buffer was full.
pub const LOST_RING: u32 = 0;
/// Index: a table was full.
pub const LOST_TABLE: u32 = 1;

#[cfg(feature = "user")]
mod user {
    use super::{Connection, Mark, MarkKey};

    // SAFETY: `repr(C)` of integers without padding (asserted below), every bit pattern is valid.
    unsafe impl aya::Pod for Connection {}
    // SAFETY: as above.
    unsafe impl aya::Pod for MarkKey {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Mark {}
}

const _: () = assert!(size_of::<Flow>() == 16 + size_of::<Chunks>() + size_of::<Frames>());
const _: () = assert!(size_of::<Connection>() == 8 + 2 * size_of::<Flow>() + 16);
const _: () = assert!(size_of::<MarkKey>() == 16 && size_of::<Mark>() == 12);
