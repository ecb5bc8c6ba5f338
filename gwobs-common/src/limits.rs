//! Every bound of the kernel side, with its reason.

/// Bytes copied per direction from a base that moves up whenever the conversation turns or the agent says so
/// ([`crate::table::Mark`]); beyond it bytes are announced by length only, but for the framing of chunked bodies
/// ([`crate::chunks`]).
///
/// The agent says which bytes of a body it does not need, and lags by some milliseconds. What comes before it could say so
/// is copied, so that a message that follows a body in the same burst is not missed: four heads of the greatest length
/// that is understood. This is for a ring buffer that is nearly empty; one that fills up narrows the window, so bodies
/// never push heads out of it.
pub const WINDOW: u32 = 64 * 1024;

/// The window while half of the ring buffer waits to be read: one head of the greatest length that is understood.
pub const WINDOW_FILLING: u32 = 16 * 1024;

/// The window while three quarters do: nearly all heads.
pub const WINDOW_FULL: u32 = 4 * 1024;

/// The window of a body whose chunks are followed: what comes behind it is not missed, for its end is known.
pub const WINDOW_OF_CHUNKS: u32 = 4 * 1024;

/// Bytes of a message's first buffer in which the end of its head is looked for, to follow a chunked body from there.
pub const MAX_SEARCH: u32 = 4 * 1024;

/// Shortest call whose message is searched so: the others are most of all, and most of them are whole messages. A body
/// that goes on for long behind such a call is found again by the agent, if it is not faster than the agent.
pub const MIN_SEARCH: u32 = 1024;

/// Longest stretch of chunk framing in one record: the CRLF after the data, eight digits, CRLF, and some room.
pub const LINE: usize = 32;

/// Bytes of a frame of HTTP/2 with a header section that are copied: the longest section that is understood. Many short
/// ones are as many requests.
pub const MAX_SECTION: u32 = 64 * 1024;

/// Bytes of SETTINGS and GOAWAY that are copied: more settings than there are.
pub const MAX_CONTROL: u32 = 1024;

/// Payloads of other frames that are copied whole: to leave them out would cost as much.
pub const SMALL_PAYLOAD: u32 = 1024;

/// What is copied of a longer one: as many bytes of a body as the agent keeps, and room for what tells padding.
pub const PREFIX_OF_DATA: u32 = 96;

/// Bytes of framing and parts of buffers that are followed in one call: chunks of 100 bytes in a call of 64 KiB. At some
/// 20 ns each that bounds what a call can be made to cost.
pub const MAX_FOLLOWED: u32 = 8 * 1024;

/// Largest payload of one record. A power of two, see [`PAYLOAD_CLASSES`].
pub const MAX_PAYLOAD: u32 = 16 * 1024;

/// Payload sizes that records are reserved in, powers of two. The ring buffer takes constant sizes only: a message of a
/// few hundred bytes must not cost 16 KiB.
pub const PAYLOAD_CLASSES: [usize; 4] = [256, 1024, 4096, MAX_PAYLOAD as usize];

/// Buffers of one call that are walked: the kernel's own limit (`UIO_MAXIOV`), and the parts of one window.
pub const MAX_SEGMENTS: u32 = 1024 + WINDOW / MAX_PAYLOAD;

/// Size of the ring buffer, in bytes, if the user does not say: 512 messages of a whole [`WINDOW`], or tens of thousands
/// without a body, while the agent waits for a processor.
pub const RING_BUFFER: u32 = 32 * 1024 * 1024;

/// Connections followed at a time, if the user does not say: twice the ephemeral ports of a host. A record of the table
/// takes about 100 bytes.
pub const CONNECTIONS: u32 = 64 * 1024;

/// Names of commands that are followed when they are executed: what a user gives on a command line.
pub const NAMES: u32 = 64;

/// Processes followed at a time: trees of a gateway have some dozens.
pub const PROCESSES: u32 = 8 * 1024;
