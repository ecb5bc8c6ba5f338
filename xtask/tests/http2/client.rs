//! A client that speaks HTTP/2 with prior knowledge: several requests at a time on one connection.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use xtask::testbed::client::{Answer, Exchange, ID_QUERY};
use xtask::testbed::traffic::{Body, Case};

/// One connection.
pub(crate) struct Connection(SendRequest<Bytes>);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (requests, connection) = h2::client::handshake(stream).await?;
        tokio::spawn(connection);
        Ok(Self(requests))
    }

    /// Sends all cases, at most `streams` of them at a time, and returns what became of them.
    pub(crate) async fn run(&self, cases: &[Case], streams: usize) -> Vec<Exchange> {
        let (mut running, mut finished) = (JoinSet::new(), Vec::new());
        for case in cases {
            if running.len() >= streams {
                finished.extend(running.join_next().await.and_then(Result::ok));
            }
            running.spawn(exchange(self.0.clone(), case.clone()));
        }
        finished.extend(running.join_all().await);
        finished
    }
}

async fn exchange(requests: SendRequest<Bytes>, case: Case) -> Exchange {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let id = format!("http2-{:016}", COUNT.fetch_add(1, Ordering::Relaxed));
    // In the query: names of headers may be unknown on a connection that was joined midway.
    let answer = send(requests, &case, &with_id(&case.request.target, &id)).await;
    let answer = answer.map_err(|error| error.to_string());
    Exchange {
        id,
        request: case.request,
        due: case.due,
        answer,
    }
}

/// A target that carries an id.
pub(crate) fn with_id(target: &str, id: &str) -> String {
    let separator = if target.contains('?') { '&' } else { '?' };
    format!("{target}{separator}{ID_QUERY}={id}")
}

async fn send(requests: SendRequest<Bytes>, case: &Case, target: &str) -> Result<Answer> {
    let request = &case.request;
    let uri = format!("http://{}{target}", request.host);
    let mut head = Request::builder().method(&*request.method).uri(uri);
    for (name, value) in &request.headers {
        head = head.header(name, value);
    }
    let mut requests = requests.ready().await?;
    let body = match request.body {
        Body::None => 0,
        Body::Length(length) | Body::Chunked(length) => length,
    };
    let (response, mut stream) = requests.send_request(head.body(())?, body == 0)?;
    if body > 0 {
        stream.send_data(vec![b'x'; body].into(), true)?;
    }
    let (head, mut body) = response.await?.into_parts();
    let mut body_bytes = 0;
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
        body_bytes += length;
    }
    let text = |name: &str| text(&head.headers, name);
    Ok(Answer {
        status: head.status.as_u16(),
        backend: text("x-backend"),
        endpoint: text("x-endpoint"),
        echo: None,
        location: text("location"),
        body_bytes,
    })
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned)
}
