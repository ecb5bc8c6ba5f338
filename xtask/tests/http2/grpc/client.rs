//! tonic, with messages that are just bytes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use bytes::{Buf as _, BufMut as _, Bytes};
use futures::stream;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};
use xtask::testbed::backend::ID;
use xtask::testbed::client::{Answer, Exchange};
use xtask::testbed::tls::SERVER_NAME;
use xtask::testbed::traffic::{Body, Case};

use super::{Kind, MESSAGES, kind_of};

/// One connection.
#[derive(Clone)]
pub(crate) struct Client(Channel);

/// What became of a call.
pub(crate) struct Call {
    pub(crate) exchange: Exchange,
    pub(crate) code: Code,
}

impl Client {
    /// In TLS if somebody is trusted to sign the gateway's certificate.
    pub(crate) async fn open(address: SocketAddr, trusted: Option<&str>) -> Result<Self> {
        let scheme = if trusted.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}"))?
            .origin(format!("{scheme}://{SERVER_NAME}").parse()?);
        if let Some(pem) = trusted {
            let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
            endpoint = endpoint.tls_config(config.domain_name(SERVER_NAME))?;
        }
        Ok(Self(endpoint.connect().await?))
    }

    /// Makes all calls, at most `streams` of them at a time.
    pub(crate) async fn run(&self, cases: &[Case], streams: usize) -> Vec<Call> {
        let (mut running, mut finished) = (JoinSet::new(), Vec::new());
        for case in cases {
            if running.len() >= streams {
                finished.extend(running.join_next().await.and_then(Result::ok));
            }
            running.spawn(self.clone().call(case.clone()));
        }
        finished.extend(running.join_all().await);
        finished
    }

    async fn call(self, case: Case) -> Call {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = format!("grpc-{:016}", COUNT.fetch_add(1, Ordering::Relaxed));
        let (code, metadata, body_bytes) = match self.send(&case, &id).await {
            Ok((metadata, length, None)) => (Code::Ok, metadata, length),
            Ok((metadata, length, Some(failed))) => (failed.code(), metadata, length),
            Err(failed) => (failed.code(), failed.metadata().clone(), 0),
        };
        let text = |name: &str| metadata.get(name)?.to_str().ok().map(str::to_owned);
        let answer = Answer {
            status: 200,
            backend: text("x-backend"),
            endpoint: text("x-endpoint"),
            echo: None,
            location: None,
            body_bytes,
        };
        let Case { request, due } = case;
        let answer = Ok(answer);
        let exchange = Exchange {
            id,
            request,
            due,
            answer,
        };
        Call { exchange, code }
    }

    /// The head's metadata, the length of all messages, and how it ended if not well.
    async fn send(self, case: &Case, id: &str) -> Result<(MetadataMap, usize, Option<Status>), Status> {
        let mut grpc = Grpc::new(self.0);
        let not_ready = |error: tonic::transport::Error| Status::unavailable(error.to_string());
        grpc.ready().await.map_err(not_ready)?;
        let path = case.request.target.parse().map_err(|_| Status::internal("path"))?;
        let length = match case.request.body {
            Body::None => 0,
            Body::Length(length) | Body::Chunked(length) => length,
        };
        let message = Bytes::from(vec![b'm'; length]);
        let several = stream::iter(vec![message.clone(); MESSAGES]);
        let id = id.parse().map_err(|_| Status::internal("id"))?;
        let mut answers = match kind_of(&case.request.target) {
            Kind::Unary | Kind::Unknown => {
                let answer = grpc.unary(marked(message, id), path, Raw).await?;
                let (metadata, message, _) = answer.into_parts();
                return Ok((metadata, message.len(), None));
            }
            Kind::Upload => {
                let answer = grpc.client_streaming(marked(several, id), path, Raw).await?;
                let (metadata, message, _) = answer.into_parts();
                return Ok((metadata, message.len(), None));
            }
            Kind::Watch | Kind::Fail => grpc.server_streaming(marked(message, id), path, Raw).await?,
            Kind::Chat => grpc.streaming(marked(several, id), path, Raw).await?,
        };
        let (metadata, mut length) = (answers.metadata().clone(), 0);
        loop {
            match answers.get_mut().message().await {
                Ok(Some(message)) => length += message.len(),
                Ok(None) => return Ok((metadata, length, None)),
                Err(failed) => return Ok((metadata, length, Some(failed))),
            }
        }
    }
}

fn marked<T>(message: T, id: tonic::metadata::AsciiMetadataValue) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(ID, id);
    request
}

/// Messages as they are.
#[derive(Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
