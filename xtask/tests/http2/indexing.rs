//! A client that puts every field into the dynamic table, paths too, as Go's does.

use std::collections::VecDeque;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, Result};
use xtask::testbed::client::{Answer, Exchange};
use xtask::testbed::http2::with_id;
use xtask::testbed::traffic::{Case, Request};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What both ends use if nobody says otherwise (RFC 9113 section 6.5.2).
const TABLE: usize = 4096;

/// One connection, one request at a time.
pub(crate) struct IndexingClient {
    stream: TcpStream,
    table: Table,
    decoder: loona_hpack::Decoder<'static>,
    next: u32,
    count: usize,
}

impl IndexingClient {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&[PREFACE, &frame(4, 0, 0, b""), &frame(8, 0, 0, &[0x3f, 0, 0, 0])].concat())?;
        Ok(Self {
            stream,
            table: Table::default(),
            decoder: loona_hpack::Decoder::new(),
            next: 1,
            count: 0,
        })
    }

    pub(crate) fn run(&mut self, cases: &[Case]) -> Vec<Exchange> {
        cases.iter().map(|case| self.exchange(case)).collect()
    }

    fn exchange(&mut self, case: &Case) -> Exchange {
        let id = format!("indexing-{:p}-{:08}", self, self.count);
        self.count += 1;
        let answer = self
            .send(&case.request, &with_id(&case.request.target, &id))
            .map_err(|error| error.to_string());
        Exchange {
            id,
            request: case.request.clone(),
            due: case.due.clone(),
            answer,
        }
    }

    fn send(&mut self, request: &Request, target: &str) -> Result<Answer> {
        let stream = self.next;
        self.next += 2;
        let section = self.table.encode(&[
            (":method", &request.method),
            (":scheme", "http"),
            (":path", target),
            (":authority", &request.host),
            ("user-agent", "indexing"),
        ]);
        self.stream.write_all(&frame(1, 0x5, stream, &section))?;
        self.receive(stream)
    }

    fn receive(&mut self, stream: u32) -> Result<Answer> {
        let (mut head, mut body_bytes) = (Vec::new(), 0);
        loop {
            let mut header = [0; 9];
            self.stream.read_exact(&mut header)?;
            let [a, b, c, kind, flags, of @ ..] = header;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.stream.read_exact(&mut payload)?;
            match kind {
                0 => body_bytes += payload.len(),
                1 => head = self.decoder.decode(&payload).ok().context("a broken header section")?,
                4 if flags & 1 == 0 => self.stream.write_all(&frame(4, 1, 0, b""))?,
                _ => {}
            }
            if kind < 2 && flags & 1 == 1 && u32::from_be_bytes(of) == stream {
                break;
            }
        }
        let text = |name: &str| {
            let field = head.iter().find(|(own, _)| own == name.as_bytes());
            field.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        };
        Ok(Answer {
            status: text(":status").context("no status")?.parse()?,
            backend: text("x-backend"),
            endpoint: text("x-endpoint"),
            echo: None,
            location: text("location"),
            body_bytes,
        })
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The dynamic table of the encoder (RFC 7541 section 2.3.2), newest entry first.
#[derive(Default)]
struct Table {
    entries: VecDeque<(String, String)>,
    size: usize,
}

impl Table {
    fn encode(&mut self, pairs: &[(&str, &str)]) -> Vec<u8> {
        let mut section = Vec::new();
        for (name, value) in pairs {
            match self.entries.iter().position(|(n, v)| n == name && v == value) {
                Some(index) => section.extend(integer(0x80, 7, index + 62)),
                None => {
                    section.push(0x40);
                    for text in [name, value] {
                        section.extend(integer(0, 7, text.len()));
                        section.extend(text.bytes());
                    }
                    self.add(name, value);
                }
            }
        }
        section
    }

    fn add(&mut self, name: &str, value: &str) {
        self.size += name.len() + value.len() + 32;
        self.entries.push_front((name.to_owned(), value.to_owned()));
        while self.size > TABLE
            && let Some((name, value)) = self.entries.pop_back()
        {
            self.size -= name.len() + value.len() + 32;
        }
    }
}

/// RFC 7541 section 5.1.
fn integer(flags: u8, bits: u32, value: usize) -> Vec<u8> {
    let most = (1_usize << bits) - 1;
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    if value < most {
        return vec![flags | byte(value)];
    }
    let (mut bytes, mut rest) = (vec![flags | byte(most)], value - most);
    while rest >= 128 {
        bytes.push(byte(rest % 128) | 0x80);
        rest /= 128;
    }
    bytes.push(byte(rest));
    bytes
}
