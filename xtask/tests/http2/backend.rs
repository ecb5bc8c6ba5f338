//! Backends that speak HTTP/2 without TLS and say who they are.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};

/// The path of a call that a gRPC backend knows nothing of: it answers with a head and nothing else.
pub(crate) const UNKNOWN_METHOD: &str = "/shop.Cart/Unknown";
/// Messages that a streaming call is answered with.
const MESSAGES: usize = 3;
/// A gRPC message of five bytes, with its length in front.
pub(crate) const MESSAGE: &[u8] = b"\0\0\0\0\x05hello";

/// A backend with one endpoint.
pub(crate) struct Backend {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
}

impl Backend {
    /// Serves for as long as the runtime lives.
    pub(crate) async fn start(name: &'static str, address: IpAddr) -> Result<Self> {
        let listener = TcpListener::bind((address, 0)).await.context("cannot listen")?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, name, address));
            }
        });
        Ok(Self { name, address })
    }
}

/// A gateway that hangs up ends its connection and nothing else.
async fn serve(stream: TcpStream, name: &'static str, address: SocketAddr) -> Result<()> {
    let mut connection = h2::server::handshake(stream).await?;
    while let Some(request) = connection.accept().await {
        let (request, respond) = request?;
        tokio::spawn(answer(request, respond, name, address));
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    name: &'static str,
    address: SocketAddr,
) -> Result<()> {
    let (head, mut body) = request.into_parts();
    let is_grpc = head
        .headers
        .get("content-type")
        .is_some_and(|kind| kind == "application/grpc");
    while let Some(data) = body.data().await {
        body.flow_control().release_capacity(data?.len())?;
    }
    let mut response = Response::builder()
        .header("x-backend", name)
        .header("x-endpoint", address.to_string());
    if !is_grpc {
        let mut stream = respond.send_response(response.body(())?, false)?;
        stream.send_data(Bytes::from(format!("{name} {}", head.uri.path())), true)?;
        return Ok(());
    }
    response = response.header("content-type", "application/grpc");
    if head.uri.path() == UNKNOWN_METHOD {
        respond.send_response(response.header("grpc-status", "12").body(())?, true)?;
        return Ok(());
    }
    let mut stream = respond.send_response(response.body(())?, false)?;
    for _ in 0..MESSAGES {
        stream.send_data(Bytes::from_static(MESSAGE), false)?;
        tokio::task::yield_now().await;
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)?;
    Ok(())
}
