//! Clients that speak HTTP/2 over any stream: several requests at a time on each connection.

use super::client::{Answer, Exchange, ID_QUERY, body};
use super::traffic::{Body, Case, Request};
use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};
use http::HeaderMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What each side may send before it is answered: bodies are not to wait for each other.
const WINDOW: u32 = 4 << 20;
/// Longest body that is looked at: an echo of a backend, not one that was padded.
const MAX_ECHO: usize = 64 * 1024;

/// Where a testbed speaks HTTP/2. In TLS both sides agree on it by themselves, if clients offer it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Http2 {
    /// Clients may, without TLS and with prior knowledge.
    pub from_clients: bool,
    /// Backends speak nothing else.
    pub to_backends: bool,
}

impl Http2 {
    /// Between clients and the gateway only.
    pub const DOWNSTREAM: Self = Self {
        from_clients: true,
        to_backends: false,
    };
    /// On both sides.
    pub const BOTH: Self = Self {
        from_clients: true,
        to_backends: true,
    };
}

/// One connection.
#[derive(Clone)]
pub struct Connection {
    requests: SendRequest<Bytes>,
    scheme: &'static str,
}

/// How many at once.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections, each opened again when the gateway takes no more requests on it.
    pub connections: usize,
    /// Requests at a time on each.
    pub streams: usize,
}

/// A stream without TLS.
pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends all cases over connections that `open` opens for requests of that scheme, and returns what became of them, in
/// the order in which they finished.
pub fn drive<O, F, S>(load: Load, scheme: &'static str, cases: &[Case], open: O) -> Result<Vec<Exchange>>
where
    O: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = io::Result<S>> + Send,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let (open, cases, next) = (Arc::new(open), Arc::from(cases), Arc::new(AtomicUsize::new(0)));
    runtime.block_on(async {
        let mut slots = JoinSet::new();
        for _ in 0..load.connections {
            let (open, cases, next) = (Arc::clone(&open), Arc::clone(&cases), Arc::clone(&next));
            slots.spawn(async move { work(&*open, scheme, load.streams, &cases, &next).await });
        }
        let finished = slots.join_all().await;
        Ok(finished.into_iter().collect::<Result<Vec<_>>>()?.concat())
    })
}

/// Takes the next cases until none is left, on one connection at a time.
async fn work<F, S>(
    open: &(impl Fn() -> F + Sync),
    scheme: &'static str,
    streams: usize,
    cases: &Arc<[Case]>,
    next: &AtomicUsize,
) -> Result<Vec<Exchange>>
where
    F: Future<Output = io::Result<S>> + Send,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let anew = || async { Connection::over(open().await.context("a client cannot connect")?, scheme).await };
    let mut connection = anew().await?;
    let (mut running, mut finished) = (JoinSet::new(), Vec::new());
    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
        if running.len() >= streams {
            finished.extend(running.join_next().await.transpose()?);
        }
        let ready = match connection.ready().await {
            Ok(ready) => ready,
            // The gateway takes no more requests on it, and no request was sent.
            Err(_) => {
                connection = anew().await?;
                connection.ready().await?
            }
        };
        running.spawn(ready.exchange(case.clone()));
    }
    finished.extend(running.join_all().await);
    Ok(finished)
}

impl Connection {
    /// Without TLS, with prior knowledge.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(connect(address).await?, "http").await
    }

    /// Over a stream whose other end expects HTTP/2; `scheme` is what requests say.
    pub async fn over<S>(stream: S, scheme: &'static str) -> Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = Builder::new();
        builder
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        let (requests, connection) = builder.handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self { requests, scheme })
    }

    /// What requests of any kind are sent by.
    pub fn requests(&self) -> SendRequest<Bytes> {
        self.requests.clone()
    }

    /// The same, when the gateway takes a further request on it; an error if it takes none any more.
    pub async fn ready(&self) -> Result<Self> {
        let requests = self.requests.clone().ready().await?;
        let scheme = self.scheme;
        Ok(Self { requests, scheme })
    }

    /// Sends all cases, at most `streams` of them at a time, and returns what became of them.
    pub async fn run(&self, cases: &[Case], streams: usize) -> Vec<Exchange> {
        let (mut running, mut finished) = (JoinSet::new(), Vec::new());
        for case in cases {
            if running.len() >= streams {
                finished.extend(running.join_next().await.and_then(Result::ok));
            }
            running.spawn(self.clone().exchange(case.clone()));
        }
        finished.extend(running.join_all().await);
        finished
    }

    /// One request, and what became of it.
    pub async fn exchange(self, case: Case) -> Exchange {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = format!("http2-{:016}", COUNT.fetch_add(1, Ordering::Relaxed));
        // In the query: names of headers may be unknown on a connection that was joined midway.
        let answer = self.ask(&case.request, &with_id(&case.request.target, &id)).await;
        let answer = answer.map_err(|error| error.to_string());
        let Case { request, due } = case;
        Exchange {
            id,
            request,
            due,
            answer,
        }
    }

    async fn ask(self, request: &Request, target: &str) -> Result<Answer> {
        let (response, mut stream) = self.begin(request, target).await?;
        let sent = match request.body {
            Body::None => Bytes::new(),
            Body::Length(length) | Body::Chunked(length) => body(Body::Length(length)).into(),
        };
        if !sent.is_empty() {
            stream.send_data(sent, true)?;
        }
        let (head, body) = response.await?.into_parts();
        let (length, echo) = read(body).await?;
        Ok(answer(head.status.as_u16(), &head.headers, length, &echo))
    }

    /// Sends the head of a request; its body follows on the stream, unless there is none.
    pub async fn begin(self, request: &Request, target: &str) -> Result<(ResponseFuture, SendStream<Bytes>)> {
        let uri = format!("{}://{}{target}", self.scheme, request.host);
        let mut head = http::Request::builder().method(&*request.method).uri(uri);
        for (name, value) in &request.headers {
            head = head.header(name, value);
        }
        let is_empty = matches!(request.body, Body::None | Body::Length(0) | Body::Chunked(0));
        let mut requests = self.requests.ready().await?;
        Ok(requests.send_request(head.body(())?, is_empty)?)
    }
}

/// A target that carries an id.
pub fn with_id(target: &str, id: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{ID_QUERY}={id}")
}

/// Length of a body, and the bytes of a short one.
async fn read(mut body: RecvStream) -> Result<(usize, Vec<u8>)> {
    let (mut length, mut bytes) = (0, Vec::new());
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        length += data.len();
        if length <= MAX_ECHO {
            bytes.extend_from_slice(&data);
        }
    }
    Ok((length, bytes))
}

fn answer(status: u16, headers: &HeaderMap, body_bytes: usize, body: &[u8]) -> Answer {
    let header = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    let echo: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    // Traefik 3.7 loses the headers of an answer to a retry, but not its body.
    let echoed = |name: &str| Some(echo.as_ref()?.get(name)?.as_str()?.to_owned());
    Answer {
        status,
        backend: header("x-backend").or_else(|| echoed("backend")),
        endpoint: header("x-endpoint").or_else(|| echoed("endpoint")),
        location: header("location"),
        echo,
        body_bytes,
    }
}
