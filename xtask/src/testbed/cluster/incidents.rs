//! What goes wrong in a cluster while its conditions stay green, from real causes: departures of Traefik 3.7 from the Gateway
//! API (`docs/field-notes.md`), a ReferenceGrant deleted under traffic, a controller whose watch has died without its knowing.
//! What is due to each request is written next to it, so that what gwobs says can be checked.

use super::Cluster;
use super::certificate::Certificate;
use super::objects::{backend_ref, grant, prefix, route, rule};
use crate::testbed::client::Exchange;
use crate::testbed::object;
use crate::testbed::traffic::{Case, Request, get, mixed};
use anyhow::Result;
use serde_json::{Value, json};
use std::time::Duration;

/// The backends that the incidents need.
pub const BACKENDS: [&str; 9] = [
    "cart",
    "catalog",
    "orders",
    "export",
    "search",
    "other/pay",
    "vault/keys",
    "stable",
    "canary",
];

/// What the agent is told, so that the incidents take seconds: how long the gateway may follow replaced specs, and how long
/// a mismatch is held, and how often certificates are looked at.
pub const AGENT: [&str; 6] = ["--convergence-window", "3", "--hold", "1", "--handshake-interval", "1"];

/// The window above and a little more: from then on nothing that the gateway does is excused by replaced specs.
const AFTER_WINDOW: Duration = Duration::from_millis(3_300);
/// The host of the HTTPS listener, which is also that of all requests.
const HOST: &str = "shop.example.com";
/// The Secret with its certificate.
const SECRET: &str = "shop-tls";
/// How the controller calls itself towards the API server.
const CONTROLLER: &str = "traefik";
/// Requests sent at once.
const BURST: usize = 12;
/// Between bursts, so that one can watch.
const PAUSE: Duration = Duration::from_millis(60);

/// An incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// Routes that the controller accepts and does not follow.
    Departures,
    /// A grant is deleted under traffic, and comes back.
    GrantDeleted,
    /// The controller no longer hears of changes: a grant is deleted, weights change, a certificate is renewed, and nothing
    /// happens.
    ControllerDeaf,
}

impl Incident {
    /// All of them, in the order in which they can be brought about.
    pub const ALL: [Self; 3] = [Self::Departures, Self::GrantDeleted, Self::ControllerDeaf];

    /// Brings it about, under traffic; what the clients saw. All of them need [`prepare`] first.
    pub fn bring_about(self, cluster: &Cluster) -> Result<Vec<Exchange>> {
        match self {
            Self::Departures => departures(cluster),
            Self::GrantDeleted => grant_deleted(cluster),
            Self::ControllerDeaf => controller_deaf(cluster),
        }
    }
}

/// Applies the routes and grants, and waits until the gateway follows them.
pub fn prepare(cluster: &Cluster) -> Result<()> {
    cluster.api.apply(certificate(5)?)?;
    cluster.listen_tls(HOST, SECRET)?;
    let shop = json!([prefix("/cart", "cart"), prefix("/catalog", "catalog")]);
    let by_method = json!({"path": {"type": "PathPrefix", "value": "/orders"}, "method": "GET"});
    let orders = json!([rule(&by_method, "orders"), prefix("/orders/export", "export")]);
    let mut mirrored = prefix("/search", "search");
    let filter = json!({"type": "RequestMirror", "requestMirror": {"backendRef": backend_ref("catalog")}});
    object::push(&mut mirrored, "filters", filter);
    for object in [
        grant("other"),
        grant("vault"),
        route("shop", &[], &shop),
        route("orders", &[], &orders),
        route("search", &[], &json!([mirrored])),
        route("old", &[], &json!([prefix("/old", "gone")])),
        route("pay", &[], &json!([prefix("/pay", "other/pay")])),
        route("keys", &[], &json!([prefix("/keys", "vault/keys")])),
        release([50, 50]),
    ] {
        cluster.api.apply(object)?;
    }
    for case in [
        get("/cart/1").due("cart"),
        get("/orders/7").due("orders"),
        get("/pay").due("other/pay"),
        get("/keys").due("vault/keys"),
        get("/new").due_any(&["stable", "canary"]),
    ] {
        cluster.wait_until(&case)?;
    }
    Ok(())
}

/// The Secret with a certificate for so many more days.
fn certificate(days: u32) -> Result<Value> {
    const DAY: Duration = Duration::from_secs(86_400);
    Ok(Certificate::for_another(HOST, DAY * days)?.secret(SECRET))
}

/// The route of a release with these weights.
fn release(weights: [u32; 2]) -> Value {
    let backends = ["stable", "canary"].into_iter().zip(weights).map(|(name, weight)| {
        let mut backend = backend_ref(name);
        object::set(&mut backend, "weight", json!(weight));
        backend
    });
    let rule = json!({
        "matches": [{"path": {"type": "PathPrefix", "value": "/new"}}], "backendRefs": backends.collect::<Vec<_>>(),
    });
    route("release", &[], &json!([rule]))
}

fn departures(cluster: &Cluster) -> Result<Vec<Exchange>> {
    let cases = [
        get("/cart/17").due("cart"),
        get("/catalog?page=2").due("catalog"),
        get("/orders/7").due("orders"),
        // Traefik ranks the method above the longer prefix.
        get("/orders/export?year=2026").due("export"),
        // Traefik accepts the mirror and answers 500.
        get("/search?q=shoes").due("search"),
        get("/new").due_any(&["stable", "canary"]),
        // A Service that is not there: 500 is right, and the route's ResolvedRefs is False.
        get("/old/1").due_status(500),
    ];
    send(cluster, &mixed(&cases, 360))
}

fn grant_deleted(cluster: &Cluster) -> Result<Vec<Exchange>> {
    let (granted, refused) = (get("/pay").due("other/pay"), get("/pay").due_status(500));
    let mut exchanges = send(cluster, &along_with(&granted, 60))?;
    cluster.api.stall_watches("referencegrants", CONTROLLER);
    cluster.api.delete("ReferenceGrant", "other", "routes")?;
    // The controller hears of it late. Until then the gateway may still follow what was before: neither right nor wrong.
    send(cluster, &along_with(&granted, 60))?;
    cluster.api.resume_watches("referencegrants");
    cluster.wait_until(&refused)?;
    exchanges.extend(send(cluster, &along_with(&refused, 120))?);
    cluster.api.apply(grant("other"))?;
    cluster.wait_until(&granted)?;
    exchanges.extend(send(cluster, &along_with(&granted, 60))?);
    Ok(exchanges)
}

fn controller_deaf(cluster: &Cluster) -> Result<Vec<Exchange>> {
    for plural in ["referencegrants", "httproutes", "secrets"] {
        cluster.api.stall_watches(plural, CONTROLLER);
    }
    cluster.api.apply(certificate(90)?)?;
    cluster.api.delete("ReferenceGrant", "vault", "routes")?;
    cluster.api.apply(release([90, 10]))?;
    let mut exchanges = send(cluster, &mixed(&[get("/cart/17").due("cart")], 24))?;
    std::thread::sleep(AFTER_WINDOW);
    let cases = [
        get("/keys").due_status(500),
        get("/new").due_any(&["stable", "canary"]),
        get("/new").due_any(&["stable", "canary"]),
    ];
    exchanges.extend(send(cluster, &mixed(&cases, 360))?);
    Ok(exchanges)
}

/// So many of these requests, and as many of others that nothing happens to.
fn along_with(case: &Case, count: usize) -> Vec<Case> {
    let others: [Request; 2] = [get("/cart/17"), get("/cart/18")];
    let [one, other] = others.map(|request| request.due("cart"));
    mixed(&[case.clone(), case.clone(), one, other], count * 2)
}

fn send(cluster: &Cluster, cases: &[Case]) -> Result<Vec<Exchange>> {
    let client = cluster.client().concurrency(4);
    let mut exchanges = Vec::new();
    for burst in cases.chunks(BURST) {
        exchanges.extend(client.run(burst)?);
        std::thread::sleep(PAUSE);
    }
    Ok(exchanges)
}
