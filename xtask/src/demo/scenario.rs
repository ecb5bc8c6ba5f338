//! The demo's story: an overlap in the wrong order, and a header match that was forgotten.

use crate::testbed::rule::{Route, prefix, route};
use crate::testbed::traffic::{Body, Case, get, post};

/// The HTTPRoute: precedence comes from the spec, not from the order.
pub(super) fn specified() -> Vec<Route> {
    vec![route(
        "shop",
        vec![
            prefix("/api").to("api-v1"),
            prefix("/api/v2").to("api-v2"),
            prefix("/cart").header("x-beta", "yes").to("cart-beta"),
            prefix("/cart").to("cart"),
        ],
    )]
}

/// The data plane: the same rules with the first match winning, and the third one without its header.
pub(super) fn configured() -> Vec<Route> {
    vec![route(
        "shop",
        vec![
            prefix("/api").to("api-v1"),
            prefix("/api/v2").to("api-v2"),
            prefix("/cart").to("cart-beta"),
            prefix("/cart").to("cart"),
        ],
    )]
}

/// What the clients send, and what is due to it by the HTTPRoute.
pub(super) fn cases() -> Vec<Case> {
    vec![
        get("/api/items").due("api-v1"),
        get("/api/items?page=2").due("api-v1"),
        post("/api/orders", Body::Length(700)).due("api-v1"),
        get("/api/v2/items?page=7").due("api-v2"),
        get("/cart/17").due("cart"),
        get("/cart/17").header("x-beta", "yes").due("cart-beta"),
        post("/cart", Body::Chunked(300))
            .header("x-beta", "yes")
            .due("cart-beta"),
    ]
}
