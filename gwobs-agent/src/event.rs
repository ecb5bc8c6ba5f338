//! What the kernel told, decoded and checked: the only way in to the pipeline.

use std::net::SocketAddr;

use bytes::Bytes;

/// Nanoseconds of `CLOCK_BOOTTIME`, the clock of every event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

/// A socket for its whole life: the kernel's socket cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketCookie(pub u64);

/// Which way bytes went, seen from the gateway process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Read from the socket.
    Receive,
    /// Written to the socket.
    Send,
}

/// Who opened a connection, seen from the gateway process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The peer connected: the downstream side.
    Accepted,
    /// The process connected: the upstream side.
    Connected,
}

/// One thing that happened in the kernel, in the order of the ring buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelEvent {
    /// When it happened.
    pub time: Timestamp,
    /// Process (thread group) id.
    pub pid: u32,
    /// Thread id; 0 where the event did not happen on a thread of the process (a state change in softirq).
    pub tid: u32,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// Bytes went through a socket.
    Data(Data),
    /// Bytes went through a socket within a call of a TLS library that is probed: its plaintext is told by itself, and
    /// once it is, this no longer is.
    Ciphertext(Data),
    /// Plaintext went through a TLS library.
    Plaintext(Plaintext),
    /// A TLS library has ended the handshake of a connection.
    Handshake {
        /// The socket.
        socket: SocketCookie,
        /// How it ended.
        outcome: HandshakeOutcome,
    },
    /// A connection was seen for the first time; comes before its first [`Data`].
    Opened(Opened),
    /// The process began to connect; followed by [`EventKind::Opened`] or [`EventKind::ConnectFailed`].
    Connecting {
        /// The socket.
        socket: SocketCookie,
        /// Where to.
        peer: SocketAddr,
    },
    /// A connect did not succeed.
    ConnectFailed {
        /// The socket.
        socket: SocketCookie,
        /// Where to.
        peer: SocketAddr,
    },
    /// One direction of a connection ended in order: the peer's FIN was read, or the process closed or shut down its
    /// side. What moves the other way may go on.
    HalfClosed {
        /// The socket.
        socket: SocketCookie,
        /// The direction that has ended.
        direction: Direction,
    },
    /// The connection is gone: TCP has ended and the process has let go of the socket. Follows every
    /// [`EventKind::Opened`].
    Closed {
        /// The socket.
        socket: SocketCookie,
    },
    /// Something, or the end, was received on a socket that is not read: it may carry requests that nobody sees.
    Unread(Unread),
    /// A process joined the followed tree, or (told again) a followed process executed another program.
    ProcessStarted {
        /// Its parent.
        parent: u32,
        /// Its command name.
        name: String,
    },
    /// A followed process ended.
    ProcessExited,
    /// Events between the one before and the one after are missing.
    Lost(Lost),
}

/// Bytes that went through a socket in one call, or a part of one call: consecutive parts follow one another, and carry
/// the same time and thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Data {
    /// The socket.
    pub socket: SocketCookie,
    /// Which way.
    pub direction: Direction,
    /// Position of the first byte in its TCP stream, as the kernel counts it: modulo 2^32, from a random start.
    pub position: u32,
    /// Bytes moved.
    pub length: u32,
    /// The first bytes of them; shorter than `length` if the rest was left out.
    pub bytes: Bytes,
    /// Why bytes were left out; `None` if all of `length` is here.
    pub left_out: Option<LeftOut>,
}

/// How a handshake ended. Libraries that have nothing to report, as when the peer just goes, tell no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HandshakeOutcome {
    /// Both sides are ready for data.
    Succeeded,
    /// It failed.
    Failed {
        /// The number of the TLS library among the parts of its own software, which tells whose reasons these are; 0 if it
        /// gave no reason.
        library: u32,
        /// Its reason.
        reason: u32,
    },
}

/// Plaintext that a TLS library gave to the process or took from it. Positions count its bytes, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plaintext {
    /// The bytes, with the socket that carries them encrypted.
    pub data: Data,
    /// True if position 0 is the connection's first byte; false if the connection was joined later.
    pub from_start: bool,
}

/// Why bytes did not cross to userspace. Each is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LeftOut {
    /// The agent had said that it does not need them (a body).
    Skipped,
    /// More than the capture window since the last turn of the conversation.
    Window,
    /// The buffer in the registers belongs to another file (io_uring, kernel users of sockets).
    NotThisSocket,
    /// The call has no readable buffer (sendfile, splice, `MSG_TRUNC`, several messages in one call).
    NoBuffer,
    /// Reading user memory failed.
    Fault,
    /// Payload of a frame of HTTP/2 that is not read: the kernel side follows the frames.
    FrameData,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The socket.
    pub socket: SocketCookie,
    /// Who opened it.
    pub role: Role,
    /// The gateway's address; IPv4-mapped ones as IPv4.
    pub local: SocketAddr,
    /// The other side's address; IPv4-mapped ones as IPv4.
    pub peer: SocketAddr,
    /// True if it was open before the probes were attached: bytes have passed unseen.
    pub preexisting: bool,
    /// Position of the next byte to be received and to be sent, before the data that follows; `None` if not known,
    /// then the first data tells.
    pub positions: Option<(u32, u32)>,
}

/// A socket that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// The socket.
    pub socket: SocketCookie,
    /// What it is.
    pub transport: Transport,
    /// Who opened the connection; `None` if the kernel does not tell.
    pub role: Option<Role>,
    /// Own port, where there is such a thing.
    pub local_port: Option<u16>,
    /// The other end of a unix socket, if a followed process has used it.
    pub peer: Option<SocketCookie>,
    /// True if the process itself made the other end.
    pub own: bool,
}

/// Transports that are not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A unix socket.
    Unix,
    /// Multipath TCP (RFC 8684).
    MultipathTcp,
}

/// What could not be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub reason: LostReason,
    /// How many events.
    pub count: u64,
}

/// Why events are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LostReason {
    /// The ring buffer was full.
    RingBufferFull,
    /// A kernel-side table was full.
    TableFull,
    /// A record from the kernel did not decode.
    Malformed,
}
