//! Clients that send requests in all the ways that clients do, and remember who answered.

use super::backend::ID;
use super::http::{Connection, Framing, Head};
use super::proxy_protocol::Version;
use super::tls::Handshake;
use super::traffic::{Body, Case, Due, Request};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The query parameter that carries an id when it is not in a header.
pub const ID_QUERY: &str = "testbed-id";

/// How long a gateway may refuse connections because it restarts.
const RESTART: Duration = Duration::from_secs(10);

/// Where a request carries its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// In the header [`ID`].
    Header,
    /// In the query, as [`ID_QUERY`].
    Query,
    /// Nowhere: nothing tells equal requests apart.
    None,
}

/// How bytes are put on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// In one write.
    Whole,
    /// The head byte by byte with a pause after each.
    ByteByByte(Duration),
}

/// How a series of requests is sent.
#[derive(Debug, Clone)]
pub struct Client {
    address: SocketAddr,
    concurrency: usize,
    per_connection: usize,
    pipeline: usize,
    pace: Pace,
    mark: Mark,
    proxy_protocol: Option<Version>,
    tls: Option<Handshake>,
    keeps_echo: bool,
}

/// A request, what was due to it, and what came.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The id it carried, or would have carried.
    pub id: String,
    /// The request.
    pub request: Request,
    /// What was due.
    pub due: Due,
    /// What came; an error when no whole answer did.
    pub answer: Result<Answer, String>,
}

/// A response as the client got it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// The backend that gave it; none when the gateway answered by itself.
    pub backend: Option<String>,
    /// That backend's endpoint.
    pub endpoint: Option<String>,
    /// The request as the backend received it, where the body still holds it.
    pub echo: Option<Value>,
    /// Where a redirect leads.
    pub location: Option<String>,
    /// Body bytes.
    pub body_bytes: usize,
}

impl Client {
    /// One request at a time on one connection that is kept, ids in a header.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            concurrency: 1,
            per_connection: usize::MAX,
            pipeline: 1,
            pace: Pace::Whole,
            mark: Mark::Header,
            proxy_protocol: None,
            tls: None,
            keeps_echo: true,
        }
    }

    /// The address it talks to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// So many connections at once.
    pub fn concurrency(&self, concurrency: usize) -> Self {
        Self {
            concurrency,
            ..self.clone()
        }
    }

    /// A new connection after so many requests; 1 means no keep-alive.
    pub fn per_connection(&self, per_connection: usize) -> Self {
        Self {
            per_connection,
            ..self.clone()
        }
    }

    /// So many requests in one write before the first answer is read.
    pub fn pipeline(&self, pipeline: usize) -> Self {
        Self {
            pipeline,
            ..self.clone()
        }
    }

    /// How heads are written.
    pub fn pace(&self, pace: Pace) -> Self {
        Self { pace, ..self.clone() }
    }

    /// Where ids are carried.
    pub fn mark(&self, mark: Mark) -> Self {
        Self { mark, ..self.clone() }
    }

    /// Forgets what the backends received: a hundred thousand of them fill the memory.
    pub fn without_echo(&self) -> Self {
        Self {
            keeps_echo: false,
            ..self.clone()
        }
    }

    /// What every connection begins with.
    pub fn proxy_protocol(&self, proxy_protocol: Option<Version>) -> Self {
        Self {
            proxy_protocol,
            ..self.clone()
        }
    }

    /// How every connection begins TLS, after that.
    pub fn tls(&self, tls: Option<Handshake>) -> Self {
        Self { tls, ..self.clone() }
    }

    /// Sends all cases and returns what became of them, in the order of the cases.
    pub fn run(&self, cases: &[Case]) -> Result<Vec<Exchange>> {
        let connections = (0..self.concurrency).map(|_| None).collect();
        self.run_over(connections, cases)
    }

    /// The same over connections that were opened before; further ones are opened when they are used up.
    pub fn run_over(&self, connections: Vec<Option<Connection>>, cases: &[Case]) -> Result<Vec<Exchange>> {
        let next = AtomicUsize::new(0);
        let finished = Mutex::new(Vec::with_capacity(cases.len()));
        std::thread::scope(|scope| {
            let workers: Vec<_> = connections
                .into_iter()
                .map(|connection| scope.spawn(|| self.work(connection, cases, &next, &finished)))
                .collect();
            workers.into_iter().try_for_each(|worker| match worker.join() {
                Ok(result) => result.context("a client cannot connect"),
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        let mut finished = finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        finished.sort_by_key(|(index, _)| *index);
        Ok(finished.into_iter().map(|(_, exchange)| exchange).collect())
    }

    /// One connection for requests sent one at a time.
    pub fn open(&self) -> io::Result<Session> {
        Ok(Session {
            client: self.clone(),
            connection: self.connect()?,
        })
    }

    /// A new connection, nothing sent on it yet but what every connection begins with. A gateway that is just being
    /// restarted refuses for a while.
    pub fn connect(&self) -> io::Result<Connection> {
        let deadline = Instant::now() + RESTART;
        loop {
            match self.try_connect() {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result,
            }
        }
    }

    fn try_connect(&self) -> io::Result<Connection> {
        let connection = match self.proxy_protocol {
            Some(version) => Connection::open_announced(self.address, version),
            None => Connection::open(self.address),
        }?;
        match &self.tls {
            Some(handshake) => connection.into_tls(handshake),
            None => Ok(connection),
        }
    }

    /// One request on a connection of its own, written by `send`; also returns the connection.
    pub fn by_hand(
        &self,
        case: &Case,
        send: impl FnOnce(&mut Connection, &Request) -> io::Result<()>,
    ) -> io::Result<(Exchange, Connection)> {
        let mut connection = self.connect()?;
        let (id, request) = self.marked(&case.request);
        let sent = send(&mut connection, &request);
        // A gateway may answer before it has read everything, and close.
        let answer = match read_answer(&mut connection, &request.method) {
            Ok((answer, _)) => Ok(answer),
            Err(error) => Err(sent.err().unwrap_or(error).to_string()),
        };
        let due = case.due.clone();
        let exchange = Exchange {
            id,
            request,
            due,
            answer,
        };
        Ok((exchange, connection))
    }

    /// Takes the next requests until none is left.
    fn work(
        &self,
        mut connection: Option<Connection>,
        cases: &[Case],
        next: &AtomicUsize,
        finished: &Mutex<Vec<(usize, Exchange)>>,
    ) -> io::Result<()> {
        let mut used = 0;
        loop {
            let first = next.fetch_add(self.pipeline, Ordering::Relaxed);
            let Some(batch) = cases
                .get(first..cases.len().min(first + self.pipeline))
                .filter(|batch| !batch.is_empty())
            else {
                return Ok(());
            };
            let mut open = match connection.take().filter(|_| used < self.per_connection) {
                Some(open) => open,
                None => {
                    used = 0;
                    self.connect()?
                }
            };
            let (exchanges, usable) = self.exchange(&mut open, batch);
            used += batch.len();
            connection = usable.then_some(open);
            let numbered = exchanges
                .into_iter()
                .enumerate()
                .map(|(offset, exchange)| (first + offset, exchange));
            finished.lock().unwrap_or_else(PoisonError::into_inner).extend(numbered);
        }
    }

    /// Sends a batch and reads its answers; also says whether the connection can be used again.
    fn exchange(&self, connection: &mut Connection, batch: &[Case]) -> (Vec<Exchange>, bool) {
        let marked: Vec<(String, Request)> = batch.iter().map(|case| self.marked(&case.request)).collect();
        let mut failed = self.send(connection, &marked).err().map(|error| error.to_string());
        let mut exchanges = Vec::with_capacity(batch.len());
        let mut usable = failed.is_none();
        for (case, (id, request)) in batch.iter().zip(marked) {
            let answer = match &failed {
                Some(error) => Err(error.clone()),
                None => read_answer(connection, &request.method).map_err(|error| error.to_string()),
            };
            let answer = answer.map(|(answer, keep_alive)| {
                usable &= keep_alive;
                Answer {
                    echo: answer.echo.filter(|_| self.keeps_echo),
                    ..answer
                }
            });
            failed = answer.as_ref().err().cloned();
            exchanges.push(Exchange {
                id,
                request,
                due: case.due.clone(),
                answer,
            });
        }
        (exchanges, usable && failed.is_none())
    }

    fn send(&self, connection: &mut Connection, batch: &[(String, Request)]) -> io::Result<()> {
        match self.pace {
            Pace::Whole => connection.write(&batch.iter().flat_map(|(_, request)| wire(request)).collect::<Vec<u8>>()),
            Pace::ByteByByte(pause) => batch.iter().try_for_each(|(_, request)| {
                for byte in head(request).bytes() {
                    connection.write(&[byte])?;
                    std::thread::sleep(pause);
                }
                connection.write(&body(request.body))
            }),
        }
    }

    /// The request with a new id.
    fn marked(&self, request: &Request) -> (String, Request) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // As long as the ids that real clients make.
        let id = format!("request-{:016}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut request = request.clone();
        match self.mark {
            Mark::Header => request.headers.push((ID.to_owned(), id.clone())),
            Mark::Query => {
                let separator = if request.target.contains('?') { '&' } else { '?' };
                request.target.push_str(&format!("{separator}{ID_QUERY}={id}"));
            }
            Mark::None => {}
        }
        (id, request)
    }
}

/// An open connection of a client.
pub struct Session {
    client: Client,
    connection: Connection,
}

impl Session {
    /// Sends one request and waits for its answer.
    pub fn send(&mut self, case: &Case) -> Result<Answer, String> {
        let (mut exchanges, _) = self.client.exchange(&mut self.connection, std::slice::from_ref(case));
        exchanges
            .pop()
            .map_or_else(|| Err("not sent".to_owned()), |exchange| exchange.answer)
    }
}

/// A request as bytes.
pub fn wire(request: &Request) -> Vec<u8> {
    let mut bytes = head(request).into_bytes();
    bytes.extend(body(request.body));
    bytes
}

/// A request's head as text.
pub fn head(request: &Request) -> String {
    let Request {
        method,
        target,
        host,
        headers,
        ..
    } = request;
    let fields: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let framing = match request.body {
        Body::None => String::new(),
        Body::Length(length) => format!("content-length: {length}\r\n"),
        Body::Chunked(_) => "transfer-encoding: chunked\r\n".to_owned(),
    };
    format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\n{fields}{framing}\r\n")
}

/// Body bytes that would be taken for a request by a parser that lost its place.
pub fn body(body: Body) -> Vec<u8> {
    const TRAP: &[u8] = b"GET /trap HTTP/1.1\r\nhost: trap\r\n\r\n";
    let filled = |length: usize| TRAP.iter().copied().cycle().take(length).collect::<Vec<u8>>();
    match body {
        Body::None => Vec::new(),
        Body::Length(length) => filled(length),
        Body::Chunked(0) => b"0\r\n\r\n".to_vec(),
        Body::Chunked(length) => {
            let mut bytes = format!("{length:x}\r\n").into_bytes();
            bytes.extend(filled(length));
            bytes.extend_from_slice(b"\r\n0\r\n\r\n");
            bytes
        }
    }
}

/// Reads one answer, and whether the connection stays open after it.
fn read_answer(connection: &mut Connection, method: &str) -> io::Result<(Answer, bool)> {
    let mut head = connection.read_head()?;
    while head.start[1] == "100" {
        head = connection.read_head()?;
    }
    let framing = Framing::of_response(&head, method);
    let body = connection.read_body(framing)?;
    let closes = head
        .header("connection")
        .is_some_and(|value| value.eq_ignore_ascii_case("close"));
    Ok((answer(&head, &body), !closes && framing != Framing::UntilClose))
}

fn answer(head: &Head, body: &[u8]) -> Answer {
    let echo: Option<Value> = serde_json::from_slice(body).ok();
    // Traefik 3.7 loses the headers of an answer to a retry, but not its body.
    let echoed = |name| echo.as_ref()?.get(name)?.as_str();
    let told = |header, field| head.header(header).or_else(|| echoed(field)).map(str::to_owned);
    let [_, status, _] = &head.start;
    Answer {
        status: status.parse().unwrap_or(0),
        backend: told("x-backend", "backend"),
        endpoint: told("x-endpoint", "endpoint"),
        location: head.header("location").map(str::to_owned),
        echo,
        body_bytes: body.len(),
    }
}
