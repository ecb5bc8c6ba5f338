//! Backends that say who they are and what they received.
//!
//! Every answer carries `x-backend` and `x-endpoint`; its body is a JSON object with the request as it arrived. A request
//! can ask for a behaviour in the header [`INSTRUCTIONS`].

mod instructions;

use super::http::{Connection, Framing, Head};
use super::network::Network;
use anyhow::{Context as _, Result};
pub use instructions::INSTRUCTIONS;
use instructions::Instructions;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The header that carries a request's id, so that backends can count its attempts.
pub const ID: &str = "x-testbed-id";
/// Serving needs little: heads are on the heap.
const STACK: usize = 256 * 1024;
/// How often a service with several endpoints looks for a port that is free on all of them.
const PORT_ATTEMPTS: u32 = 20;

/// All backends of a testbed.
pub struct Backends(Vec<Backend>);

impl Backends {
    /// Starts one backend for each name, each endpoint on an address of its own.
    pub fn start(names: &BTreeSet<String>, endpoints: usize, network: &Network) -> Result<Self> {
        let mut free = 0..=u8::MAX;
        let mut backends = Vec::new();
        for name in names {
            let addresses = free
                .by_ref()
                .take(endpoints)
                .map(|index| network.endpoint(index))
                .collect::<Vec<_>>();
            backends.push(Backend::start(name, &addresses)?);
        }
        Ok(Self(backends))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.0.iter()
    }

    /// How many requests each backend has received, by name.
    pub fn received(&self) -> HashMap<String, u64> {
        self.iter()
            .map(|backend| (backend.name().to_owned(), backend.received()))
            .collect()
    }

    /// The backend that has this endpoint.
    pub fn owner(&self, endpoint: SocketAddr) -> Option<&str> {
        self.iter()
            .find(|backend| backend.endpoints().any(|own| own == endpoint))
            .map(Backend::name)
    }
}

/// A backend with one or more endpoints, which share a port as the endpoints of an EndpointSlice do.
pub struct Backend {
    shared: Arc<Shared>,
    endpoints: Vec<SocketAddr>,
}

/// What the threads of a backend share.
struct Shared {
    name: String,
    received: AtomicU64,
    stopped: AtomicBool,
    attempts: Mutex<HashMap<String, u32>>,
}

impl Backend {
    fn start(name: &str, addresses: &[Ipv4Addr]) -> Result<Self> {
        let listeners = bind(addresses).with_context(|| format!("cannot listen for backend {name}"))?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            received: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            attempts: Mutex::default(),
        });
        let mut endpoints = Vec::new();
        for listener in listeners {
            endpoints.push(listener.local_addr()?);
            let shared = Arc::clone(&shared);
            spawn(move || accept(&listener, &shared))?;
        }
        Ok(Self { shared, endpoints })
    }

    /// The Service's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it listens.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.endpoints.iter().copied()
    }

    /// The port that all its endpoints have.
    pub fn port(&self) -> u16 {
        self.endpoints.first().map_or(0, SocketAddr::port)
    }

    /// Requests received, attempts that were told to fail included.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        for endpoint in &self.endpoints {
            // Wakes the thread in accept, which then sees that it is over.
            let _ = TcpStream::connect_timeout(endpoint, Duration::from_millis(200));
        }
    }
}

/// One port, free on all addresses.
fn bind(addresses: &[Ipv4Addr]) -> io::Result<Vec<TcpListener>> {
    let mut last = io::Error::other("no address given");
    for _ in 0..PORT_ATTEMPTS {
        let mut port = 0;
        let mut listen = |address: &Ipv4Addr| {
            let listener = TcpListener::bind((*address, port))?;
            port = listener.local_addr()?.port();
            Ok(listener)
        };
        match addresses.iter().map(&mut listen).collect() {
            Ok(listeners) => return Ok(listeners),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.stopped.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A gateway that hangs up, or a thread that cannot be had, ends this connection and nothing else.
        let _ = spawn(move || drop(serve(stream, &shared)));
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().stack_size(STACK).spawn(work).map(drop)
}

/// Answers the requests of one connection until it closes.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let endpoint = stream.local_addr()?;
    let mut connection = Connection::over(stream)?;
    while let Some(head) = connection.next_head()? {
        let body = connection.read_body(Framing::of_request(&head))?;
        shared.received.fetch_add(1, Ordering::Relaxed);
        let instructions = Instructions::of(&head);
        std::thread::sleep(instructions.delay);
        if instructions.hang_up {
            break;
        }
        let status = if shared.must_fail(&head, &instructions) {
            503
        } else {
            instructions.status
        };
        let echo = if instructions.plain {
            b"plain".to_vec()
        } else {
            shared.echo(&head, body.len(), endpoint)
        };
        answer(
            &mut connection,
            &head,
            &instructions,
            status,
            &shared.headers(endpoint),
            &echo,
        )?;
        if instructions.close {
            break;
        }
    }
    Ok(())
}

impl Shared {
    fn headers(&self, endpoint: SocketAddr) -> String {
        format!(
            "content-type: application/json\r\nx-backend: {}\r\nx-endpoint: {endpoint}\r\n",
            self.name
        )
    }

    fn echo(&self, head: &Head, body_bytes: usize, endpoint: SocketAddr) -> Vec<u8> {
        let [method, target, _] = &head.start;
        let echo = json!({
            "backend": self.name, "endpoint": endpoint, "method": method, "target": target,
            "headers": head.headers, "body_bytes": body_bytes,
        });
        echo.to_string().into_bytes()
    }

    /// Whether this attempt is one of those that the request asked to fail.
    fn must_fail(&self, head: &Head, instructions: &Instructions) -> bool {
        let Some(id) = head.header(ID).filter(|_| instructions.fail_first > 0) else {
            return false;
        };
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry(id.to_owned()).or_default();
        *attempt += 1;
        *attempt <= instructions.fail_first
    }
}

/// Writes one response: the echo, cut or padded with spaces to the wanted length, whole or in chunks.
fn answer(
    connection: &mut Connection,
    request: &Head,
    instructions: &Instructions,
    status: u16,
    headers: &str,
    echo: &[u8],
) -> io::Result<()> {
    let mut body = echo.to_vec();
    body.resize(instructions.length.unwrap_or(echo.len()), b' ');
    let framing = match instructions.pieces {
        0 => format!("content-length: {}\r\n", body.len()),
        _ => "transfer-encoding: chunked\r\n".to_owned(),
    };
    let close = if instructions.close {
        "connection: close\r\n"
    } else {
        ""
    };
    let mut message = format!("HTTP/1.1 {status} Testbed\r\n{headers}{framing}{close}\r\n").into_bytes();
    let [method, ..] = &request.start;
    if method == "HEAD" {
        return connection.write(&message);
    }
    if instructions.pieces == 0 {
        message.extend(body);
        return connection.write(&message);
    }
    connection.write(&message)?;
    chunks(connection, &body, instructions)
}

fn chunks(connection: &mut Connection, body: &[u8], instructions: &Instructions) -> io::Result<()> {
    for piece in body.chunks(body.len().div_ceil(instructions.pieces).max(1)) {
        std::thread::sleep(instructions.pause);
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        connection.write(&chunk)?;
    }
    connection.write(b"0\r\n\r\n")
}
