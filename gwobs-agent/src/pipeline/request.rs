//! Heads as the engine wants them: text, borrowed.

use std::borrow::Cow;

use gwobs_http::{Field, RequestHead, Unknown, Version, text};
use gwobs_route::{HeaderField, Request};

use crate::exchange::Connection;

/// The text of a message's fields; invalid UTF-8 becomes U+FFFD.
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    pub(crate) fn of(fields: &'a [Field]) -> Self {
        Self(
            fields
                .iter()
                .map(|field| (text(&field.name), text(&field.value)))
                .collect(),
        )
    }

    pub(crate) fn borrowed(&self) -> Vec<HeaderField<'_>> {
        self.0.iter().map(|(name, value)| HeaderField { name, value }).collect()
    }
}

/// The text of a request's target.
pub(crate) struct Target<'a> {
    method: Cow<'a, str>,
    authority: Option<Cow<'a, str>>,
    path: Option<Cow<'a, str>>,
    /// Server name of the connection's TLS handshake.
    sni: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) fn of(head: &'a RequestHead) -> Self {
        Self {
            method: method_of(head),
            authority: head.authority.as_ref().map(|authority| text(authority)),
            path: head.path.as_ref().map(|path| text(path)),
            sni: None,
        }
    }

    /// The target on the client's side of the gateway.
    pub(super) fn received(head: &'a RequestHead, on: &'a Connection) -> Self {
        let sni = on.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
        Self::of(head).with_sni(sni)
    }

    /// The same over TLS with this server name.
    pub(crate) fn with_sni(self, sni: Option<&'a str>) -> Self {
        Self { sni, ..self }
    }

    /// The same, with what is unknown of it as it is in `other`.
    pub(super) fn or_as_in(self, other: &Self, unknown: Unknown) -> Self {
        Self {
            method: self.method,
            authority: if unknown.authority {
                other.authority.clone()
            } else {
                self.authority
            },
            path: if unknown.path { other.path.clone() } else { self.path },
            sni: self.sni,
        }
    }

    /// The request with these header fields.
    pub(crate) fn with<'b>(&'b self, headers: &'b [HeaderField<'b>]) -> Request<'b> {
        Request {
            method: &self.method,
            authority: self.authority.as_deref(),
            path: self.path.as_deref(),
            headers,
            sni: self.sni,
        }
    }

    /// The authority without the mark that Envoy puts on the host of a mirrored request (`-shadow`); `None` if it has
    /// none.
    pub(super) fn without_shadow(&self) -> Option<Self> {
        let authority = self.authority.as_deref()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, Some(port)),
            _ => (authority, None),
        };
        let host = host.strip_suffix("-shadow")?;
        let authority = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Some(Self {
            method: self.method.clone(),
            authority: Some(authority.into()),
            path: self.path.clone(),
            sni: self.sni,
        })
    }

    /// The last element of the path, without query.
    pub(super) fn last_element(&self) -> Option<&str> {
        self.path.as_deref()?.split('?').next()?.rsplit('/').next()
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }
}

/// Extended CONNECT is what HTTP/1 asks for by GET with Upgrade, and gateways route it as that (RFC 8441 section 5).
fn method_of(head: &RequestHead) -> Cow<'_, str> {
    let has_path = head.path.is_some() || head.unknown.path;
    match head.version == Version::H2 && head.method == "CONNECT" && has_path {
        true => "GET".into(),
        false => text(&head.method),
    }
}
