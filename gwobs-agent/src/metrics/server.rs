//! The HTTP server of `--metrics-addr`: `/metrics`, `/livez` (and `/healthz`, its older name) and `/readyz`, and what
//! [`crate::misroutes`] serves to this host alone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

use super::classic::{self, classic};
use super::health::Health;
use crate::misroutes::{Misroutes, router};

#[cfg(test)]
mod tests;

/// The media type of OpenMetrics 1.0.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A server that is bound and not yet running.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    registry: Arc<Registry>,
    health: Health,
    misroutes: Misroutes,
}

impl Server {
    /// Binds the address.
    ///
    /// # Errors
    /// If the address cannot be bound.
    pub async fn bind(
        address: SocketAddr,
        registry: Registry,
        health: Health,
        misroutes: Misroutes,
    ) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::bind(address).await?,
            registry: Arc::new(registry),
            health,
            misroutes,
        })
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until an error.
    ///
    /// # Errors
    /// If accepting connections fails for good.
    pub async fn run(self) -> io::Result<()> {
        let all = Router::new()
            .route("/metrics", get(metrics))
            // Events, verdicts and this answer come from one thread: an answer shows that it is alive.
            .route("/livez", get(|| async { "ok\n" }))
            .route("/healthz", get(|| async { "ok\n" }))
            .with_state(self.registry)
            .route("/readyz", get(readiness).with_state(self.health))
            .merge(router(self.misroutes));
        let service = all.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(self.listener, service).await
    }
}

async fn readiness(State(health): State<Health>) -> Response {
    let (ready, text) = health.report();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, text).into_response()
}

async fn metrics(State(registry): State<Arc<Registry>>, headers: HeaderMap) -> Response {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) if classic::is_wanted(&headers) => {
            ([(header::CONTENT_TYPE, classic::CONTENT_TYPE)], classic(&text)).into_response()
        }
        Ok(()) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be encoded");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
