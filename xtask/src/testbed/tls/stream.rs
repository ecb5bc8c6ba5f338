//! Bytes to and from a peer, in the clear or in TLS.

use super::SERVER_NAME;
use super::unchecked::Unchecked;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// How a client begins TLS.
#[derive(Debug, Clone)]
pub struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Handshake {
    /// Asks for [`SERVER_NAME`].
    pub fn new(config: ClientConfig) -> io::Result<Self> {
        Ok(Self {
            config: Arc::new(config),
            name: server_name(SERVER_NAME)?,
        })
    }

    /// Asks for [`SERVER_NAME`], and takes whatever certificate comes.
    pub fn unchecked() -> io::Result<Self> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unchecked::new()))
            .with_no_client_auth();
        Self::new(config)
    }

    /// Asks for another server.
    pub fn server(&self, name: &str) -> io::Result<Self> {
        Ok(Self {
            config: Arc::clone(&self.config),
            name: server_name(name)?,
        })
    }
}

fn server_name(name: &str) -> io::Result<ServerName<'static>> {
    ServerName::try_from(name.to_owned()).map_err(io::Error::other)
}

/// A connection's bytes.
pub enum Stream {
    /// As they are.
    Plain(TcpStream),
    /// In TLS, as its client.
    Client(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// In TLS, as its server.
    Server(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Stream {
    /// Shakes hands as a client.
    pub fn client(mut socket: TcpStream, handshake: &Handshake) -> io::Result<Self> {
        let config = Arc::clone(&handshake.config);
        let mut tls = ClientConnection::new(config, handshake.name.clone()).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self::Client(Box::new(StreamOwned::new(tls, socket))))
    }

    /// Shakes hands as a server.
    pub fn server(mut socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        let mut tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)?;
        }
        Ok(Self::Server(Box::new(StreamOwned::new(tls, socket))))
    }

    /// The socket below.
    pub fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Client(tls) => &tls.sock,
            Self::Server(tls) => &tls.sock,
        }
    }

    /// Says that nothing more will be written.
    pub fn finish_writing(&mut self) -> io::Result<()> {
        self.say_goodbye()?;
        self.socket().shutdown(Shutdown::Write)
    }

    /// The alert that a TLS connection ends with (RFC 8446 section 6.1).
    fn say_goodbye(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => return Ok(()),
            Self::Client(tls) => tls.conn.send_close_notify(),
            Self::Server(tls) => tls.conn.send_close_notify(),
        }
        self.flush()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Whoever is at the other end may have gone.
        let _ = self.say_goodbye();
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Client(tls) => tls.read(buffer),
            Self::Server(tls) => tls.read(buffer),
        };
        match result {
            // A peer that closes without that alert has closed.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            result => result,
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Client(tls) => tls.write(bytes),
            Self::Server(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Client(tls) => tls.flush(),
            Self::Server(tls) => tls.flush(),
        }
    }
}
