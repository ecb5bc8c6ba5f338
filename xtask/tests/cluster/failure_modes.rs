//! One test for each of the ways in which a migration to the Gateway API goes wrong (`docs/`), as far as the cluster shows
//! them: what gwobs exports, next to the conditions that stay green.

use anyhow::{Result, ensure};
use serde_json::json;
use std::time::{Duration, Instant};
use xtask::testbed::cluster::Cluster;
use xtask::testbed::cluster::certificate::Certificate;
use xtask::testbed::cluster::objects::{backend_ref, grant, prefix, route, rule};
use xtask::testbed::traffic::{Case, Request, get};

use crate::assert_exact;
use crate::events::{events, until_event};

/// How long metrics of the state may take to follow the objects.
const FOLLOW: Duration = Duration::from_secs(10);

/// Waits until a line of the metrics begins so, and gives its value.
fn metric(cluster: &Cluster, beginning: &str) -> Result<f64> {
    let deadline = Instant::now() + FOLLOW;
    loop {
        let text = cluster.metrics()?;
        if let Some(line) = text.lines().find(|line| line.starts_with(beginning)) {
            return Ok(line.rsplit(' ').next().unwrap_or_default().parse()?);
        }
        let related = beginning.split('{').next().unwrap_or_default();
        let those: Vec<&str> = text.lines().filter(|line| line.starts_with(related)).collect();
        ensure!(Instant::now() < deadline, "no {beginning}; there are {those:#?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Waits until a line of the metrics that begins so counts or says yes.
fn until_positive(cluster: &Cluster, beginning: &str) -> Result<()> {
    until_metric(cluster, beginning, |value| value > 0.0).map(drop)
}

/// Waits until a line of the metrics that begins so has this value.
fn until_metric(cluster: &Cluster, beginning: &str, wanted: impl Fn(f64) -> bool) -> Result<f64> {
    let deadline = Instant::now() + FOLLOW;
    loop {
        let value = metric(cluster, beginning)?;
        if wanted(value) {
            return Ok(value);
        }
        ensure!(Instant::now() < deadline, "{beginning} stays {value}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// The labels of a route's condition.
fn condition(name: &str, kind: &str, status: &str) -> String {
    format!(
        r#"gwobs_object_condition{{kind="HTTPRoute",namespace="shop",name="{name}",parent_namespace="shop",parent="web",section="",type="{kind}",status="{status}""#
    )
}

#[test]
fn failure_mode_1_a_route_is_accepted_and_its_traffic_misrouted() -> Result<()> {
    let cluster = Cluster::start(&["short", "long"])?;
    let with_method = json!({"path": {"type": "PathPrefix", "value": "/a"}, "method": "GET"});
    let rules = json!([rule(&with_method, "short"), prefix("/a/b", "long")]);
    cluster.api.apply(route("rank", &[], &rules))?;
    cluster.wait_until(&get("/a").due("short"))?;
    let agent = cluster.agent()?;
    let exchanges = cluster.client().run(&vec![get("/a/b").due("long"); 30])?;
    until_positive(&cluster, &condition("rank", "Accepted", "True"))?;
    until_positive(&cluster, &condition("rank", "ResolvedRefs", "True"))?;
    until_positive(
        &cluster,
        r#"gwobs_misroutes_total{gateway_namespace="shop",gateway="web",route_namespace="shop",route="rank",rule="1",expected_backend="shop/long:80",observed_backend="shop/short:80",reason="wrong_backend"}"#,
    )?;
    until_event(&cluster, "RequestsMisrouted", "rank")?;
    ensure!(
        events(&cluster, "RequestsMisrouted", "rank").len() == 1,
        "one Event for all of them"
    );
    let comparison = assert_exact(&exchanges, &agent.stop()?)?;
    ensure!(comparison.misrouted == 30);
    Ok(())
}

#[test]
fn failure_mode_2_trust_between_namespaces_collapses() -> Result<()> {
    let cluster = Cluster::start(&["other/pay"])?;
    cluster.api.apply(grant("other"))?;
    cluster
        .api
        .apply(route("pay", &[], &json!([prefix("/", "other/pay")])))?;
    cluster.wait_until(&get("/").due("other/pay"))?;
    let agent = cluster.agent()?;
    let reference = |granted: &str| {
        format!(
            r#"gwobs_cross_namespace_reference{{kind="HTTPRoute",namespace="shop",name="pay",to_kind="Service",to_namespace="other",to_name="pay",granted="{granted}"}}"#
        )
    };
    until_positive(&cluster, &reference("true"))?;

    cluster.api.delete("ReferenceGrant", "other", "routes")?;
    let refused = get("/").due_status(500);
    cluster.wait_until(&refused)?;
    let exchanges = cluster.client().run(&vec![refused; 30])?;
    until_positive(&cluster, &reference("false"))?;
    until_positive(
        &cluster,
        r#"gwobs_reference_grant_changes_total{namespace="other",change="deleted"}"#,
    )?;
    until_positive(&cluster, &condition("pay", "Accepted", "True"))?;
    until_positive(&cluster, &condition("pay", "ResolvedRefs", "False"))?;
    until_event(&cluster, "ReferenceGrantRevoked", "pay")?;
    let denied = r#"gwobs_ungranted_denied_total{gateway_namespace="shop",gateway="web",route_namespace="shop",route="pay",rule="0"}"#;
    until_positive(&cluster, denied)?;

    let observed = agent.stop()?;
    assert_exact(&exchanges, &observed)?;
    ensure!(
        observed
            .log
            .contains("no ReferenceGrant lets HTTPRoute shop/pay refer to Service other/pay"),
        "{}",
        observed.log
    );
    Ok(())
}

/// Requests with a header that the migrated rule must not take go elsewhere all the same.
#[test]
fn failure_mode_3_header_routing_regresses() -> Result<()> {
    let cluster = Cluster::start(&["canary", "deep"])?;
    let names = ["x-canary", "x-region", "x-tenant"];
    let headers: Vec<_> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
    let by_headers = json!({"path": {"type": "PathPrefix", "value": "/h"}, "headers": headers});
    let rules = json!([rule(&by_headers, "canary"), prefix("/h/b", "deep")]);
    cluster.api.apply(route("headers", &[], &rules))?;
    let with_headers =
        |path: &str| -> Request { names.iter().fold(get(path), |request, name| request.header(name, "1")) };
    cluster.wait_until(&with_headers("/h").due("canary"))?;
    let agent = cluster.agent()?;
    let cases: Vec<Case> = (0..40)
        .map(|index| match index % 2 {
            0 => with_headers("/h/b").due("deep"),
            _ => get("/h/b").due("deep"),
        })
        .collect();
    let exchanges = cluster.client().run(&cases)?;
    let observed = agent.stop()?;
    let comparison = assert_exact(&exchanges, &observed)?;
    ensure!(
        comparison.misrouted == 20,
        "those with the headers, and no others: {comparison:?}"
    );
    Ok(())
}

#[test]
fn failure_mode_4_the_controller_lacks_a_feature_that_a_route_uses() -> Result<()> {
    let cluster = Cluster::start(&["main", "copy"])?;
    let mut mirrored = prefix("/m", "main");
    mirrored["filters"] = json!([{"type": "RequestMirror", "requestMirror": {"backendRef": backend_ref("copy")}}]);
    cluster
        .api
        .apply(route("mirror", &[], &json!([mirrored, prefix("/", "main")])))?;
    cluster.wait_until(&get("/").due("main"))?;
    let agent = cluster.agent()?;
    let exchanges = cluster.client().run(&vec![get("/m").due("main"); 20])?;
    until_positive(&cluster, &condition("mirror", "Accepted", "True"))?;
    let unsupported = r#"gwobs_unsupported_feature{gateway_class="traefik",kind="HTTPRoute",namespace="shop",name="mirror",feature="HTTPRouteRequestMirror"}"#;
    until_positive(&cluster, unsupported)?;
    let definition =
        r#"gwobs_crd_info{name="httproutes.gateway.networking.k8s.io",bundle_version="v1.4.0",channel="standard"}"#;
    until_positive(&cluster, definition)?;
    let comparison = assert_exact(&exchanges, &agent.stop()?)?;
    ensure!(comparison.misrouted == 20, "{comparison:?}");
    Ok(())
}

/// The labels of what is known of the certificate.
const CERTIFICATE: &str = r#"namespace="shop",name="tls",gateway_namespace="shop",gateway="web",listener="https""#;
/// The host of the listener.
const HOST: &str = "shop.test";

/// The labels of a condition of the listener.
fn listener_condition(kind: &str, status: &str) -> String {
    format!(
        r#"gwobs_object_condition{{kind="Gateway",namespace="shop",name="web",parent_namespace="",parent="",section="https",type="{kind}",status="{status}""#
    )
}

/// Waits until a problem with the certificate is told, or is gone.
fn until_problem(cluster: &Cluster, problem: &str, present: bool) -> Result<()> {
    let line = format!("gwobs_certificate_problem{{{CERTIFICATE},problem=\"{problem}\"}}");
    until_metric(cluster, &line, |value| (value > 0.0) == present).map(drop)
}

fn not_after(cluster: &Cluster, source: &str, end: f64) -> Result<()> {
    let line = format!("gwobs_certificate_not_after_seconds{{{CERTIFICATE},source=\"{source}\"}}");
    until_metric(cluster, &line, |value| value == end).map(drop)
}

/// The Secret is renewed while the controller's watch of Secrets is stuck; then everything else that can be wrong with a
/// certificate: it has expired, it is for another host, and no handshake succeeds at all. All the while requests in the clear
/// are answered, and no condition says a word.
#[test]
fn failure_mode_5_a_renewed_certificate_is_not_served() -> Result<()> {
    let cluster = Cluster::start(&["main"])?;
    let (first, renewed) = (
        Certificate::until_year(HOST, 2030)?,
        Certificate::until_year(HOST, 2031)?,
    );
    cluster.api.apply(first.secret("tls"))?;
    cluster.listen_tls(HOST, "tls")?;
    cluster.api.apply(route("main", &[], &json!([prefix("/", "main")])))?;
    cluster.wait_until(&get("/").due("main"))?;
    let agent = cluster.agent_with(&["--handshake-interval", "1", "--convergence-window", "1"])?;
    not_after(&cluster, "served", first.not_after)?;
    let stale = format!("gwobs_certificate_stale{{{CERTIFICATE}}}");
    ensure!(metric(&cluster, &stale)? == 0.0);

    cluster.api.stall_watches("secrets", "traefik");
    cluster.api.apply(renewed.secret("tls"))?;
    until_positive(&cluster, &stale)?;
    until_positive(
        &cluster,
        &format!("gwobs_certificate_stale_since_seconds{{{CERTIFICATE}}}"),
    )?;
    not_after(&cluster, "secret", renewed.not_after)?;
    not_after(&cluster, "served", first.not_after)?;
    until_positive(&cluster, &condition("main", "Accepted", "True"))?;
    cluster.api.resume_watches("secrets");
    until_metric(&cluster, &stale, |value| value == 0.0)?;

    cluster.api.apply(Certificate::until_year(HOST, 2025)?.secret("tls"))?;
    until_problem(&cluster, "expired", true)?;
    // Traefik serves a certificate of its own to hosts that none of its certificates is for.
    cluster
        .api
        .apply(Certificate::until_year("other.test", 2030)?.secret("tls"))?;
    until_problem(&cluster, "name_mismatch", true)?;
    until_problem(&cluster, "expired", false)?;
    until_positive(&cluster, &listener_condition("ResolvedRefs", "True"))?;
    until_positive(&cluster, &listener_condition("Programmed", "True"))?;
    cluster.configure(&json!({"tls": {"options": {"default": {"sniStrict": true}}}}))?;
    until_problem(&cluster, "handshake_failing", true)?;
    cluster.api.apply(Certificate::until_year(HOST, 2030)?.secret("tls"))?;
    until_problem(&cluster, "handshake_failing", false)?;
    until_problem(&cluster, "name_mismatch", false)?;

    let exchanges = cluster.client().run(&vec![get("/").due("main"); 10])?;
    let observed = agent.stop()?;
    assert_exact(&exchanges, &observed)?;
    for said in [
        "does not serve what its Secret holds",
        "has expired",
        "is not for shop.test",
        "TRAEFIK DEFAULT CERT",
        "lets no TLS handshake",
    ] {
        ensure!(observed.log.contains(said), "{said}: {}", observed.log);
    }
    Ok(())
}
