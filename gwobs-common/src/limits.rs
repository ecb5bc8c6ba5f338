//! Every bound of the kernel side, with its reason.

/// Bytes copied per direction from a base that moves up whenever the conversation turns or the agent says so
/// ([`crate::table::Mark`]); beyond it bytes are announced by length only.
///
/// Four message heads of 16 KiB (the largest that gateways accept by default is 60 KiB, in Envoy) fit, so pipelined
/// heads survive until the agent, which lags by milliseconds, moves the base. A body costs at most this much per turn:
/// 64 uploads of 1 MiB at once put 64 x 64 KiB x 2 sides = 8 MiB into the ring buffer of [`RING_BUFFER`] even if the
/// agent does nothing at all in the meantime, and as many large responses fill it up only if they come before it woke.
pub const WINDOW: u32 = 64 * 1024;

/// Largest payload of one record. A power of two, see [`PAYLOAD_CLASSES`].
pub const MAX_PAYLOAD: u32 = 16 * 1024;

/// Payload sizes that records are reserved in, powers of two. The ring buffer takes constant sizes only: a message of a
/// few hundred bytes must not cost 16 KiB.
pub const PAYLOAD_CLASSES: [usize; 4] = [256, 1024, 4096, MAX_PAYLOAD as usize];

/// Buffers of one call that are walked: the kernel's own limit (`UIO_MAXIOV`), and the parts of one window.
pub const MAX_SEGMENTS: u32 = 1024 + WINDOW / MAX_PAYLOAD;

/// Size of the ring buffer, in bytes, if the user does not say.
pub const RING_BUFFER: u32 = 16 * 1024 * 1024;

/// Connections followed at a time, if the user does not say: twice the ephemeral ports of a host. A record of the table
/// takes about 100 bytes.
pub const CONNECTIONS: u32 = 64 * 1024;

/// Processes followed at a time: trees of a gateway have some dozens.
pub const PROCESSES: u32 = 8 * 1024;
