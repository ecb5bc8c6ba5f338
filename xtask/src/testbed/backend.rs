//! Backends that say who they are and what they received.
//!
//! Every answer carries `x-backend` and `x-endpoint`; its body is a JSON object with the request as it arrived. A request
//! can ask for a behaviour in the header [`INSTRUCTIONS`].

mod answer;
mod faulty;
mod http2;
mod instructions;

use super::http::{Connection, Framing, Head};
use super::network::Network;
use super::tls::{Authority, Fault, HTTP1, HTTP2, Tls};
use answer::answer;
use anyhow::{Context as _, Result, ensure};
pub use instructions::INSTRUCTIONS;
use instructions::Instructions;
use rustls::ServerConfig;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The header that carries a request's id, as clients that name their requests send it; backends count attempts by it.
/// Not `x-request-id`, which some gateways replace.
pub const ID: &str = "x-client-request-id";
/// Serving needs little: heads are on the heap.
const STACK: usize = 256 * 1024;
/// The end of the head of a 101 answer, to the key of RFC 6455's own example (section 1.3).
const UPGRADED: &str =
    "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
/// How often a service with several endpoints looks for a port that is free on all of them.
const PORT_ATTEMPTS: u32 = 20;

/// How all backends of a testbed are reached.
#[derive(Clone, Copy)]
pub struct Reach<'a> {
    /// Endpoints that serve, of each backend.
    pub endpoints: usize,
    /// Endpoints beside them that are listed as ready and refuse connections.
    pub dead_endpoints: usize,
    /// Whether every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// Whether they speak HTTP/2, and nothing else.
    pub http2: bool,
    /// Who signs their certificates, and what these are like, if they speak TLS.
    pub tls: Option<(&'a Authority, Tls)>,
}

impl Default for Reach<'_> {
    /// One endpoint that serves.
    fn default() -> Self {
        Self {
            endpoints: 1,
            dead_endpoints: 0,
            proxy_protocol: false,
            http2: false,
            tls: None,
        }
    }
}

/// All backends of a testbed.
pub struct Backends(Vec<Backend>);

impl Backends {
    /// Starts one backend for each name, each endpoint on an address of its own.
    pub fn start(names: &BTreeSet<String>, reach: Reach<'_>, network: &Network) -> Result<Self> {
        let mut free = (0..=u8::MAX).map(|index| network.endpoint(index));
        let mut take = |count| free.by_ref().take(count).collect::<Vec<_>>();
        let backends = names.iter().map(|name| {
            let (alive, dead) = (take(reach.endpoints), take(reach.dead_endpoints));
            Backend::start(name, &alive, &dead, reach)
        });
        backends.collect::<Result<_>>().map(Self)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Backend> {
        self.0.iter()
    }

    /// The addresses of the backend of this name.
    pub fn endpoints<'a>(&'a self, name: &'a str) -> impl Iterator<Item = SocketAddr> + 'a {
        let named = self.iter().filter(move |backend| backend.name() == name);
        named.flat_map(Backend::endpoints)
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
    dead: Vec<SocketAddr>,
}

/// What the threads of a backend share.
struct Shared {
    name: String,
    proxy_protocol: bool,
    http2: bool,
    tls: Option<Arc<ServerConfig>>,
    fault: Option<Fault>,
    received: AtomicU64,
    stopped: AtomicBool,
    attempts: Mutex<HashMap<String, u32>>,
}

impl Backend {
    fn start(name: &str, alive: &[IpAddr], dead: &[IpAddr], reach: Reach<'_>) -> Result<Self> {
        let listeners = bind(alive).with_context(|| format!("cannot listen for backend {name}"))?;
        let shared = Arc::new(Shared {
            name: name.to_owned(),
            proxy_protocol: reach.proxy_protocol,
            http2: reach.http2,
            tls: tls(name, reach)?,
            fault: reach.tls.and_then(|(_, tls)| tls.fault_of(name)),
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
        let port = endpoints.first().map_or(0, SocketAddr::port);
        let dead = dead.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
        Ok(Self {
            shared,
            endpoints,
            dead,
        })
    }

    /// The Service's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Where it is said to listen, the dead ones first.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.dead.iter().chain(&self.endpoints).copied()
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

fn tls(name: &str, reach: Reach<'_>) -> Result<Option<Arc<ServerConfig>>> {
    let protocols = if reach.http2 { HTTP2 } else { HTTP1 };
    let config = reach
        .tls
        .and_then(|(authority, tls)| Some((authority, tls.of_backend(name)?)))
        .map(|(authority, like)| authority.backend(name, like)?.server_config(protocols));
    ensure!(
        config.is_none() || !reach.proxy_protocol,
        "backends speak either TLS or the PROXY protocol"
    );
    ensure!(
        !reach.http2 || !reach.proxy_protocol,
        "backends speak either HTTP/2 or the PROXY protocol"
    );
    Ok(config.transpose()?.map(Arc::new))
}

/// One port, free on all addresses.
fn bind(addresses: &[IpAddr]) -> io::Result<Vec<TcpListener>> {
    let mut last = io::Error::other("no address given");
    for _ in 0..PORT_ATTEMPTS {
        let mut port = 0;
        let mut listen = |address: &IpAddr| {
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
        let _ = spawn(move || match shared.fault {
            Some(fault @ (Fault::Alert(_) | Fault::HangsUp | Fault::Plain)) => drop(faulty::serve(stream, fault)),
            _ if shared.http2 => drop(http2::serve(stream, &shared)),
            _ => drop(serve(stream, &shared)),
        });
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().stack_size(STACK).spawn(work).map(drop)
}

/// Answers the requests of one connection until it closes.
fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let endpoint = stream.local_addr()?;
    let mut connection = match &shared.tls {
        Some(config) => Connection::over_tls(stream, config)?,
        None => Connection::over(stream)?,
    };
    if shared.proxy_protocol {
        connection.read_proxy_header()?;
    }
    while let Some(head) = connection.next_head()? {
        if !shared.serve_one(&mut connection, &head, endpoint)? {
            break;
        }
    }
    Ok(())
}

impl Shared {
    /// Reads the rest of a request and answers it; says whether the connection goes on.
    fn serve_one(&self, connection: &mut Connection, head: &Head, endpoint: SocketAddr) -> io::Result<bool> {
        let instructions = Instructions::of(head);
        if head.header("expect").is_some() {
            connection.write(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let framing = Framing::of_request(head);
        let body = if instructions.early {
            Vec::new()
        } else {
            connection.read_body(framing)?
        };
        self.note_request();
        std::thread::sleep(instructions.delay);
        if instructions.hang_up {
            return Ok(false);
        }
        if head.header("upgrade") == Some("websocket") {
            connection.write(format!("HTTP/1.1 101 Switching\r\n{}{UPGRADED}", self.headers(endpoint)).as_bytes())?;
            return connection.echo().map(|()| false);
        }
        let status = self.status(head, &instructions);
        let echo = self.body(head, &instructions, body.len(), endpoint);
        answer(connection, head, &instructions, status, &self.headers(endpoint), &echo)?;
        if instructions.early {
            connection.read_body(framing)?;
        }
        Ok(!instructions.close)
    }

    fn note_request(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }

    fn status(&self, head: &Head, instructions: &Instructions) -> u16 {
        if self.must_fail(head, instructions) {
            503
        } else {
            instructions.status
        }
    }

    /// The echo, cut or padded with spaces to the wanted length.
    fn body(&self, head: &Head, instructions: &Instructions, received: usize, endpoint: SocketAddr) -> Vec<u8> {
        let mut body = if instructions.plain {
            b"plain".to_vec()
        } else {
            self.echo(head, received, endpoint)
        };
        body.resize(instructions.length.unwrap_or(body.len()), b' ');
        body
    }

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
