//! The ClientHello (RFC 8446 section 4.1.2).

use bytes::{Buf, Bytes};

/// Type of the handshake message.
pub(super) const CLIENT_HELLO: u8 = 1;
/// Extension: server name (RFC 6066 section 3).
const SERVER_NAME: u16 = 0;
/// Extension: protocols of the application (RFC 7301).
const ALPN: u16 = 16;
/// Longest name of a host (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 255;
/// Protocols that are kept, at most: clients offer two or three.
const MAX_PROTOCOLS: usize = 16;

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHello {
    /// Its random bytes: whoever passes the connection on unchanged passes these on.
    pub random: [u8; 32],
    /// Name of the server, lower case; `None` if the client names none, or no name that a host can have.
    pub server_name: Option<String>,
    /// The protocols it offers, in its order.
    pub protocols: Vec<Bytes>,
}

impl ClientHello {
    /// Reads the message, without its type and length. `None` if it is malformed.
    #[must_use]
    pub fn parse(mut message: Bytes) -> Option<Self> {
        take(&mut message, 2)?;
        let random = take(&mut message, 32)?.first_chunk().copied()?;
        vector_8(&mut message)?;
        vector_16(&mut message)?;
        vector_8(&mut message)?;
        let mut hello = Self {
            random,
            server_name: None,
            protocols: Vec::new(),
        };
        if message.is_empty() {
            return Some(hello);
        }
        let mut extensions = vector_16(&mut message)?;
        while !extensions.is_empty() {
            let kind = extensions.try_get_u16().ok()?;
            let body = vector_16(&mut extensions)?;
            match kind {
                SERVER_NAME => hello.server_name = server_name(body),
                ALPN => hello.protocols = protocols(body)?,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// The first name of type `host_name`.
fn server_name(mut body: Bytes) -> Option<String> {
    const HOST_NAME: u8 = 0;
    let mut names = vector_16(&mut body)?;
    let kind = names.try_get_u8().ok()?;
    let name = vector_16(&mut names)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_host = kind == HOST_NAME && (1..=MAX_NAME).contains(&name.len()) && name.iter().all(is_name);
    is_host.then(|| String::from_utf8_lossy(&name).to_ascii_lowercase())
}

fn protocols(mut body: Bytes) -> Option<Vec<Bytes>> {
    let mut list = vector_16(&mut body)?;
    let mut found = Vec::new();
    while !list.is_empty() && found.len() < MAX_PROTOCOLS {
        found.push(vector_8(&mut list)?);
    }
    Some(found)
}

fn vector_8(input: &mut Bytes) -> Option<Bytes> {
    let length = input.try_get_u8().ok()?;
    take(input, usize::from(length))
}

fn vector_16(input: &mut Bytes) -> Option<Bytes> {
    let length = input.try_get_u16().ok()?;
    take(input, usize::from(length))
}

fn take(input: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= input.len()).then(|| input.split_to(length))
}
