//! `/api/v1/misroutes` and `/api/v1/misroutes/ID`, for callers on this host alone.
//!
//! Requests may hold personal data, so not everybody who can reach the metrics may read them. A port that `kubectl
//! port-forward` opens ends on the pod's own loopback, so whoever the cluster lets forward ports to the agent may, and
//! nobody else: the agent needs no authorization of its own.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use super::Misroutes;

#[cfg(test)]
mod tests;

/// Where the groups are.
pub(crate) const PATH: &str = "/api/v1/misroutes";

/// Serves both; needs to be told the address of each caller.
pub(crate) fn router(misroutes: Misroutes) -> Router {
    Router::new()
        .route(PATH, get(listing))
        .route("/api/v1/misroutes/{id}", get(proof))
        .with_state(misroutes)
        .layer(from_fn(from_this_host))
}

async fn from_this_host(ConnectInfo(peer): ConnectInfo<SocketAddr>, request: Request, next: Next) -> Response {
    if peer.ip().to_canonical().is_loopback() {
        return next.run(request).await;
    }
    let text = "only for callers on this host: `gwobs misroutes` comes through the cluster, by port-forward\n";
    (StatusCode::FORBIDDEN, text).into_response()
}

async fn listing(State(misroutes): State<Misroutes>) -> Response {
    json(&misroutes.listing())
}

async fn proof(State(misroutes): State<Misroutes>, Path(id): Path<String>) -> Response {
    match misroutes.proof(&id) {
        Some(proof) => json(&proof),
        None => (StatusCode::NOT_FOUND, "there is no such group\n").into_response(),
    }
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(error) => {
            tracing::error!(%error, "misroutes could not be written as JSON");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
