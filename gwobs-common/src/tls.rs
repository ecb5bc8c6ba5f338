//! TLS calls: what the agent tells the programs that watch them.

/// A function that is probed, as the cookie of its probes: what it does for its caller.
pub mod function {
    /// Reads plaintext; answers the number of bytes.
    pub const READ: u64 = 1;
    /// Writes plaintext; answers the number of bytes.
    pub const WRITE: u64 = 2;
    /// Shakes hands.
    pub const HANDSHAKE: u64 = 3;
    /// Reads plaintext; answers 1, and puts the number of bytes where the fourth argument says.
    pub const READ_EX: u64 = 4;
    /// Writes plaintext, likewise.
    pub const WRITE_EX: u64 = 5;
    /// Reports an error: library and reason are its first two arguments.
    pub const REPORT: u64 = 6;
    /// Reports an error: library and reason are its first and third argument.
    pub const PUT_REPORT: u64 = 7;
    /// Sends an alert: its second argument.
    pub const ALERT: u64 = 8;
}

/// Stands for Go's `crypto/tls`, whose reasons are alerts: its own, or from the peer, counted as the C libraries do.
pub const GO_ERRORS: u32 = 1;
/// What all add to the number of an alert that they received (`SSL_AD_REASON_OFFSET`).
pub const ALERT_RECEIVED: u32 = 1000;
/// `ERR_LIB_SSL` of BoringSSL.
pub const BORINGSSL_ERRORS: u32 = 16;
/// `ERR_LIB_SSL` of OpenSSL.
pub const OPENSSL_ERRORS: u32 = 20;

/// Who makes the calls of a process: one of its threads.
pub const CALLER_THREAD: u32 = 1;
/// Who makes the calls of a process: a goroutine, which changes threads while it waits.
pub const CALLER_GOROUTINE: u32 = 2;

/// A connection whose bytes are read from its socket.
pub const WIRE: u32 = 0;
/// A connection whose plaintext is told; its ciphertext is not.
pub const PLAINTEXT: u32 = 1;
/// A connection whose plaintext was told until some of it was missed; its ciphertext is told again.
pub const BROKEN: u32 = 2;

/// TLS calls that are waited for at a time: of a thread its one, of a goroutine the read of its idle connection.
pub const CALLS: u32 = 64 * 1024;
