//! Probe points, and why they are believed.

/// A TLS library, which says where a call has its arguments and how its return is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Library {
    /// OpenSSL 1.1 or 3: the C calling convention, returns seen by return probes.
    OpenSsl,
    /// BoringSSL, likewise.
    BoringSsl,
    /// Go's `crypto/tls`: Go's calling convention by registers (Go 1.17 and later), returns seen at the return
    /// instructions, because return probes do not survive Go's moving stacks.
    GoTls,
}

impl Library {
    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenSsl => "OpenSSL",
            Self::BoringSsl => "BoringSSL",
            Self::GoTls => "Go crypto/tls",
        }
    }
}

/// What a function does for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// `SSL_read(ssl, buffer, length)` answers the number of bytes; `(*Conn).Read`.
    Read,
    /// `SSL_read_ex(ssl, buffer, length, &count)` answers 1.
    ReadEx,
    /// `SSL_write(ssl, buffer, length)` answers the number of bytes; `(*Conn).Write`.
    Write,
    /// `SSL_write_ex(ssl, buffer, length, &count)` answers 1.
    WriteEx,
    /// `SSL_do_handshake(ssl)` answers 1 when it is done; `(*Conn).handshakeContext`.
    Handshake,
    /// `ERR_vset_error(library, reason, …)` of OpenSSL 3, which all its reports go through.
    Report,
    /// `ERR_put_error(library, function, reason, …)` of BoringSSL and OpenSSL 1.1.
    PutReport,
    /// `(*Conn).sendAlert(alert)`, with which Go ends every handshake that it refuses.
    Alert,
}

impl Function {
    /// True if plaintext goes through it; the others only add to what is known of a connection.
    #[must_use]
    pub const fn moves_plaintext(self) -> bool {
        matches!(self, Self::Read | Self::ReadEx | Self::Write | Self::WriteEx)
    }

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadEx => "read_ex",
            Self::Write => "write",
            Self::WriteEx => "write_ex",
            Self::Handshake => "handshake",
            Self::Report | Self::PutReport => "error report",
            Self::Alert => "alert",
        }
    }
}

/// How the end of a call is seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Returns {
    /// By a return probe on the function.
    Probe,
    /// It is of no interest.
    Unwatched,
    /// By probes on its return instructions, at these offsets in the file.
    Instructions(Vec<u64>),
}

/// Why a point is believed to be what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Evidence {
    /// The image names it.
    Symbol,
    /// Go's table of functions names it.
    FunctionTable,
    /// It reports errors under its own name (OpenSSL 3).
    OwnName,
    /// It reports errors under its own number (OpenSSL 1.1).
    OwnNumber,
    /// The errors it reports, and what it calls (BoringSSL).
    ErrorSites,
}

impl Evidence {
    /// True if the image itself says so; else live bytes must show it first.
    #[must_use]
    pub const fn is_certain(self) -> bool {
        matches!(self, Self::Symbol | Self::FunctionTable)
    }

    /// The public name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Symbol => "symbol",
            Self::FunctionTable => "function table",
            Self::OwnName => "own name in error reports",
            Self::OwnNumber => "own number in error reports",
            Self::ErrorSites => "error reports and calls",
        }
    }
}

/// A function to probe.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// What it does.
    pub function: Function,
    /// Offset of its first instruction in the file.
    pub offset: u64,
    /// How its end is seen.
    pub returns: Returns,
    /// Why it is believed.
    pub evidence: Evidence,
}

/// All probe points of one image.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Points {
    /// Whose they are.
    pub library: Library,
    /// In no order.
    pub points: Vec<Point>,
}

impl Points {
    /// True if the image itself names all of them; else live bytes must show that they are right.
    #[must_use]
    pub fn are_certain(&self) -> bool {
        self.points.iter().all(|point| point.evidence.is_certain())
    }
}
