//! URLs as people type them, taken as they are: nothing is normalised, since that is what gateways differ in.

use gwobs_route::WireProtocol;

use super::question::default_port;

#[cfg(test)]
mod tests;

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Of its scheme.
    pub(super) protocol: WireProtocol,
    /// Its own, else that of its scheme.
    pub(super) port: u16,
    /// Host, with the port if it is given.
    pub(super) authority: Option<String>,
    /// Path with query, `/` if there is none.
    pub(super) path: String,
    tls: bool,
}

/// A URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadUrl {
    /// The scheme is not known.
    #[error("the scheme must be http, https, grpc, grpcs, tls, tcp or udp, not `{0}`")]
    Scheme(String),
    /// The port is not a port.
    #[error("`{0}` is not a port")]
    Port(String),
}

impl Target {
    /// Reads a URL; one that starts with `/` has no host.
    pub(super) fn parse(url: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (protocol, tls) = protocol(scheme)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // User information and fragments are for the client alone (RFC 9110 section 4.2.4, RFC 3986 section 3.5).
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let path = path.split('#').next().unwrap_or_default();
        Ok(Self {
            protocol,
            port: port(authority)?.unwrap_or_else(|| if tls { 443 } else { default_port(protocol) }),
            authority: Some(authority).filter(|host| !host.is_empty()).map(str::to_owned),
            path: if path.starts_with('/') {
                path.to_owned()
            } else {
                format!("/{path}")
            },
            tls,
        })
    }

    /// True if the client ends up in a TLS handshake.
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host without its port, if it is a name: addresses are not sent in a handshake (RFC 6066 section 3).
    pub(super) fn host_name(&self) -> Option<&str> {
        let authority = self.authority.as_deref()?;
        let host = authority.split(':').next()?;
        (!authority.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err()).then_some(host)
    }
}

fn protocol(scheme: &str) -> Result<(WireProtocol, bool), BadUrl> {
    match scheme.to_ascii_lowercase().as_str() {
        "http" => Ok((WireProtocol::Http, false)),
        "https" => Ok((WireProtocol::Https, true)),
        "grpc" => Ok((WireProtocol::Grpc, false)),
        "grpcs" => Ok((WireProtocol::Grpc, true)),
        "tls" => Ok((WireProtocol::Tls, true)),
        "tcp" => Ok((WireProtocol::Tcp, false)),
        "udp" => Ok((WireProtocol::Udp, false)),
        _ => Err(BadUrl::Scheme(scheme.to_owned())),
    }
}

fn port(authority: &str) -> Result<Option<u16>, BadUrl> {
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let rest = authority.get(after_host..).unwrap_or_default();
    let Some((_, text)) = rest.split_once(':').filter(|(_, text)| !text.is_empty()) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(port) if port > 0 => Ok(Some(port)),
        _ => Err(BadUrl::Port(text.to_owned())),
    }
}

/// `NAME: VALUE`, the name in lower case.
pub(super) fn header(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
        _ => Err("expected NAME: VALUE, for example 'x-tenant: a'"),
    }
}
