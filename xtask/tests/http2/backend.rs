//! Backends that speak HTTP/2 without TLS and say who they are.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::response::Builder;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};

use super::grpc::{Kind, MESSAGES, kind_of};

/// A gRPC message of five bytes, with its length in front.
const MESSAGE: &[u8] = b"\0\0\0\0\x05hello";

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
    let (head, body) = request.into_parts();
    let response = Response::builder()
        .header("x-backend", name)
        .header("x-endpoint", address.to_string());
    let content_type = head.headers.get("content-type");
    if content_type.is_some_and(|kind| kind == "application/grpc") {
        return answer_call(head.uri.path(), body, respond, response).await;
    }
    receive(body).await?;
    let mut stream = respond.send_response(response.body(())?, false)?;
    stream.send_data(Bytes::from(format!("{name} {}", head.uri.path())), true)?;
    Ok(())
}

/// Answers a gRPC call as its method wants it; bytes count, messages are not looked into.
async fn answer_call(
    path: &str,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    response: Builder,
) -> Result<()> {
    let response = response.header("content-type", "application/grpc");
    let kind = kind_of(path);
    if kind == Kind::Unknown {
        receive(body).await?;
        respond.send_response(response.header("grpc-status", "12").body(())?, true)?;
        return Ok(());
    }
    if kind == Kind::Chat {
        let mut stream = respond.send_response(response.body(())?, false)?;
        while let Some(data) = body.data().await {
            let data = data?;
            body.flow_control().release_capacity(data.len())?;
            stream.send_data(data, false)?;
        }
        return end_call(stream, "0");
    }
    receive(body).await?;
    let mut stream = respond.send_response(response.body(())?, false)?;
    for _ in 0..if kind == Kind::Watch { MESSAGES } else { 1 } {
        stream.send_data(Bytes::from_static(MESSAGE), false)?;
        tokio::task::yield_now().await;
    }
    end_call(stream, if kind == Kind::Fail { "9" } else { "0" })
}

fn end_call(mut stream: SendStream<Bytes>, status: &'static str) -> Result<()> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    Ok(stream.send_trailers(trailers)?)
}

async fn receive(mut body: RecvStream) -> Result<()> {
    while let Some(data) = body.data().await {
        body.flow_control().release_capacity(data?.len())?;
    }
    Ok(())
}
