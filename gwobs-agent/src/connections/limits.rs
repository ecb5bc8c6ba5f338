//! Bounds of this layer, each with its reason.

/// Connections known at a time: as many as the kernel side follows.
pub const MAX_CONNECTIONS: usize = 64 * 1024;

/// Share of the connections that is forgotten at once when there are too many: so that the search for the least
/// recently used ones is paid seldom.
pub(super) const FORGOTTEN_SHARE: usize = 64;

/// Requests of one connection that wait for their response. Data planes stop to read long before; a client that
/// pipelines more makes its connection unreadable.
pub const MAX_PIPELINED: usize = 64;

/// Streams of an HTTP/2 connection that have a request and no whole response: ten times what data planes allow if they
/// are not told otherwise. Requests beyond count as unread.
pub const MAX_STREAMS: usize = 1024;

/// How long bytes wait for ones that come before them: two threads may log their calls in the other order, if one is
/// preempted between the call and its event. Longer than a scheduler's turn.
pub const REORDER_NANOSECONDS: u64 = 20_000_000;

/// Parts of calls of one direction that wait: a call that fills the widest capture window has four with bytes. Beyond, what
/// is missing counts as a gap.
pub const MAX_HELD: usize = 16;

/// How far bytes may lie before the expected position and still be a repetition; further back, so much was missed
/// that positions wrapped.
pub(super) const MAX_OVERLAP: u32 = 1 << 24;

/// Smallest rest of a body that the kernel side is told to skip: less costs more to tell than to copy.
pub const SKIP_THRESHOLD: u64 = 8 * 1024;

/// Farthest that it is told to skip at once: positions are compared modulo 2^32.
pub(super) const SKIP_AT_MOST: u64 = 1 << 30;

/// Bytes after which a stream in one direction is told to be still of interest: well before the capture window is used
/// up while the ring buffer is less than half full, since the agent lags behind.
pub const MARK_INTERVAL: u32 = 16 * 1024;

/// Connects in progress that are known at a time.
pub const MAX_CONNECTING: usize = 16 * 1024;

/// Threads whose calls are numbered. Beyond, numbering begins anew for all, and no two calls seem adjacent over that.
pub const MAX_THREADS: usize = 64 * 1024;
