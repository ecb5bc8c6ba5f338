//! Backends that speak HTTP/2. Nothing but the protocol differs from the others: the same answers to the same requests.

use super::Shared;
use super::instructions::Instructions;
use crate::testbed::http::Head;
use anyhow::Result;
use bytes::Bytes;
use h2::server::{Builder, SendResponse};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// What a client may send before it is answered: bodies are not to wait for each other.
const WINDOW: u32 = 4 << 20;

/// Answers the requests of one connection until it closes.
pub(super) fn serve(socket: TcpStream, shared: &Arc<Shared>) -> Result<()> {
    let endpoint = socket.local_addr()?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let socket = tokio::net::TcpStream::from_std(socket)?;
        match &shared.tls {
            Some(config) => {
                let stream = TlsAcceptor::from(Arc::clone(config)).accept(socket).await?;
                serve_stream(stream, shared, endpoint).await
            }
            None => serve_stream(socket, shared, endpoint).await,
        }
    })
}

async fn serve_stream<S>(stream: S, shared: &Arc<Shared>, endpoint: SocketAddr) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = Builder::new();
    builder
        .initial_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .enable_connect_protocol();
    let mut connection = builder.handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        if Instructions::of(&head(&request)).close {
            connection.graceful_shutdown();
        }
        let shared = Arc::clone(shared);
        tokio::spawn(async move { shared.serve_stream(request, respond, endpoint).await });
    }
    Ok(())
}

impl Shared {
    /// Reads the rest of a request and answers it.
    async fn serve_stream(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        endpoint: SocketAddr,
    ) -> Result<()> {
        let head = head(&request);
        let answer = Response::builder()
            .header("content-type", "application/json")
            .header("x-backend", &self.name)
            .header("x-endpoint", endpoint.to_string());
        let mut body = request.into_body();
        if head.start[0] == "CONNECT" {
            self.note_request();
            let stream = respond.send_response(answer.body(())?, false)?;
            return echo(body, stream).await;
        }
        let instructions = Instructions::of(&head);
        let mut received = 0;
        while let Some(data) = body.data().await {
            let length = data?.len();
            body.flow_control().release_capacity(length)?;
            received += length;
        }
        self.note_request();
        tokio::time::sleep(instructions.delay).await;
        if instructions.hang_up {
            respond.send_reset(Reason::CANCEL);
            return Ok(());
        }
        let status = self.status(&head, &instructions);
        let echo = self.body(&head, &instructions, received, endpoint);
        let mut stream = respond.send_response(answer.status(status).body(())?, head.start[0] == "HEAD")?;
        if head.start[0] == "HEAD" {
            return Ok(());
        }
        if instructions.pieces == 0 {
            stream.send_data(echo.into(), true)?;
            return Ok(());
        }
        for piece in echo.chunks(echo.len().div_ceil(instructions.pieces).max(1)) {
            tokio::time::sleep(instructions.pause).await;
            stream.send_data(Bytes::copy_from_slice(piece), false)?;
        }
        stream.send_data(Bytes::new(), true)?;
        Ok(())
    }
}

/// Sends back what comes until the client has said all.
async fn echo(mut body: RecvStream, mut stream: SendStream<Bytes>) -> Result<()> {
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        stream.send_data(data, false)?;
    }
    stream.send_data(Bytes::new(), true)?;
    Ok(())
}

/// As the other backends have it: the authority is a Host header.
fn head<B>(request: &Request<B>) -> Head {
    let uri = request.uri();
    let host = uri
        .authority()
        .map(|authority| ("host".to_owned(), authority.to_string()));
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let fields = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), text(value)));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    Head {
        start: [request.method().to_string(), target.to_owned(), "HTTP/2".to_owned()],
        headers: host.into_iter().chain(fields).collect(),
    }
}
