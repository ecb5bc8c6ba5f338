//! Real Traefik takes the testbed's API server for a real one.

use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{prefix, route};
use xtask::testbed::traffic::get;

fn is_accepted(route: &Value) -> bool {
    let conditions = route.pointer("/status/parents/0/conditions").and_then(Value::as_array);
    let accepted = |one: &Value| one["type"] == "Accepted" && one["status"] == "True";
    conditions.is_some_and(|all| all.iter().any(accepted))
}

#[test]
fn traefik_serves_routes_writes_their_status_and_follows_changes() -> Result<()> {
    let cluster = Cluster::start(&["cart", "catalog"])?;
    cluster.api.apply(route("shop", &[], &json!([prefix("/", "cart")])))?;
    cluster.wait_until(&get("/").due("cart"))?;
    let patience = Duration::from_secs(10);
    cluster
        .api
        .wait_for("HTTPRoute", "shop", "shop", patience, is_accepted)?;
    cluster
        .api
        .apply(route("shop", &[], &json!([prefix("/", "catalog")])))?;
    cluster.wait_until(&get("/").due("catalog"))?;
    cluster.api.delete("HTTPRoute", "shop", "shop")?;
    cluster.wait_until(&get("/").due_status(404))
}
