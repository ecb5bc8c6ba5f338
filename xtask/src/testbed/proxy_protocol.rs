//! The PROXY protocol, as clients' load balancers write it and backends read it (haproxy.org, `proxy-protocol.txt`).

use std::io;
use std::net::{IpAddr, SocketAddr};

/// The twelve bytes that version 2 begins with (section 2.2).
pub(super) const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Which form of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

/// Where a testbed speaks it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProxyProtocol {
    /// What clients begin their connections with.
    pub from_clients: Option<Version>,
    /// What the data plane begins its connections to backends with.
    pub to_backends: Option<Version>,
}

/// The header that says a connection comes from `source` and went to `destination`; both of one family.
pub(super) fn header(version: Version, source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    match version {
        Version::V1 => text(source, destination).into_bytes(),
        Version::V2 => binary(source, destination),
    }
}

fn text(source: SocketAddr, destination: SocketAddr) -> String {
    let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
    format!(
        "PROXY {family} {} {} {} {}\r\n",
        source.ip(),
        destination.ip(),
        source.port(),
        destination.port()
    )
}

fn binary(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let (family, length): (u8, u16) = if source.is_ipv4() { (0x11, 12) } else { (0x21, 36) };
    let mut bytes = SIGNATURE.to_vec();
    bytes.extend([0x21, family]);
    bytes.extend(length.to_be_bytes());
    for ip in [source.ip(), destination.ip()] {
        match ip {
            IpAddr::V4(ip) => bytes.extend(ip.octets()),
            IpAddr::V6(ip) => bytes.extend(ip.octets()),
        }
    }
    bytes.extend(source.port().to_be_bytes());
    bytes.extend(destination.port().to_be_bytes());
    bytes
}

/// How many bytes the header at the start of `bytes` has; none while more must be read, an error where there is none.
pub(super) fn length(bytes: &[u8]) -> io::Result<Option<usize>> {
    if SIGNATURE.starts_with(bytes) {
        return Ok(None);
    }
    if bytes.starts_with(SIGNATURE) {
        let length = bytes.get(14..16).and_then(|length| length.try_into().ok());
        return Ok(length.map(|length| 16 + usize::from(u16::from_be_bytes(length))));
    }
    if bytes.starts_with(b"PROXY ") || b"PROXY ".starts_with(bytes) {
        let end = bytes.windows(2).position(|pair| pair == b"\r\n");
        return Ok(end.map(|end| end + 2));
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "no PROXY protocol header"))
}

#[cfg(test)]
mod tests;
