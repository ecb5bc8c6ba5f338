//! One GET over a connection that is open.

use anyhow::Context;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes of an answer, at most: 256 groups with their examples are 12 MiB.
const MAX_ANSWER: usize = 32 << 20;

/// Status and body.
pub(super) async fn fetch<S>(stream: S, host: &str, path: &str) -> anyhow::Result<(StatusCode, Vec<u8>)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What goes wrong with the connection is told by the request too.
    let connection = tokio::spawn(connection);
    let request = Request::get(path)
        .header(header::HOST, host)
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
    let body = body
        .map_err(anyhow::Error::from_boxed)
        .context("its answer is cut off or too long")?;
    connection.abort();
    Ok((status, body.to_bytes().to_vec()))
}
