//! Ids of the kernel-side counters, which live in a per-CPU array.

/// What a counter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Events put into the ring buffer, by kind.
    Event,
    /// Data records whose bytes did not cross, by reason.
    LeftOut,
    /// Socket calls of followed processes that are none of our business, by reason.
    Ignored,
    /// Programs that gave up, by error.
    Error,
}

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $group:ident $name:literal,)+) => {
        /// A counter.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        pub enum Counter { $($(#[$doc])* $variant,)+ }

        impl Counter {
            /// All counters, in the order of their ids, from 0.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The group and the name within the group, as metrics spell it.
            #[must_use]
            pub const fn describe(self) -> (Group, &'static str) {
                match self { $(Self::$variant => (Group::$group, $name),)+ }
            }
        }
    };
}

counters! {
    /// Bytes read.
    Received = Event "received",
    /// Bytes written.
    Sent = Event "sent",
    /// A connection's first appearance.
    Opened = Event "opened",
    /// A connect begun.
    Connecting = Event "connecting",
    /// A connect failed.
    ConnectFailed = Event "connect_failed",
    /// One direction ended.
    HalfClosed = Event "half_closed",
    /// A connection gone.
    Closed = Event "closed",
    /// A process joined the tree or executed a program.
    ProcessStarted = Event "process_started",
    /// A process ended.
    ProcessExited = Event "process_exited",
    /// A TLS handshake done or failed.
    Handshake = Event "handshake",
    /// Something received on a socket that is not read.
    Unread = Event "unread",
    /// The agent does not need the bytes.
    Skipped = LeftOut "skipped",
    /// Beyond the capture window.
    Window = LeftOut "window",
    /// The registers describe a call on another file.
    NotThisSocket = LeftOut "not_this_socket",
    /// The call has no buffer to read.
    NoBuffer = LeftOut "no_buffer",
    /// Reading user memory failed.
    Fault = LeftOut "fault",
    /// Payload of a frame of HTTP/2 that the agent does not read.
    FrameData = LeftOut "frame_data",
    /// Bytes of a TLS connection whose plaintext is told.
    Ciphertext = Ignored "ciphertext",
    /// Plaintext before its socket was known, or after its connection was given up.
    PlaintextUnbound = LeftOut "plaintext_unbound",
    /// A TLS call ended whose begin was not seen.
    TlsCallUnseen = Ignored "tls_call_unseen",
    /// Unix domain sockets.
    Unix = Ignored "unix",
    /// UDP, which carries QUIC.
    Udp = Ignored "udp",
    /// Multipath TCP, which is not read.
    Mptcp = Ignored "mptcp",
    /// Any other protocol.
    OtherProtocol = Ignored "other_protocol",
    /// `MSG_PEEK`, `MSG_OOB`, `MSG_ERRQUEUE`: no byte of the stream was consumed.
    NotConsumed = Ignored "not_consumed",
    /// Reading kernel memory failed.
    KernelRead = Error "kernel_read",
    /// The table of connections was full.
    ConnectionTable = Error "connection_table",
    /// The table of processes was full.
    ProcessTable = Error "process_table",
    /// The table of TLS calls or objects was full.
    TlsTable = Error "tls_table",
    /// Bytes of what may be no TLS library: not believed, and counted, by the agent.
    TlsCandidate = Error "tls_candidate",
    /// The place of the next frame of HTTP/2 was lost.
    FramesLost = Error "frames_lost",
    /// The kernel refused to run the loop over buffers.
    Loop = Error "loop",
}

/// Number of counters.
#[expect(clippy::cast_possible_truncation, reason = "a few dozens")]
pub const COUNTERS: u32 = Counter::ALL.len() as u32;
