//! TLS on either side of the data plane: who has which certificate, and who trusts whom.
//!
//! Every testbed has an authority of its own. Certificates can be wrong in all the ways that make handshakes fail.

mod asynchronous;
mod authority;
mod files;
mod stream;
mod unchecked;

pub use asynchronous::connect;
pub use authority::{Authority, Credentials};
pub use files::{Files, Own, Trusted};
pub use stream::{Handshake, Stream};

/// The names that the gateway's certificate is for.
pub const GATEWAY_NAMES: [&str; 2] = ["example.com", "*.example.com"];
/// The server name that clients ask for unless told otherwise.
pub const SERVER_NAME: &str = "shop.example.com";
/// What gateways offer to speak inside (RFC 7301), the first one they have in common with the client.
pub const PROTOCOLS: [&str; 2] = ["h2", "http/1.1"];
/// HTTP/1.1 alone.
pub const HTTP1: &[&str] = &["http/1.1"];

/// HTTP/2 alone.
pub const HTTP2: &[&str] = &["h2"];

/// Where a testbed speaks TLS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tls {
    /// The gateway's certificate, if clients speak TLS to it.
    pub from_clients: Option<Certificate>,
    /// The backends' certificates, if the data plane speaks TLS to them.
    pub to_backends: Option<Certificate>,
    /// Backends, by name, with which every handshake fails.
    pub faulty: &'static [(&'static str, Fault)],
}

impl Tls {
    /// Between clients and the gateway only.
    pub const DOWNSTREAM: Self = Self {
        from_clients: Some(Certificate::Valid),
        to_backends: None,
        faulty: &[],
    };
    /// On both sides.
    pub const BOTH: Self = Self {
        from_clients: Some(Certificate::Valid),
        to_backends: Some(Certificate::Valid),
        faulty: &[],
    };

    /// What is wrong with the TLS of a backend, if it speaks any.
    pub fn fault_of(self, backend: &str) -> Option<Fault> {
        let found = self.faulty.iter().find(|(name, _)| *name == backend);
        self.to_backends.and(found).map(|(_, fault)| *fault)
    }

    /// What a backend's certificate is like, if it has one.
    pub fn of_backend(self, name: &str) -> Option<Certificate> {
        match self.fault_of(name) {
            Some(Fault::Certificate(like)) => Some(like),
            _ => self.to_backends,
        }
    }
}

/// What makes every handshake with a backend fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its certificate is like this.
    Certificate(Certificate),
    /// It refuses every ClientHello with this alert (RFC 8446 section 6.2).
    Alert(u8),
    /// It closes the connection instead of an answer.
    HangsUp,
    /// It speaks no TLS, and answers in the clear.
    Plain,
}

/// What a certificate is like to those who check it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// Nothing is wrong with it.
    Valid,
    /// Its time is over.
    Expired,
    /// It is for another name.
    OfAnotherName,
    /// Nobody trusts who signed it.
    OfAnotherAuthority,
}

/// The name that a backend's certificate is for, and that the data plane asks for.
pub fn backend_name(backend: &str) -> String {
    format!("{backend}.backends.example.net")
}
