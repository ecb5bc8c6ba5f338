//! Where Traefik 3.7 departs from the Gateway API, found without being told.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::objects::{backend_ref, prefix, route, rule};
use xtask::testbed::gwobs::decision::Decision;
use xtask::testbed::traffic::{Case, get};

use crate::{assert_exact, decisions};

/// Applies routes, waits until `witness` is answered by its backend, sends the case, and gives its decision.
fn decide(cluster: &Cluster, routes: Vec<Value>, witness: &Case, case: &Case) -> Result<Decision> {
    for route in routes {
        cluster.api.apply(route)?;
    }
    cluster.wait_until(witness)?;
    let agent = cluster.agent()?;
    let exchanges = cluster.client().run(&vec![case.clone(); 20])?;
    let observed = agent.stop()?;
    assert_exact(&exchanges, &observed)?;
    let of_case = decisions(&observed)
        .into_iter()
        .find(|own| own.id() == exchanges.first().map(|exchange| exchange.id.as_str()));
    of_case.context("no decision")
}

fn is_misroute(decision: &Decision, expected: &str, observed: &str) -> Result<()> {
    let [expected, observed] = [expected, observed].map(|name| format!("shop/{name}:80"));
    ensure!(
        decision.verdict() == "mismatch" && decision.reason() == "wrong_backend",
        "{:#}",
        decision.0
    );
    ensure!(
        decision.text("/expected/backends/0/backend") == expected,
        "{:#}",
        decision.0
    );
    ensure!(decision.text("/upstreams/0/backend") == observed, "{:#}", decision.0);
    Ok(())
}

/// `routing.md` row 2: `/a` with a method beats `/a/b`, though the longest prefix outranks the method.
#[test]
fn traefik_ranks_a_method_above_a_longer_prefix() -> Result<()> {
    let cluster = Cluster::start(&["short", "long"])?;
    let with_method = json!({"path": {"type": "PathPrefix", "value": "/a"}, "method": "GET"});
    let rules = json!([rule(&with_method, "short"), prefix("/a/b", "long")]);
    let decision = decide(
        &cluster,
        vec![route("rank", &[], &rules)],
        &get("/a").due("short"),
        &get("/a/b/c").due("long"),
    )?;
    is_misroute(&decision, "long", "short")?;
    ensure!(decision.number("/expected/route/rule") == Some(1), "{:#}", decision.0);
    ensure!(decision.number("/observed_route/rule") == Some(0), "{:#}", decision.0);
    Ok(())
}

/// `routing.md` row 2: three header matches on `/h` beat `/h/b`.
#[test]
fn traefik_ranks_headers_above_a_longer_prefix() -> Result<()> {
    let cluster = Cluster::start(&["short", "long"])?;
    let headers: Vec<Value> = ["x-a", "x-b", "x-c"]
        .iter()
        .map(|name| json!({"name": name, "value": "1"}))
        .collect();
    let with_headers = json!({"path": {"type": "PathPrefix", "value": "/h"}, "headers": headers});
    let rules = json!([rule(&with_headers, "short"), prefix("/h/b", "long")]);
    let request = |path: &str| get(path).header("x-a", "1").header("x-b", "1").header("x-c", "1");
    let decision = decide(
        &cluster,
        vec![route("rank", &[], &rules)],
        &request("/h").due("short"),
        &request("/h/b").due("long"),
    )?;
    is_misroute(&decision, "long", "short")
}

/// `routing.md` row 3: a wildcard host with a longer path beats the exact host.
#[test]
fn traefik_ranks_a_longer_path_above_the_more_specific_host() -> Result<()> {
    let cluster = Cluster::start(&["exact", "wildcard"])?;
    let routes = vec![
        route("exact", &["one.host.test"], &json!([prefix("/", "exact")])),
        route("wildcard", &["*.host.test"], &json!([prefix("/foo", "wildcard")])),
    ];
    let decision = decide(
        &cluster,
        routes,
        &get("/foo").host("two.host.test").due("wildcard"),
        &get("/foo").host("one.host.test").due("exact"),
    )?;
    is_misroute(&decision, "exact", "wildcard")?;
    ensure!(decision.text("/observed_route/name") == "wildcard", "{:#}", decision.0);
    Ok(())
}

/// `routing.md` row 4: RequestMirror is accepted, and every request gets 500.
#[test]
fn traefik_accepts_a_mirror_and_answers_500() -> Result<()> {
    let cluster = Cluster::start(&["main", "copy"])?;
    let mut mirrored = prefix("/m", "main");
    mirrored["filters"] = json!([{"type": "RequestMirror", "requestMirror": {"backendRef": backend_ref("copy")}}]);
    let rules = json!([mirrored, prefix("/plain", "main")]);
    let decision = decide(
        &cluster,
        vec![route("mirror", &[], &rules)],
        &get("/plain").due("main"),
        &get("/m").due("main"),
    )?;
    ensure!(
        decision.verdict() == "mismatch" && decision.reason() == "unexpected_reply",
        "{:#}",
        decision.0
    );
    let accepted = cluster.api.get("HTTPRoute", "shop", "mirror").unwrap_or_default();
    let status = |kind: &str| {
        let conditions = accepted
            .pointer("/status/parents/0/conditions")
            .and_then(Value::as_array);
        let of_kind = conditions
            .and_then(|all| all.iter().find(|one| one["type"] == kind))
            .cloned();
        of_kind.unwrap_or_default()["status"].clone()
    };
    ensure!(
        (status("Accepted"), status("ResolvedRefs")) == (json!("True"), json!("True")),
        "{accepted:#}"
    );
    Ok(())
}
