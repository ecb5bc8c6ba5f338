//! What else `gwobs observe` puts out: its first and last lines, metrics, redaction, the table, exit codes.

use crate::shop;
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;
use xtask::testbed::client::Client;
use xtask::testbed::gwobs::{self, Observed};
use xtask::testbed::http::{Connection, Framing};
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::process::Process;
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

/// Ten requests to the wrong backend, among a hundred, and what gwobs made of them with these further arguments.
fn ten_misroutes(args: &[&str]) -> Result<Observed> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::wrong(&Envoy, &configured, &specified))?;
    let gwobs = args
        .iter()
        .fold(bed.observe(), |observe, arg| observe.arg(arg))
        .start()?;
    let client = Client::new(bed.address());
    client.run(&mixed(&[get("/api/v2").due("v2")], 10))?;
    client.run(&mixed(&[get("/exact").due("exact")], 90))?;
    gwobs.stop()
}

#[test]
fn first_line_names_processes_and_probes_and_the_last_one_counts() -> Result<()> {
    let observed = ten_misroutes(&[])?;
    let process = observed
        .ready
        .pointer("/processes/0")
        .context("no process in the first line")?;
    assert_eq!(process["data_plane"], "envoy", "{}", observed.ready);
    assert_eq!(process["name"], "envoy");
    assert!(
        observed.ready["probes"]
            .as_array()
            .is_some_and(|probes| !probes.is_empty()),
        "{}",
        observed.ready
    );

    let summary = &observed.summary;
    assert_eq!(
        (&summary["verdicts"]["match"], &summary["verdicts"]["mismatch"]),
        (&90.into(), &10.into())
    );
    assert_eq!(summary["reasons"]["wrong_backend"], 10);
    assert_eq!(summary["coverage"].as_f64(), Some(1.0), "{summary}");
    assert_eq!(observed.exit, 0, "without --fail-on-mismatch a misroute is no failure");
    Ok(())
}

#[test]
fn misroutes_end_with_3_when_asked() -> Result<()> {
    assert_eq!(ten_misroutes(&["--fail-on-mismatch"])?.exit, 3);
    Ok(())
}

#[test]
fn a_listener_may_have_another_port_than_the_data_plane() -> Result<()> {
    let routes = shop::routes();
    let plan = Plan {
        listener_port: Some(80),
        ..Plan::correct(&Envoy, &routes)
    };
    let bed = Testbed::start(&plan)?;
    let gwobs = bed.observe().start()?;
    // Forwarded requests only: a redirect names the port, which here is not the one that clients see.
    let cases: Vec<_> = shop::requests()
        .into_iter()
        .filter(|case| case.request.target != "/old/page")
        .collect();
    let exchanges = Client::new(bed.address()).run(&mixed(&cases, 100))?;
    compare(&exchanges, &gwobs.stop()?.decisions).assert_exact()
}

#[test]
fn metrics_count_the_same_decisions() -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::wrong(&Envoy, &configured, &specified))?;
    let address = bed.metrics_address();
    let mut gwobs = bed.observe().arg("--metrics-addr").arg(&address.to_string()).start()?;
    Client::new(bed.address()).run(&mixed(&[get("/api/v2").due("v2")], 10))?;
    for _ in 0..10 {
        gwobs
            .next_decision(Duration::from_secs(10))?
            .context("a decision is missing")?;
    }
    let text = fetch(address, "/metrics")?;
    let misroutes = text
        .lines()
        .find(|line| line.starts_with("gwobs_misroutes_total{"))
        .context("no misroutes")?;
    for label in [
        "gateway_namespace=\"shop\"",
        "gateway=\"gateway\"",
        "route=\"shop\"",
        "rule=\"1\"",
        "expected_backend=\"shop/v2:80\"",
        "observed_backend=\"shop/v1:80\"",
        "reason=\"wrong_backend\"",
    ] {
        assert!(misroutes.contains(label), "{label} is not in {misroutes}");
    }
    assert!(misroutes.ends_with(" 10"), "{misroutes}");
    assert!(text.trim_end().ends_with("# EOF"), "OpenMetrics ends with EOF");
    gwobs.stop().map(drop)
}

pub(crate) fn fetch(address: std::net::SocketAddr, path: &str) -> Result<String> {
    let mut connection = Connection::open(address)?;
    connection.write(format!("GET {path} HTTP/1.1\r\nhost: metrics\r\n\r\n").as_bytes())?;
    let head = connection.read_head()?;
    let body = connection.read_body(Framing::of_response(&head, "GET"))?;
    Ok(String::from_utf8(body)?)
}

/// Without `--no-redact` only what routing looks at can be read.
#[test]
fn values_that_no_route_looks_at_are_redacted() -> Result<()> {
    let routes = shop::routes();
    let bed = Testbed::start(&Plan::correct(&Envoy, &routes))?;
    let args: Vec<String> = bed
        .observe()
        .args()
        .iter()
        .filter(|arg| *arg != "--no-redact")
        .cloned()
        .collect();
    let mut command = Command::new(gwobs::binary()?);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let process = Process::spawn(&mut command)?;
    let output = interrupted(process, || {
        let request = get("/api?debug=1&token=tell-nobody-1").header("x-env", "canary");
        let case = request.header("authorization", "Bearer tell-nobody-2").due("canary");
        Client::new(bed.address()).run(&[case]).map(drop)
    })?;
    let decision = output
        .lines()
        .find(|line| line.contains(r#""decision""#))
        .context("no decision")?;
    let decision: Value = serde_json::from_str(decision)?;
    assert!(!output.contains("tell-nobody"), "{output}");
    assert_eq!(decision["verdict"], "match", "{decision}");
    assert!(
        decision["request"].to_string().contains("canary"),
        "a value that a rule matches is kept: {decision}"
    );
    Ok(())
}

#[test]
fn the_table_names_what_went_wrong() -> Result<()> {
    let (specified, configured) = (shop::routes(), shop::wrong_order());
    let bed = Testbed::start(&Plan::wrong(&Envoy, &configured, &specified))?;
    let mut args = bed.observe().args().to_vec();
    args.extend(["-o", "table"].map(str::to_owned));
    args.retain(|arg| arg != "jsonl");
    args.remove(args.iter().position(|arg| arg == "-o").context("no -o")?);
    let mut command = Command::new(gwobs::binary()?);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let output = interrupted(Process::spawn(&mut command)?, || {
        Client::new(bed.address())
            .run(&mixed(&[get("/api/v2/items").due("v2")], 10))
            .map(drop)
    })?;
    for text in ["/api/v2/items", "wrong_backend", "v1", "v2"] {
        assert!(output.contains(text), "{text} is not in:\n{output}");
    }
    Ok(())
}

/// Waits for the first output, drives traffic, interrupts, and returns all output.
fn interrupted(mut process: Process, traffic: impl FnOnce() -> Result<()>) -> Result<String> {
    use std::io::Read as _;
    let mut stdout = process.child().stdout.take().context("no standard output")?;
    let mut output = vec![0];
    stdout.read_exact(&mut output)?;
    // The first line is written at once; what follows it is not needed to go on.
    traffic()?;
    process.signal(libc::SIGINT)?;
    stdout.read_to_end(&mut output)?;
    process.wait(Duration::from_secs(30))?;
    Ok(String::from_utf8(output)?)
}
