//! As much HTTP/1.1 as the testbed's own clients and backends speak. The data plane between them is the real thing; this
//! is not gwobs's parser, so that the two cannot share a mistake.

use super::proxy_protocol::{self, Version};
use super::tls::{Handshake, Stream};
use rustls::ServerConfig;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A head longer than this is not the testbed's.
const MAX_HEAD: usize = 64 * 1024;
/// No answer within this time fails the test instead of hanging it.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A start line and header fields.
#[derive(Debug, Clone)]
pub struct Head {
    /// The start line's three parts.
    pub start: [String; 3],
    /// Names in lower case, in order.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(candidate, _)| candidate == name)
            .map(|(_, value)| value.as_str())
    }

    fn parse(bytes: &[u8]) -> io::Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|_| invalid("head is not UTF-8"))?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().splitn(3, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let start = [word(), word(), word()];
        let fields = lines.filter_map(|line| line.split_once(':'));
        let headers = fields
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Ok(Self { start, headers })
    }
}

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After the last chunk.
    Chunked,
    /// With the connection.
    UntilClose,
}

impl Framing {
    /// A request's framing.
    pub fn of_request(head: &Head) -> Self {
        Self::declared(head).unwrap_or(Self::Length(0))
    }

    /// A response's framing, which depends on the request's method.
    pub fn of_response(head: &Head, method: &str) -> Self {
        let [_, status, _] = &head.start;
        if method == "HEAD" || matches!(status.as_str(), "101" | "204" | "304") {
            return Self::Length(0);
        }
        Self::declared(head).unwrap_or(Self::UntilClose)
    }

    fn declared(head: &Head) -> Option<Self> {
        if head
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            return Some(Self::Chunked);
        }
        head.header("content-length")
            .and_then(|value| value.parse().ok())
            .map(Self::Length)
    }
}

/// A connection with what was read ahead.
pub struct Connection {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Connection {
    /// A new connection to `address`.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        Self::over(TcpStream::connect(address)?)
    }

    /// A new connection that begins with a PROXY protocol header of its own addresses.
    pub fn open_announced(address: SocketAddr, version: Version) -> io::Result<Self> {
        let mut connection = Self::open(address)?;
        let source = connection.stream.socket().local_addr()?;
        connection.write(&proxy_protocol::header(version, source, address))?;
        Ok(connection)
    }

    /// An accepted connection.
    pub fn over(socket: TcpStream) -> io::Result<Self> {
        prepare(&socket)?;
        Ok(Self::on(Stream::Plain(socket)))
    }

    /// An accepted connection that begins with a TLS handshake.
    pub fn over_tls(socket: TcpStream, config: &Arc<ServerConfig>) -> io::Result<Self> {
        prepare(&socket)?;
        Stream::server(socket, config).map(Self::on)
    }

    /// Goes on in TLS, after its handshake.
    pub fn into_tls(self, handshake: &Handshake) -> io::Result<Self> {
        let socket = self.stream.socket().try_clone()?;
        Stream::client(socket, handshake).map(Self::on)
    }

    fn on(stream: Stream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The stream, for another protocol that both sides have agreed on; nothing that came may be unread.
    pub fn into_stream(self) -> io::Result<Stream> {
        match self.buffer.is_empty() {
            true => Ok(self.stream),
            false => Err(invalid("more came than was asked for")),
        }
    }

    /// Waits for the next message's head as long as the peer likes; `None` when it closes instead.
    pub fn next_head(&mut self) -> io::Result<Option<Head>> {
        self.stream.socket().set_read_timeout(None)?;
        if self.buffer.is_empty() && self.fill()? == 0 {
            return Ok(None);
        }
        self.stream.socket().set_read_timeout(Some(TIMEOUT))?;
        self.read_head().map(Some)
    }

    /// Reads a head that is due.
    pub fn read_head(&mut self) -> io::Result<Head> {
        let mut searched = 0;
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n", searched) {
                let bytes = self.take(end + 4);
                return Head::parse(bytes.get(..end).unwrap_or_default());
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(invalid("head too long"));
            }
            searched = self.buffer.len().saturating_sub(3);
            self.fill_some()?;
        }
    }

    /// Reads a whole body.
    pub fn read_body(&mut self, framing: Framing) -> io::Result<Vec<u8>> {
        match framing {
            Framing::Length(length) => self.read_exactly(length),
            Framing::Chunked => self.read_chunks(),
            Framing::UntilClose => {
                while self.fill()? > 0 {}
                Ok(std::mem::take(&mut self.buffer))
            }
        }
    }

    /// Writes all bytes at once.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// Reads a PROXY protocol header, which must be there.
    pub fn read_proxy_header(&mut self) -> io::Result<()> {
        self.stream.socket().set_read_timeout(None)?;
        loop {
            if let Some(length) = proxy_protocol::length(&self.buffer)?.filter(|length| *length <= self.buffer.len()) {
                self.take(length);
                return Ok(());
            }
            self.fill_some()?;
        }
    }

    /// Sends back what comes until the peer closes.
    pub fn echo(&mut self) -> io::Result<()> {
        while !self.buffer.is_empty() || self.fill()? > 0 {
            let bytes = std::mem::take(&mut self.buffer);
            self.write(&bytes)?;
        }
        Ok(())
    }

    /// Says that nothing more will be written.
    pub fn finish_writing(&mut self) -> io::Result<()> {
        self.stream.finish_writing()
    }

    fn read_chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.read_line()?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(|_| invalid("chunk size"))?;
            body.extend(self.read_exactly(length)?);
            self.read_line()?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    fn read_line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n", 0) {
                let bytes = self.take(end + 2);
                return Ok(String::from_utf8_lossy(&bytes).into_owned());
            }
            self.fill_some()?;
        }
    }

    /// Reads so many bytes.
    pub fn read_exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.fill_some()?;
        }
        Ok(self.take(length))
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    fn fill_some(&mut self) -> io::Result<()> {
        if self.fill()? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "closed in the middle of a message",
            ));
        }
        Ok(())
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16 * 1024];
        let count = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(count)
    }
}

fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))
}

fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let tail = haystack.get(from..)?;
    tail.windows(needle.len())
        .position(|window| window == needle)
        .map(|position| position + from)
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
