//! Weights that the data plane honours, and weights that it ignores.

use crate::output::fetch;
use anyhow::{Context as _, Result};
use std::time::Duration;
use xtask::testbed::client::Client;
use xtask::testbed::gwobs::Observed;
use xtask::testbed::plane::envoy::Envoy;
use xtask::testbed::rule::{Route, prefix, route};
use xtask::testbed::traffic::{get, mixed};
use xtask::testbed::truth::compare;
use xtask::testbed::{Plan, Testbed};

fn split(v1: u32, v2: u32) -> [Route; 1] {
    [route("canary", vec![prefix("/").split(&[("v1", v1), ("v2", v2)])])]
}

/// Requests enough for the test, what gwobs said of them, and its metrics.
fn weigh(configured: &[Route], specified: &[Route]) -> Result<(Observed, String)> {
    let bed = Testbed::start(&Plan::wrong(&Envoy, configured, specified))?;
    let address = bed.metrics_address();
    let mut gwobs = bed.observe().arg("--metrics-addr").arg(&address.to_string()).start()?;
    let client = Client::new(bed.address()).concurrency(4);
    let exchanges = client.run(&mixed(&[get("/").due_any(&["v1", "v2"])], 600))?;
    // A skew is held for two seconds, as a mismatch is.
    while gwobs.next_decision(Duration::from_secs(4))?.is_some() {}
    let metrics = fetch(address, "/metrics")?;
    let observed = gwobs.stop()?;
    compare(&exchanges, &observed.decisions).assert_exact()?;
    Ok((observed, metrics))
}

const RULE: &str = r#"gateway_namespace="shop",gateway="gateway",route_namespace="shop",route="canary",rule="0""#;

fn sample<'a>(metrics: &'a str, series: &str) -> Result<&'a str> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    line.map(str::trim)
        .with_context(|| format!("{series} is not in\n{metrics}"))
}

#[test]
fn a_skew_is_told_with_its_numbers() -> Result<()> {
    let (observed, metrics) = weigh(&split(1, 1), &split(9, 1))?;
    let [skew] = observed.weight_skews.as_slice() else {
        anyhow::bail!("{:?}\n{}", observed.weight_skews, observed.log)
    };
    assert_eq!(skew["skewed"], true);
    assert_eq!(skew["gateway"], "shop/gateway");
    assert_eq!(skew["route"]["name"], "canary");
    assert_eq!(skew["backends"][0]["backend"], "shop/v1:80");
    assert_eq!(skew["backends"][0]["expected"], 0.9);
    let seen = skew["backends"][0]["observed"].as_f64().context("no share")?;
    assert!((0.25..0.75).contains(&seen), "{skew}");
    assert!(
        observed.log.contains("are not honoured: expected 90/10, observed "),
        "the log says it in words:\n{}",
        observed.log
    );
    assert_eq!(sample(&metrics, &format!("gwobs_weight_skew_detected{{{RULE}}}"))?, "1");
    let expected = format!(r#"gwobs_backend_weight_expected_ratio{{{RULE},backend="shop/v2:80"}}"#);
    assert_eq!(sample(&metrics, &expected)?, "0.1");
    let got: u64 = sample(
        &metrics,
        &format!(r#"gwobs_backend_requests_total{{{RULE},backend="shop/v2:80"}}"#),
    )?
    .parse()?;
    assert!((200..400).contains(&got), "{got}");
    Ok(())
}

#[test]
fn honoured_weights_are_no_skew() -> Result<()> {
    let (observed, metrics) = weigh(&split(9, 1), &split(9, 1))?;
    assert!(observed.weight_skews.is_empty(), "{:?}", observed.weight_skews);
    assert_eq!(sample(&metrics, &format!("gwobs_weight_skew_detected{{{RULE}}}"))?, "0");
    Ok(())
}
