//! TLS handshakes that fail: a cause of refused connections that looks like a dead backend, or a dead gateway.

use gwobs_common::tls::{ALERT_RECEIVED, BORINGSSL_ERRORS, GO_ERRORS, OPENSSL_ERRORS};
use gwobs_http::tls::Seen;

use crate::event::Role;

/// A handshake that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandshakeFailure {
    /// Whose handshake it was: with a client, or with a backend.
    pub side: Role,
    /// Why: the name of an alert (RFC 8446 section 6), or what the gateway's own library says.
    pub reason: &'static str,
}

impl HandshakeFailure {
    /// The public name of its side.
    #[must_use]
    pub const fn side(&self) -> &'static str {
        match self.side {
            Role::Accepted => "downstream",
            Role::Connected => "upstream",
        }
    }
}

/// What is known of the handshake of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Handshake {
    /// None was seen.
    #[default]
    None,
    /// It has begun; with what was seen in the clear of why it fails.
    Begun(Option<Clue>),
    /// It is over: it succeeded, or its failure was told, or it was not seen from its beginning.
    Over,
}

/// What is seen of a failure without the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clue {
    /// A fatal alert in the clear.
    Alert(u8),
    /// The peer speaks no TLS.
    Foreign,
}

impl Clue {
    pub(super) fn of(seen: &Seen) -> Option<Self> {
        let fatal = seen.alert.filter(|alert| alert.is_fatal);
        fatal
            .map(|alert| Self::Alert(alert.description))
            .or(seen.is_foreign.then_some(Self::Foreign))
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Alert(description) => alert_name(description),
            // As the libraries call it that say more than that they failed.
            Self::Foreign => "wrong_version_number",
        }
    }
}

/// What is told of a certificate that the program, and not its library, refuses.
const INTERNAL_ERROR: u8 = 80;

/// The name of what a library reports; `known` is what was seen in the clear, which that library sent or took.
pub(super) fn reported(library: u32, reason: u32, known: Option<Clue>) -> &'static str {
    if let Some(alert) = reason.checked_sub(ALERT_RECEIVED).filter(|_| library != 0) {
        return u8::try_from(alert).map_or("other", alert_name);
    }
    // `openssl/sslerr.h` of either.
    match (library, reason) {
        (0, _) => known.map_or("closed", Clue::reason),
        (GO_ERRORS, alert) => u8::try_from(alert).map_or("other", alert_name),
        // Why the certificate is refused is told to the peer, and by clients before they encrypt.
        (BORINGSSL_ERRORS, 125) | (OPENSSL_ERRORS, 134) => known
            .filter(|clue| *clue != Clue::Alert(INTERNAL_ERROR))
            .map_or("certificate_verify_failed", Clue::reason),
        (BORINGSSL_ERRORS, 184) | (OPENSSL_ERRORS, 193) => "no_shared_cipher",
        (BORINGSSL_ERRORS, 240) | (OPENSSL_ERRORS, 258) => "protocol_version",
        (BORINGSSL_ERRORS, 247) | (OPENSSL_ERRORS, 267) => "wrong_version_number",
        (BORINGSSL_ERRORS | OPENSSL_ERRORS, 156) => "http_request",
        (BORINGSSL_ERRORS, 253) | (OPENSSL_ERRORS, 118 | 376) => "no_shared_signature_algorithm",
        (BORINGSSL_ERRORS, 266) | (OPENSSL_ERRORS, 101 | 295) => "no_shared_group",
        (BORINGSSL_ERRORS, 192) | (OPENSSL_ERRORS, 199) => "peer_gave_no_certificate",
        (OPENSSL_ERRORS, 234) => "refused_by_server_name",
        (OPENSSL_ERRORS, 235) => "no_application_protocol",
        (OPENSSL_ERRORS, 294) => "closed",
        _ => "other",
    }
}

/// The name of an alert.
fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        116 => "certificate_required",
        120 => "no_application_protocol",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
