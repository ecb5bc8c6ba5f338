//! Records of the ring buffer and of the socket iterator.

/// Kinds of record.
pub mod kind {
    /// [`super::RecordHeader`], then `captured` bytes.
    pub const DATA: u8 = 1;
    /// [`super::OpenedRecord`].
    pub const OPENED: u8 = 2;
    /// [`super::OpenedRecord`] (own address and positions not yet known).
    pub const CONNECTING: u8 = 3;
    /// [`super::OpenedRecord`].
    pub const CONNECT_FAILED: u8 = 4;
    /// [`super::RecordHeader`] with its direction.
    pub const HALF_CLOSED: u8 = 5;
    /// [`super::RecordHeader`].
    pub const CLOSED: u8 = 6;
    /// [`super::ProcessRecord`].
    pub const PROCESS_STARTED: u8 = 7;
    /// [`super::RecordHeader`].
    pub const PROCESS_EXITED: u8 = 8;
    /// [`super::RecordHeader`]; `length` is 1 if the handshake succeeded. If it failed that is 0, `position` is the first
    /// reason that its library reported, and `captured` the library's own number; 0 if it reported none.
    pub const HANDSHAKE: u8 = 9;
    /// [`super::UnreadRecord`].
    pub const UNREAD: u8 = 10;
}

/// Transports that are not read.
pub mod transport {
    /// A unix socket.
    pub const UNIX: u8 = 1;
    /// Multipath TCP.
    pub const MULTIPATH_TCP: u8 = 2;
}

/// What the bytes of a data record are.
pub mod layer {
    /// Bytes of the TCP stream.
    pub const WIRE: u8 = 0;
    /// Bytes of the TCP stream that a TLS library moved which is probed.
    pub const CIPHERTEXT: u8 = 1;
    /// Plaintext; positions count from 0 at the connection's first byte.
    pub const PLAINTEXT: u8 = 2;
    /// Plaintext of a connection whose beginning was not seen; positions count from 0 at the first byte that was.
    pub const PLAINTEXT_JOINED: u8 = 3;
}

/// Why bytes were left out of a data record; 0 if none were.
pub mod left_out {
    /// Nothing left out.
    pub const NOTHING: u8 = 0;
    /// The agent does not need them.
    pub const SKIPPED: u8 = 1;
    /// Beyond the window.
    pub const WINDOW: u8 = 2;
    /// The registers describe a call on another file.
    pub const NOT_THIS_SOCKET: u8 = 3;
    /// No buffer to read.
    pub const NO_BUFFER: u8 = 4;
    /// User memory could not be read.
    pub const FAULT: u8 = 5;
    /// Payload of a frame of HTTP/2 that the agent does not read.
    pub const FRAME_DATA: u8 = 6;
}

/// Begins every record of the ring buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct RecordHeader {
    /// Nanoseconds since boot (`CLOCK_BOOTTIME`).
    pub time: u64,
    /// Socket cookie; 0 for processes.
    pub cookie: u64,
    /// Process.
    pub pid: u32,
    /// Thread; 0 if it did not happen on a thread of the process.
    pub tid: u32,
    /// [`kind`].
    pub kind: u8,
    /// [`crate::table::RECEIVE`] or [`crate::table::SEND`].
    pub direction: u8,
    /// [`left_out`].
    pub left_out: u8,
    /// [`layer`].
    pub layer: u8,
    /// Stream position of the first byte.
    pub position: u32,
    /// Bytes moved.
    pub length: u32,
    /// Bytes of them that follow.
    pub captured: u32,
    /// Records that found the ring buffer full so far, wrapping.
    pub lost_ring: u32,
    /// Events that found a table full so far, wrapping.
    pub lost_table: u32,
}

/// The two ends of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub struct Addresses {
    /// `AF_INET` or `AF_INET6`.
    pub family: u16,
    /// Own port.
    pub local_port: u16,
    /// Peer's port.
    pub peer_port: u16,
    /// Unused, 0.
    pub reserved: u16,
    /// Own address; IPv4 in the first four bytes.
    pub local: [u8; 16],
    /// Peer's address; IPv4 in the first four bytes.
    pub peer: [u8; 16],
}

/// A connection or an attempt at one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct OpenedRecord {
    /// Header.
    pub header: RecordHeader,
    /// Both ends.
    pub addresses: Addresses,
    /// Position of the next byte to be read.
    pub receive_position: u32,
    /// Position of the next byte to be written.
    pub send_position: u32,
    /// `ROLE_…`.
    pub role: u8,
    /// 1 if bytes may have passed unseen.
    pub preexisting: u8,
    /// Unused, 0.
    pub reserved: [u8; 6],
}

/// Something was received on a socket that is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct UnreadRecord {
    /// Header.
    pub header: RecordHeader,
    /// Cookie of the other end of a unix socket; 0 if nobody has asked for it.
    pub peer: u64,
    /// Own port; 0 for unix sockets.
    pub local_port: u16,
    /// [`transport`].
    pub transport: u8,
    /// `ROLE_…`.
    pub role: u8,
    /// 1 if the process itself made the other end.
    pub own: u8,
    /// Unused, 0.
    pub reserved: [u8; 3],
}

/// Length of a command name, zero-padded (`TASK_COMM_LEN`).
pub const NAME: usize = 16;

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct ProcessRecord {
    /// Header.
    pub header: RecordHeader,
    /// Command name.
    pub name: [u8; NAME],
    /// Parent.
    pub parent: u32,
    /// Unused, 0.
    pub reserved: u32,
}

/// One open TCP socket of a followed process, as the socket iterator writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct DiscoveredRecord {
    /// Socket cookie.
    pub cookie: u64,
    /// Process.
    pub pid: u32,
    /// TCP state.
    pub state: u32,
    /// Both ends.
    pub addresses: Addresses,
}

const _: () = assert!(size_of::<RecordHeader>() == 48);
const _: () = assert!(size_of::<Addresses>() == 40);
const _: () = assert!(size_of::<OpenedRecord>() == 104);
const _: () = assert!(size_of::<UnreadRecord>() == 64);
const _: () = assert!(size_of::<ProcessRecord>() == 72);
const _: () = assert!(size_of::<DiscoveredRecord>() == 56);
