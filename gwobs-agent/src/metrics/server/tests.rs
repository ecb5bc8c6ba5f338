use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::metrics::Health;

use super::*;
use crate::metrics::{MAX_ROUTES, Metrics};
use crate::output::samples;

/// Status line, headers and body of one answer.
async fn get_page(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

async fn serve() -> SocketAddr {
    let mut registry = Registry::default();
    let mut metrics = Metrics::register(&mut registry, MAX_ROUTES);
    metrics.finished(&samples::mismatched());
    metrics.events.lost("ring_buffer_full", 3);
    metrics
        .convergence
        .converged(&samples::object("infra", "web"), std::time::Duration::from_millis(300));
    let server = Server::bind(
        ([127, 0, 0, 1], 0).into(),
        registry,
        Health::default(),
        Misroutes::default(),
    )
    .await
    .unwrap();
    let address = server.address().unwrap();
    tokio::spawn(server.run());
    address
}

#[tokio::test]
async fn metrics_are_openmetrics() {
    let (head, body) = get_page(serve().await, "/metrics").await;
    assert!(head.starts_with("http/1.1 200 ok"), "{head}");
    assert!(head.contains(&format!("content-type: {CONTENT_TYPE}")), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    let typed: Vec<_> = body.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        assert_sample(line, &typed);
    }
}

/// Every sample belongs to a family that was announced, ends in a number, and has the prefix.
fn assert_sample(line: &str, typed: &[&str]) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    assert!(value.parse::<f64>().is_ok(), "{line}");
    let name = series.split('{').next().unwrap();
    assert!(name.starts_with("gwobs_"), "{line}");
    let family = |announced: &&&str| name.starts_with(announced.split(' ').next().unwrap());
    let announced = typed
        .iter()
        .find(family)
        .unwrap_or_else(|| panic!("{name} was not announced"));
    assert!(!announced.ends_with(" counter") || name.ends_with("_total"), "{line}");
}

#[tokio::test]
async fn the_fixed_names_are_there() {
    let (_, body) = get_page(serve().await, "/metrics").await;
    for start in [
        "gwobs_decisions_total{gateway_namespace=",
        "gwobs_misroutes_total{gateway_namespace=",
        "gwobs_requests_total{gateway_namespace=",
        "gwobs_coverage_ratio{gateway_namespace=\"infra\",gateway=\"web\"} 1.0",
        "gwobs_backend_requests_total{gateway_namespace=",
        "gwobs_backend_weight_expected_ratio{gateway_namespace=",
        "gwobs_convergence_seconds_bucket{le=\"0.5\",gateway_namespace=\"infra\",gateway=\"web\"} 1",
        "gwobs_events_lost_total{reason=\"ring_buffer_full\"} 3",
        "gwobs_build_info{version=\"",
    ] {
        assert!(
            body.lines().any(|line| line.starts_with(start)),
            "{start} is not in\n{body}"
        );
    }
}

#[tokio::test]
async fn health_is_told_and_nothing_else_is_served() {
    let address = serve().await;
    let (head, body) = get_page(address, "/healthz").await;
    assert!(head.starts_with("http/1.1 200") && body == "ok\n", "{head}\n{body}");
    let (head, _) = get_page(address, "/").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
}
